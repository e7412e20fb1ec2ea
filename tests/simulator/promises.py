"""The promises of the ledger that only a bystander can judge: who knows what Gameball really accepted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shipper.outcome import State
from tests.simulator.book import Book

LETTERS: Final = (State.DEAD, State.UNCLEAR)
UNENDED: Final = (State.WAITING, State.IN_FLIGHT, *LETTERS)


@dataclass(slots=True, kw_only=True)
class Ghost:
    """What the simulator remembers of an event, however the ledger forgets it."""

    copies: int = 0
    """How often Gameball accepted it."""
    known: bool = False
    """A success of it has reached the ledger."""
    park: bool = False
    redrives: int = 0
    causes: int = 0
    """As last on record, which outlives the end and is forgotten with the id."""
    ended_at: int | None = None
    """When its retention began."""
    excused: bool = False
    """The ledger was rolled back since it was accepted: that explains every copy."""
    gone: bool = False
    """It was accepted after the moment to which the ledger was rolled back."""


def check_step(before: Book, after: Book, ghosts: dict[str, Ghost], *, now: int) -> None:
    """Raise AssertionError naming the promise that the step from one Book to the next breaks."""
    for event_id, ghost in ghosts.items():
        if ghost.gone:
            continue
        was, became = before.state_of(event_id), after.state_of(event_id)
        if event_id in after.fates:
            ghost.ended_at = ghost.ended_at or now
        if became is not None:
            ghost.causes = after.causes_of(event_id)
        _check_event(event_id, ghost, became)
        if was is not became:
            _check_change(event_id, was, became, before)
            _check_job(event_id, became, before, after)
        if event_id in before.records and event_id in after.records:
            same = before.records[event_id] == after.records[event_id]
            edited = after.counters["edited"] > before.counters["edited"]
            redriven = was in LETTERS and became is State.WAITING
            assert same or (edited and redriven), f"12: the record of {event_id} was changed"
    _check_order(before, after)


def _check_event(event_id: str, ghost: Ghost, state: State | None) -> None:
    if state is None:
        assert ghost.ended_at is not None, f"1: {event_id} is nowhere"
    if state is State.DELIVERED:
        assert ghost.copies, f"3: {event_id} is delivered, and Gameball never accepted it"
    if ghost.known:
        assert state not in UNENDED, f"3: a success of {event_id} is known, yet it is {state}"
    if ghost.excused:
        return
    again = ghost.copies - 1 <= ghost.redrives
    assert again or not ghost.park, f"5: {event_id} is parked, and was accepted {ghost.copies} times"
    explained = ghost.copies - 1 <= ghost.causes
    assert explained, f"4: {event_id} was accepted {ghost.copies} times, {ghost.causes} causes are on record"


def _check_change(event_id: str, was: State | None, became: State | None, before: Book) -> None:
    if was in (State.DELIVERED, State.DISCARDED, State.EXPUNGED):
        assert became is None, f"2: {event_id} was {was}, now it is {became}"
    if was in LETTERS:
        assert became is not State.IN_FLIGHT, f"2: {event_id} was {was}, now it is in flight"
        assert became not in LETTERS, f"2: {event_id} was {was}, now it is {became}"
    if became is State.DEAD:
        company = before.calls[before.head(event_id).lane].numbers
        assert len(company) == 1, f"{event_id} was condemned in company: {set(company)}"


def _check_job(event_id: str, became: State | None, before: Book, after: Book) -> None:
    ended = became in (*LETTERS, State.DELIVERED)
    if ended and event_id in before.records and before.head(event_id).hook:
        new = [job for job in after.jobs.keys() - before.jobs.keys() if job.startswith(event_id)]
        assert len(new) == 1, f"9: {event_id} became {became}, the hook jobs for it are {new}"


def _check_order(before: Book, after: Book) -> None:
    for lane, ids in after.lanes.items():
        stayed = [event_id for event_id in before.lanes.get(lane) or () if event_id in (ids or ())]
        assert ids is None or ids[: len(stayed)] == stayed, f"lane {lane} was {stayed}, now it is {ids}"
