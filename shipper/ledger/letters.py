"""Dead letters by page: found through the indices that the scripts keep, never by a scan.

`dx` holds each letter once an index: `r<reason>`, `c<code>`, `n<name>`, `l<lane>` and `g<reason code name>`,
each followed by NUL, the time and NUL, the id. So a page is a lexicographic range, and to ask whether letters
are in an index too is one ZMSCORE.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from shipper.envelope import lane_of, name_hash
from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger
from shipper.outcome import Reason

UNCLEAR: Final = "unclear"
"""Stands where a dead letter has its reason."""
NO_CODE: Final = "-"
REASONS: Final = (*(reason.value for reason in Reason), UNCLEAR)
STEP: Final = 500
"""Letters looked at by one command."""

Facet = tuple[str, ...]
"""Indices that have no letter in common, of which a letter must be in one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which letters are wanted; what is None is not asked for.

    `reason` may be `unclear`, `code` may be `-` for none. Times are ms: from `since` on, before `until`.
    """

    reason: str | None = None
    code: str | None = None
    event_name: str | None = None
    customer_id: str | None = None
    since: int | None = None
    until: int | None = None
    unclear: bool | None = None


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """Where a letter stands in the order of time; a page may begin beside it."""

    ended_at: int
    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Dead letters with one reason, code and event name, which is known by its hash alone."""

    reason: str
    code: str
    name: str
    count: int

    @property
    def index(self) -> str:
        """Return the index that has these letters."""
        return f"g{self.reason} {self.code} {self.name}"


def walk(
    ledger: Ledger,
    wanted: Filter,
    *,
    beyond: Spot | None = None,
    newest_first: bool = True,
    step: int = STEP,
) -> Iterator[Spot]:
    """Yield letters in the order of their ends, from the other side of `beyond`.

    The smallest index is walked; whether its letters are in the others is asked of `dx`. With one index alone
    no more than `step` letters are read ahead.
    """
    first, *others = sorted(facets_of(wanted), key=lambda facet: _size(ledger, facet, wanted))
    step = STEP if others else step
    ranges = [
        _range(ledger, index, wanted, beyond=beyond, newest_first=newest_first, step=step) for index in first
    ]
    spots = heapq.merge(*ranges, reverse=newest_first)
    while some := list(islice(spots, step)):
        for facet in others:
            some = _members(ledger, facet, some)
        yield from some


def count(ledger: Ledger, wanted: Filter) -> int:
    """Count letters: at once where one index tells, else by walking them."""
    facets = facets_of(wanted)
    if len(facets) == 1:
        return _size(ledger, facets[0], wanted)
    return sum(1 for _ in walk(ledger, wanted))


def groups(ledger: Ledger) -> list[Group]:
    """Return every group, the largest first."""
    flat = ledger.ask("HGETALL", key_of(ledger.account, "groups"))
    found = []
    for group, size in zip(flat[::2], flat[1::2], strict=True):
        reason, code, name = group.decode().split(" ")
        found.append(Group(reason=reason, code=code, name=name, count=int(size)))
    return sorted(found, key=lambda group: (-group.count, group.index))


def ends_of(ledger: Ledger, group: Group) -> tuple[Spot, Spot] | None:
    """Return the oldest and newest letter of a group; None when its last one has just left."""
    wanted = Filter()
    ends = [
        next(_range(ledger, group.index, wanted, newest_first=newest, step=1), None)
        for newest in (False, True)
    ]
    return (ends[0], ends[1]) if ends[0] and ends[1] else None


def facets_of(wanted: Filter) -> list[Facet]:
    """Say which indices tell what is wanted; the group's index stands for its three parts."""
    facets: list[Facet] = []
    reasons = [reason for reason in REASONS if _asked(reason, wanted)]
    if wanted.reason and wanted.code and wanted.event_name and reasons:
        facets.append((f"g{wanted.reason} {wanted.code} {name_hash(wanted.event_name)}",))
    else:
        facets += [(f"c{wanted.code}",)] if wanted.code else []
        facets += [(f"n{name_hash(wanted.event_name)}",)] if wanted.event_name else []
        if len(reasons) < len(REASONS):
            facets.append(tuple(f"r{reason}" for reason in reasons))
    facets += [(f"l{lane_of(wanted.customer_id)}",)] if wanted.customer_id else []
    return facets or [tuple(f"r{reason}" for reason in REASONS)]


def _asked(reason: str, wanted: Filter) -> bool:
    return wanted.reason in {None, reason} and wanted.unclear in {None, reason == UNCLEAR}


def _size(ledger: Ledger, facet: Facet, wanted: Filter) -> int:
    key = key_of(ledger.account, "dx")
    return sum(ledger.ask("ZLEXCOUNT", key, *_bounds(index, wanted)) for index in facet)


def _bounds(index: str, wanted: Filter) -> tuple[str, str]:
    since = "" if wanted.since is None else f"{max(wanted.since, 0):013}"
    until = f"({index}\1" if wanted.until is None else f"({index}\0{max(wanted.until, 0):013}"
    return f"[{index}\0{since}", until


def _range(
    ledger: Ledger,
    index: str,
    wanted: Filter,
    *,
    beyond: Spot | None = None,
    newest_first: bool,
    step: int,
) -> Iterator[Spot]:
    """Walk one index; the place reached is the key to go on from, so letters may come and go meanwhile."""
    key = key_of(ledger.account, "dx")
    while True:
        low, high = _bounds(index, wanted)
        if beyond and newest_first:
            high = min(high, f"({_member(index, beyond)}")
        elif beyond:
            low = max(low, f"({_member(index, beyond)}", key=lambda bound: bound[1:])
        ends = (high, low, "BYLEX", "REV") if newest_first else (low, high, "BYLEX")
        members = ledger.ask("ZRANGE", key, *ends, "LIMIT", 0, step)
        for member in members:
            _, ended_at, event_id = member.decode().rsplit("\0", 2)
            beyond = Spot(int(ended_at), event_id)
            yield beyond
        if len(members) < step:
            return


def _members(ledger: Ledger, facet: Facet, spots: Sequence[Spot]) -> list[Spot]:
    """Keep the letters that are in one of these indices as well."""
    if not facet or not spots:
        return []
    key = key_of(ledger.account, "dx")
    found: set[Spot] = set()
    for index in facet:
        scores: Iterable[bytes | None] = ledger.ask("ZMSCORE", key, *(_member(index, spot) for spot in spots))
        found.update(spot for spot, score in zip(spots, scores, strict=True) if score is not None)
    return [spot for spot in spots if spot in found]


def _member(index: str, spot: Spot) -> str:
    return f"{index}\0{spot.ended_at:013}\0{spot.event_id}"
