"""Indices: where the dead letters stand, in the order of their ends.

`dx` holds each letter once an index: `r<reason>`, `c<code>`, `f<refused field>`, `k<kind of answer>`,
`n<name>`, `l<lane>` and `g<reason code name field>`, each followed by NUL, the time and NUL, the id; a dead
one of which a copy may be with Gameball in `m<reason>`, or `p<reason>` if it is parked, and `m<reason code
name field>`. So a page is a lexicographic range, and to ask whether letters are in an index too is one
ZMSCORE.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger

STEP: Final = 500
"""Letters looked at by one command."""
LATEST: Final = 9_999_999_999_999
"""The last moment in ms, in 2286, that sorts as a text of thirteen digits."""


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """Where a letter stands in the order of time; a page may begin beside it."""

    ended_at: int
    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of time in ms: from `since` on, before `until`; None has no end."""

    since: int | None = None
    until: int | None = None


ALWAYS: Final = Window()


def size_of(ledger: Ledger, index: str, window: Window = ALWAYS) -> int:
    """Count the letters of an index; what it costs does not depend on their number."""
    count: int = ledger.ask("ZLEXCOUNT", key_of(ledger.account, "dx"), *_bounds(index, window))
    return count


def spots_of(
    ledger: Ledger,
    index: str,
    window: Window = ALWAYS,
    *,
    beyond: Spot | None = None,
    newest_first: bool = True,
    step: int = STEP,
) -> Iterator[Spot]:
    """Walk an index; the place reached is the key to go on from, so letters may come and go meanwhile."""
    key = key_of(ledger.account, "dx")
    while True:
        low, high = _bounds(index, window)
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


def those_in(ledger: Ledger, index: str, spots: Sequence[Spot]) -> list[Spot]:
    """Keep the letters that are in an index as well."""
    if not spots:
        return []
    scores = ledger.ask("ZMSCORE", key_of(ledger.account, "dx"), *(_member(index, spot) for spot in spots))
    return [spot for spot, score in zip(spots, scores, strict=True) if score is not None]


def _bounds(index: str, window: Window) -> tuple[str, str]:
    since = "" if window.since is None else _sorted(window.since)
    until = f"({index}\1" if window.until is None else f"({index}\0{_sorted(window.until)}"
    return f"[{index}\0{since}", until


def _sorted(ms: int) -> str:
    """Return a moment as it sorts among those of letters: `:` comes after every digit."""
    return f"{max(ms, 0):013}" if ms <= LATEST else ":"


def _member(index: str, spot: Spot) -> str:
    return f"{index}\0{spot.ended_at:013}\0{spot.event_id}"
