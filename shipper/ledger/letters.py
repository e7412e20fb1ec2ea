"""Dead letters by page: found through the indices that the scripts keep, never by a scan.

A page walks the smallest set of indices that holds all that is wanted; what those do not tell is asked of
each letter: its numbers, other indices, its answer. What that costs is bounded a page.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from shipper.keyring import Keyring
from shipper.ledger.filter import NO_CODE, NO_FIELD, REASONS, UNCLEAR, Filter
from shipper.ledger.indices import STEP, Spot, size_of, spots_of, those_in
from shipper.ledger.ledger import Ledger
from shipper.ledger.plan import MOST_RANGES, Plan, Way, fitting_groups, plan_of

__all__ = [
    "LOOKED",
    "NO_CODE",
    "NO_FIELD",
    "REASONS",
    "UNCLEAR",
    "Filter",
    "Leaf",
    "Spot",
    "count",
    "count_doubtful",
    "count_parked",
    "leaf",
    "walk",
]

LOOKED: Final = 5000
"""Letters looked at for one page; one whose answer has to be read counts as READ."""
READ: Final = 5
FEW: Final = 100
"""Letters that are looked at one by one to tell of how many a copy may be with Gameball."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stride:
    """Letters found by one step of a walk; `reached` is how far it looked, at a price of `looked`."""

    spots: list[Spot]
    reached: Spot
    looked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A page of places. With a place to go on from it may be short: so far the work of one page went."""

    spots: tuple[Spot, ...]
    beyond: Spot | None


def walk(
    ledger: Ledger,
    wanted: Filter,
    *,
    keyring: Keyring | None = None,
    beyond: Spot | None = None,
    newest_first: bool = True,
    step: int = STEP,
) -> Iterator[Spot]:
    """Yield letters in the order of their ends, from the other side of `beyond`.

    To look for a text takes a keyring: raises ValueError without, LockedError where a key is missing.
    """
    plan = plan_of(ledger, wanted, keyring)
    for stride in _strides(ledger, wanted, plan, beyond=beyond, newest_first=newest_first, step=step):
        yield from stride.spots


def leaf(
    ledger: Ledger,
    wanted: Filter,
    *,
    limit: int,
    keyring: Keyring | None = None,
    beyond: Spot | None = None,
    newest_first: bool = True,
    most: int = LOOKED,
) -> Leaf:
    """Return at most `limit` letters, having looked at no more than about `most`."""
    found: list[Spot] = []
    looked = 0
    plan = plan_of(ledger, wanted, keyring)
    step = limit + 1 if not plan.keeps else STEP // (READ if plan.reads else 1)
    for stride in _strides(ledger, wanted, plan, beyond=beyond, newest_first=newest_first, step=step):
        found += stride.spots
        looked += stride.looked
        if len(found) > limit:
            return Leaf(spots=tuple(found[:limit]), beyond=found[limit - 1])
        if looked >= most:
            return Leaf(spots=tuple(found), beyond=stride.reached)
    return Leaf(spots=tuple(found), beyond=None)


def count(ledger: Ledger, wanted: Filter, *, keyring: Keyring | None = None) -> int:
    """Count letters: at once where indices tell, else by walking them."""
    plan = plan_of(ledger, wanted, keyring)
    if plan.exact:
        return sum(size_of(ledger, index, wanted.window) for index in plan.way.indices)
    return sum(1 for _ in walk(ledger, wanted, keyring=keyring))


def count_parked(ledger: Ledger, wanted: Filter, *, keyring: Keyring | None = None) -> int:
    """Count the dead among the wanted that are parked, and of which a copy may be with Gameball."""
    indices, size = _among(ledger, wanted, "p")
    if not size:
        return 0
    way = Way(indices=indices, size=size, tells=frozenset({"reason"}))
    plan = plan_of(ledger, wanted, keyring, way=way)
    if plan.exact:
        return size
    strides = _strides(ledger, wanted, plan, beyond=None, newest_first=True, step=STEP)
    return sum(len(stride.spots) for stride in strides)


def count_doubtful(ledger: Ledger, wanted: Filter, *, of: int, keyring: Keyring | None = None) -> int:
    """Count the dead among the wanted that are not parked, and of which a copy may be with Gameball.

    At most so many it is, of more than FEW, where a filter asks for more than a reason: to count them would
    be to walk them all.
    """
    indices, size = _among(ledger, wanted, "m")
    if not size or replace(wanted, reason=None, unclear=None, since=None, until=None) == Filter():
        return size
    if of <= FEW:
        spots = list(walk(ledger, wanted, keyring=keyring))
        return sum(len(those_in(ledger, index, spots)) for index in indices)
    fitting = fitting_groups(ledger, wanted)
    if fitting is not None and len(fitting) <= MOST_RANGES:
        size = sum(size_of(ledger, f"m{group.key}", wanted.window) for group in fitting)
    return min(of, size)


def _among(ledger: Ledger, wanted: Filter, which: str) -> tuple[tuple[str, ...], int]:
    indices = tuple(f"{which}{reason}" for reason in wanted.reasons if reason != UNCLEAR)
    return indices, sum(size_of(ledger, index, wanted.window) for index in indices)


def _strides(
    ledger: Ledger, wanted: Filter, plan: Plan, *, beyond: Spot | None, newest_first: bool, step: int
) -> Iterator[Stride]:
    ranges = [
        spots_of(ledger, index, wanted.window, beyond=beyond, newest_first=newest_first, step=step)
        for index in plan.way.indices
    ]
    merged = _once(heapq.merge(*ranges, reverse=newest_first))
    while looked := list(islice(merged, step)):
        kept = looked
        for keep in plan.keeps:
            kept = keep(ledger, kept)
        yield Stride(spots=kept, reached=looked[-1], looked=len(looked) * (READ if plan.reads else 1))


def _once(spots: Iterator[Spot]) -> Iterator[Spot]:
    """Leave out what comes twice: a letter of several names is in several groups."""
    last = None
    for spot in spots:
        if spot != last:
            yield spot
        last = spot
