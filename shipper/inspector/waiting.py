"""Waiting: how the time between two moments of an event was spent, as far as anybody recorded it; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

BACKOFF: Final = "backoff"
LETTER: Final = "letter"
WAITING: Final = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Some of the time before a moment. `ms` is how long.

    `what` is `backoff` (its own, after an attempt), `lane` (an earlier event of its customer), `pace`, why
    the account was held (`throttled`, `breaker`, `operator` …), `letter` (for a person), or `waiting`: its
    turn, or any of these, which nobody saw.
    """

    what: str
    ms: int


Span = tuple[str, int, int]
"""What, since, until."""


def spent(since: int, until: int, known: Iterable[Span]) -> tuple[Wait, ...]:
    """Share the time out; where spans overlap the first one has it, and what none has is `waiting`."""
    spans = [(what, max(begin, since), min(end, until)) for what, begin, end in known]
    marks = sorted({since, until, *(mark for _, begin, end in spans if begin < end for mark in (begin, end))})
    shares: dict[str, int] = {}
    for begin, end in pairwise(marks):
        what = next((name for name, first, last in spans if first <= begin and end <= last), WAITING)
        shares[what] = shares.get(what, 0) + end - begin
    return tuple(Wait(what=what, ms=ms) for what, ms in shares.items())
