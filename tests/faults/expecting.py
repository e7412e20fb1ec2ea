"""Expecting: what one campaign promises beyond what must hold in every row, and what it measured beside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from tests.faults.row import Row


def expecting(row: Row, promises: Mapping[str, bool], *, wrongs: Iterable[str] = (), note: str = "") -> Row:
    """Return the row with one more note, and with every promise that was not kept as a problem.

    `promises` maps a sentence that tells the breach to whether the promise was kept; `wrongs` are breaches.
    Of a side that promises nothing, nothing is said.
    """
    broken = [*(breach for breach, kept in promises.items() if not kept), *wrongs] if row.promised else []
    notes = "; ".join(part for part in (note, row.note) if part)
    return replace(row, note=notes, problems=(*row.problems, *broken))
