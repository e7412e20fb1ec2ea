"""Stocktaking: compare what is kept of the dead letters with the letters, a few at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from shipper.ledger.operations.operation import Operation, time_or_now, words

Kept = Literal["letters", "index", "groups", "people", "fields", "kinds"]
"""What there is to look at: letters by their ids, members of the index, fields of the hashes that count."""

MANY = "many"
"""Said of a customer with too many letters to be counted in one look."""


def audit_letters(what: Kept, items: Sequence[str], *, now: int | None = None) -> Operation[list[str]]:
    """Say what is wrong with each: "" for nothing, MANY. The answer is short where it would take too long."""
    return Operation("audit_letters", (time_or_now(now), what, *items), words)


def mend_letters(what: Kept, items: Sequence[str], *, now: int | None = None) -> Operation[list[str]]:
    """Put right what is wrong with each, and say what it was, as `audit_letters` does."""
    return Operation("mend_letters", (time_or_now(now), what, *items), words)


def letter_lanes(ids: Sequence[str], *, now: int | None = None) -> Operation[list[str]]:
    """Return the lane of each letter, "" of one that is gone."""
    return Operation("letter_lanes", (time_or_now(now), *ids), words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """An index before it was walked, and the count of customers that it was compared with."""

    field: str
    index: str
    entries: int
    newest: str
    counted: str


def mend_people(before: Walked, letters: int, *, now: int | None = None) -> Operation[bool]:
    """Correct a count of customers, or of a customer's letters, unless something has come or gone since."""
    seen = (before.field, before.index, before.entries, before.newest, before.counted)
    return Operation("mend_people", (time_or_now(now), *seen, letters), bool)
