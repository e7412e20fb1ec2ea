"""One event: all that the ledger holds of it, and its way from enqueue to end as a timeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from shipper.errors import EventNotFoundError
from shipper.inspector.contents import Contents, contents_of, text_of
from shipper.inspector.letter import last_attempt
from shipper.inspector.mask import mask_email, mask_mobile, mask_text
from shipper.keyring import Keyring
from shipper.ledger.ledger import Ledger
from shipper.ledger.letters import UNCLEAR
from shipper.ledger.operations import Shown, show
from shipper.outcome import OnUnclear, State

REDRIVEN = "redriven"

Read = Callable[[str | None], str | None]
"""Opens a text of the history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happened to an event, or that is to happen. What does not apply is None.

    `what` is accepted, attempt, redriven, in_flight, due, or the state in which the event ended.
    """

    at: int
    what: str
    number: int | None = None
    worker: str | None = None
    verdict: str | None = None
    outcome: str | None = None
    of: int | None = None
    """How many events travelled in the call."""
    took_ms: int | None = None
    status: int | None = None
    code: int | None = None
    request_id: str | None = None
    delay_ms: int | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSeen:
    """An event as `shipper show` tells it. An ended one has left only its id, times, attempts and causes."""

    event_id: str
    account: str
    state: State
    customer_id: str | None
    event_names: tuple[str, ...]
    email: str | None
    mobile: str | None
    events: Mapping[str, Any]
    unopened: str | None
    """Why its content is not shown: encrypted under a key that is not at hand, or changed since."""
    reason: str | None
    status: int | None
    code: int | None
    request_id: str | None
    attempts: int
    charged: int
    causes: int
    """What licensed a second POST: answers lost, workers killed, leases outlived."""
    life: int
    """How often it was sent again by a person."""
    on_unclear: OnUnclear | None
    solo: bool
    hook: str | None
    accepted_at: int | None
    due_at: int | None
    ended_at: int | None
    timeline: tuple[Moment, ...]


def event_of(ledger: Ledger, event_id: str, keyring: Keyring, *, unmasked: bool = False) -> EventSeen:
    """Tell all of an event; raise EventNotFoundError for one that the ledger does not know."""
    (seen,) = ledger.run(show([event_id]))
    if seen is None:
        raise EventNotFoundError(
            f"the ledger of account {ledger.account} holds no event {event_id}", event_id=event_id
        )
    last, record = last_attempt(seen.history), seen.record
    contents = contents_of(record, keyring, account=ledger.account, event_id=event_id)
    read = partial(text_of, keyring=keyring, account=ledger.account, event_id=event_id)
    return EventSeen(
        event_id=event_id,
        account=ledger.account,
        state=seen.state,
        customer_id=contents.customer_id,
        event_names=contents.event_names,
        email=contents.email if unmasked else mask_email(contents.email),
        mobile=contents.mobile if unmasked else mask_mobile(contents.mobile),
        events=contents.events,
        unopened=contents.unopened,
        reason=seen.tried.reason or (UNCLEAR if seen.state is State.UNCLEAR else None),
        status=last.get("status"),
        code=seen.tried.code if seen.tried.reason else last.get("code"),
        request_id=last.get("request_id"),
        attempts=_attempts(seen),
        charged=seen.tried.charged,
        causes=seen.fate.causes if seen.fate else seen.tried.causes,
        life=seen.tried.life,
        on_unclear=(OnUnclear.PARK if record.park else OnUnclear.RETRY) if record else None,
        solo=seen.tried.solo or bool(record and record.solo),
        hook=(record.hook if record else "") or None,
        accepted_at=_accepted_at(seen),
        due_at=seen.due_at,
        ended_at=seen.ended_at,
        timeline=tuple(_timeline(seen, contents, read, unmasked=unmasked)),
    )


def _attempts(seen: Shown) -> int:
    if seen.fate:
        return seen.fate.attempts
    return seen.call.numbers[seen.event_id] if seen.call else seen.tried.number


def _accepted_at(seen: Shown) -> int | None:
    if seen.fate:
        return seen.fate.accepted_at
    return seen.record.accepted_at if seen.record else None


def _timeline(seen: Shown, contents: Contents, read: Read, *, unmasked: bool) -> Iterator[Moment]:
    if (accepted_at := _accepted_at(seen)) is not None:
        yield Moment(at=accepted_at, what="accepted")
    for line in seen.history:
        yield _moment(line, contents, read, unmasked=unmasked)
    if seen.call:
        number = seen.call.numbers[seen.event_id]
        yield Moment(
            at=seen.call.claimed_at,
            what=State.IN_FLIGHT.value,
            number=number,
            worker=seen.call.worker,
            of=len(seen.call.numbers),
        )
    if seen.due_at is not None:
        yield Moment(at=seen.due_at, what="due")
    if seen.ended_at is not None:
        yield Moment(at=seen.ended_at, what=seen.state.value)


def _moment(line: dict[str, Any], contents: Contents, read: Read, *, unmasked: bool) -> Moment:
    """Read a line of the history: an attempt, or a person's redrive."""
    answer = read(line.get("answer"))
    if not unmasked:
        answer = mask_text(answer, email=contents.email, mobile=contents.mobile)
    return Moment(
        at=line.get("at", 0),
        what="attempt" if "number" in line else REDRIVEN,
        number=line.get("number"),
        worker=line.get("worker"),
        verdict=line.get("verdict"),
        outcome=line.get("outcome") if "number" in line else None,
        of=line.get("of", 1) if "number" in line else None,
        took_ms=line.get("took_ms"),
        status=line.get("status"),
        code=line.get("code"),
        request_id=line.get("request_id"),
        delay_ms=line.get("delay_ms"),
        answer=answer,
    )
