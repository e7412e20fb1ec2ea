"""Timeline: what happened to an event from its acceptance to its end, and how it spent the time between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from shipper.inspector.waiting import BACKOFF, LETTER, Span, Wait, spent
from shipper.ledger.operations import Shown
from shipper.ledger.record import UNREADABLE
from shipper.outcome import State

REDRIVEN: Final = "redriven"
EDITED: Final = "edited"
IMPORTED: Final = "imported"
LANE: Final = "lane"
PACE: Final = "pace"

Read = Callable[[str | None], str | None]
"""Opens a text of the history, and hides in it what may not be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happened to an event, or that is to happen. What does not apply is None.

    `what` is accepted, attempt, redriven, edited, imported, in_flight, due, or the state in which the event
    ended; unreadable for what somebody put there by hand, which has the time of what is before it.
    """

    at: int
    what: str
    waits: tuple[Wait, ...] | None = None
    """How the time before it was spent, where it is known since when it was ready."""
    number: int | None = None
    worker: str | None = None
    verdict: str | None = None
    outcome: str | None = None
    of: int | None = None
    """How many events travelled in the call."""
    siblings: tuple[str, ...] | None = None
    """The ids of the others in the call; of many the first few."""
    took_ms: int | None = None
    status: int | None = None
    code: int | None = None
    request_id: str | None = None
    delay_ms: int | None = None
    answer: str | None = None
    by: str | None = None
    """Who redrove, edited or imported it."""
    job: str | None = None
    """The redrive job that sent it again."""
    places: str | None = None
    """What was edited: where, not what it says."""


def timeline_of(seen: Shown, *, accepted_at: int | None, read: Read) -> Iterator[Moment]:
    """Tell the moments of an event, oldest first."""
    clock = _Clock(accepted_at)
    if accepted_at is not None:
        yield Moment(at=accepted_at, what="accepted")
    end = None if seen.ended_at is None else Moment(at=seen.ended_at, what=seen.state.value)
    for line in seen.history:
        if end and line.get("outcome") == IMPORTED and end.at <= line.get("at", 0):
            yield end  # elsewhere, before it came in
            end = None
        if line.get("outcome") == UNREADABLE:
            yield Moment(at=clock.ready_at or 0, what=UNREADABLE)
        else:
            yield _attempt(line, clock, read) if "number" in line else _deed(line, clock, read)
    if seen.call:
        yield Moment(
            at=seen.call.claimed_at,
            what=State.IN_FLIGHT.value,
            waits=clock.until(seen.call.claimed_at, ()),
            number=seen.call.numbers[seen.event_id],
            worker=seen.call.worker,
            of=len(seen.call.numbers),
            siblings=tuple(each for each in seen.call.numbers if each != seen.event_id) or None,
        )
    if seen.due_at is not None:
        yield Moment(at=seen.due_at, what="due")
    if end:
        yield end


class _Clock:
    """Know since when an event is ready to be tried, and for how long its own backoff holds it."""

    def __init__(self, ready_at: int | None) -> None:
        self.ready_at = ready_at
        self._delay_ms = 0

    def until(self, at: int, holds: tuple[Span, ...]) -> tuple[Wait, ...] | None:
        """Share out the time since it was ready."""
        if self.ready_at is None or at <= self.ready_at:
            return None
        backoff = (BACKOFF, self.ready_at, self.ready_at + self._delay_ms)
        return spent(self.ready_at, at, (backoff, *holds))

    def set(self, ready_at: int, delay_ms: int = 0) -> None:
        self.ready_at, self._delay_ms = ready_at, delay_ms


def _attempt(line: dict[str, Any], clock: _Clock, read: Read) -> Moment:
    at, claimed_at = line.get("at", 0), line.get("claimed")
    waits = clock.until(claimed_at, _holds(line)) if claimed_at else None
    clock.set(at + (line.get("took_ms") or 0), line.get("delay_ms") or 0)
    return Moment(
        at=at,
        what="attempt",
        waits=waits,
        number=line.get("number"),
        worker=line.get("worker"),
        verdict=line.get("verdict"),
        outcome=line.get("outcome"),
        of=line.get("of", 1),
        siblings=tuple(line.get("with", ())) or None,
        took_ms=line.get("took_ms"),
        status=line.get("status"),
        code=line.get("code"),
        request_id=line.get("request_id"),
        delay_ms=line.get("delay_ms"),
        answer=read(line.get("answer")),
    )


def _deed(line: dict[str, Any], clock: _Clock, read: Read) -> Moment:
    """Read what a person did; until then it was a letter."""
    at = line.get("at", 0)
    ready_at = clock.ready_at
    waits = (Wait(what=LETTER, ms=at - ready_at),) if ready_at is not None and at > ready_at else None
    clock.set(at)
    outcome = line.get("outcome")
    return Moment(
        at=at,
        what=outcome if outcome in {EDITED, IMPORTED} else REDRIVEN,
        waits=waits,
        by=line.get("by"),
        job=line.get("job"),
        places=read(line.get("places")),
    )


def _holds(line: dict[str, Any]) -> tuple[Span, ...]:
    """Return what a worker saw, in the order in which it explains: the gate, the pace, the lane."""
    order = {PACE: 1, LANE: 2}
    spans = [(str(why), int(since), int(until)) for why, since, until in line.get("held", ())]
    return tuple(sorted(spans, key=lambda span: order.get(span[0], 0)))
