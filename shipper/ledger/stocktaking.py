"""Stocktaking: prove that every dead letter is counted where it should be and nowhere else, or make it so.

The ledger works on meanwhile. A letter, an entry or a count is judged at one moment, by one script. How many
customers a group has takes a walk: it is judged only if nothing came or went meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from itertools import islice
from typing import Final

from shipper.ledger.indices import size_of, spots_of, those_in
from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import (
    MANY,
    Kept,
    Operation,
    Walked,
    audit_letters,
    letter_lanes,
    mend_letters,
    mend_people,
)
from shipper.ledger.scan import scan

STEP: Final = 100
"""Letters, entries or counts looked at by one script: keeps it under 10 ms."""
TRIES: Final = 3
"""Walks over a group that changes meanwhile."""
NAMED: Final = 100
"""Most wrongs of a kind that are named; the others are counted."""
COUNTS: Final[tuple[Kept, ...]] = ("groups", "fields", "kinds")

Judge = Callable[[Kept, Sequence[str]], Operation[list[str]]]


@dataclass(slots=True)
class Stock:
    """What stocktaking found wrong, place and problem, and how many counts `moved` and are not judged."""

    wrongs: list[tuple[str, str]] = field(default_factory=list)
    named: Counter[str] = field(default_factory=Counter)
    unnamed: Counter[str] = field(default_factory=Counter)
    moved: int = 0

    @property
    def total(self) -> int:
        """Return how many things were wrong."""
        return self.named.total() + self.unnamed.total()

    def add(self, what: Kept, item: str, problem: str) -> None:
        """Name a wrong, or count it if many of its kind are named."""
        if self.named[what] < NAMED:
            self.named[what] += 1
            self.wrongs.append((f"{what} {item.replace(chr(0), ' ')}", problem))
        else:
            self.unnamed[what] += 1


def take_stock(ledger: Ledger, *, mend: bool = False) -> Stock:
    """Look at every letter, every entry of the index and every count; put them right to `mend`."""
    stock = Stock()
    judge = mend_letters if mend else audit_letters
    for place in ("dead", "uncl"):
        _look(ledger, stock, judge, "letters", _members(ledger, place))
    _look(ledger, stock, judge, "index", _entries(ledger))
    for what in COUNTS:
        _look(ledger, stock, judge, what, _fields(ledger, what))
    for whose in _look(ledger, stock, judge, "people", _fields(ledger, "people")):
        group, _, lane = whose.partition("\0")
        _count(ledger, stock, whose, f"l{lane}", partial(_letters_of, ledger, group, lane), mend=mend)
    for group in _fields(ledger, "groups"):
        _count(ledger, stock, group, f"g{group}", partial(_customers_of, ledger, group), mend=mend)
    return stock


def _look(ledger: Ledger, stock: Stock, judge: Judge, what: Kept, items: Iterator[str]) -> list[str]:
    """Judge all, and return the customers with too many letters for one look: they are few."""
    many: list[str] = []
    while chunk := list(islice(items, STEP)):
        while chunk:
            words = ledger.run(judge(what, chunk))
            for item, word in zip(chunk, words, strict=False):
                if word == MANY:
                    many.append(item)
                elif word:
                    stock.add(what, item, word)
            chunk = chunk[len(words) :]
    return many


def _count(
    ledger: Ledger, stock: Stock, whose: str, index: str, count: Callable[[], int], *, mend: bool
) -> None:
    """Compare a count of `people` with what a walk over an index counts."""
    for _ in range(TRIES):
        before, found = _walked(ledger, whose, index), count()
        if before != _walked(ledger, whose, index):
            continue
        if before.counted == (str(found) if found else ""):
            return
        if not mend or ledger.run(mend_people(before, found)):
            stock.add("people", whose, f"counts {before.counted or 0}, not {found}")
            return
    stock.moved += 1


def _walked(ledger: Ledger, whose: str, index: str) -> Walked:
    newest = next(spots_of(ledger, index, step=1), None)
    counted = ledger.ask("HGET", key_of(ledger.account, "people"), whose)
    return Walked(
        field=whose,
        index=index,
        entries=size_of(ledger, index),
        newest=f"{index}\0{newest.ended_at:013}\0{newest.event_id}" if newest else "",
        counted=counted.decode() if counted else "",
    )


def _letters_of(ledger: Ledger, group: str, lane: str) -> int:
    """Count a customer's letters in a group."""
    spots = spots_of(ledger, f"l{lane}")
    letters = 0
    while chunk := list(islice(spots, STEP)):
        letters += len(those_in(ledger, f"g{group}", chunk))
    return letters


def _customers_of(ledger: Ledger, group: str) -> int:
    """Count the customers of a group. What is remembered of each is short, for there may be a million."""
    spots = spots_of(ledger, f"g{group}")
    customers: set[bytes] = set()
    while chunk := [spot.event_id for spot in islice(spots, STEP)]:
        lanes = ledger.run(letter_lanes(chunk))
        customers.update(blake2b(lane.encode(), digest_size=8).digest() for lane in lanes)
    return len(customers)


def _fields(ledger: Ledger, key: str) -> Iterator[str]:
    return (name for name, _ in scan(ledger, key))


def _members(ledger: Ledger, name: str) -> Iterator[str]:
    key, cursor = key_of(ledger.account, name), 0
    while True:
        cursor, flat = ledger.ask("ZSCAN", key, cursor, "COUNT", STEP)
        yield from (member.decode() for member in flat[::2])
        if int(cursor) == 0:
            return


def _entries(ledger: Ledger) -> Iterator[str]:
    key, low = key_of(ledger.account, "dx"), "-"
    while members := ledger.ask("ZRANGE", key, low, "+", "BYLEX", "LIMIT", 0, STEP):
        yield from (member.decode() for member in members)
        low = f"({members[-1].decode()}"
