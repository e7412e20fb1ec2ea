"""State tables: what is there before, what is asked, what is answered, what is there after."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from shipper.ledger.operations import Operation
from tests.ledger.book import Book


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table; its name is a sentence. `after` is the whole ledger."""

    before: Book = field(default_factory=Book)
    call: Operation[Any]
    answer: Any
    after: Book


def table(rows: dict[str, Row]) -> pytest.MarkDecorator:
    """Run a test once for each row."""
    return pytest.mark.parametrize("row", rows.values(), ids=rows.keys())
