"""One event: all that the ledger holds of it, its hook and what it waits for included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shipper.context import read_context
from shipper.errors import EventNotFoundError
from shipper.inspector.edit import mark_of
from shipper.inspector.hook_standing import HookStanding, hook_standing
from shipper.inspector.letter import last_attempt
from shipper.inspector.now import ledger_now
from shipper.inspector.timeline import LANE, Moment, Read, timeline_of
from shipper.inspector.waiting import BACKOFF, WAITING
from shipper.keyring import Keyring
from shipper.ledger.contents import Contents, contents_of, text_of
from shipper.ledger.keys import key_of, lane_key_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.letters import UNCLEAR
from shipper.ledger.operations import Shown, show
from shipper.mask import mask_email, mask_mobile, mask_text
from shipper.outcome import OnUnclear, State


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
    mark: str
    """What an edit by the API says, so that it changes this and nothing newer."""
    waits_for: str | None
    """What it waits for now: `lane` (`behind`), `backoff`, why the account is held, `turn` or `waiting`."""
    behind: int | None
    """How many earlier events of its customer are before it."""
    on_unclear: OnUnclear | None
    solo: bool
    hook: str | None
    hook_standing: HookStanding | None
    context: Mapping[str, str]
    """What of its producer's request travels with it: the id of the request, the trace."""
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
    read = _reader(ledger, event_id, keyring, contents, unmasked=unmasked)
    waits_for, behind = _waits_for(ledger, seen)
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
        mark=mark_of(seen.tried, seen.ended_at),
        waits_for=waits_for,
        behind=behind,
        on_unclear=(OnUnclear.PARK if record.park else OnUnclear.RETRY) if record else None,
        solo=seen.tried.solo or bool(record and record.solo),
        hook=(record.hook if record else "") or None,
        hook_standing=hook_standing(ledger, seen, read),
        context=read_context(record.context) if record else {},
        accepted_at=_accepted_at(seen),
        due_at=seen.due_at,
        ended_at=seen.ended_at,
        timeline=tuple(timeline_of(seen, accepted_at=_accepted_at(seen), read=read)),
    )


def _attempts(seen: Shown) -> int:
    if seen.fate:
        return seen.fate.attempts
    return seen.call.numbers[seen.event_id] if seen.call else seen.tried.number


def _accepted_at(seen: Shown) -> int | None:
    if seen.fate:
        return seen.fate.accepted_at
    return seen.record.accepted_at if seen.record else None


def _reader(ledger: Ledger, event_id: str, keyring: Keyring, contents: Contents, *, unmasked: bool) -> Read:
    """Return what opens the texts about an event, and hides in them whom they are about."""

    def read(stored: str | None) -> str | None:
        text = text_of(stored, keyring, account=ledger.account, event_id=event_id)
        return text if unmasked else mask_text(text, email=contents.email, mobile=contents.mobile)

    return read


def _waits_for(ledger: Ledger, seen: Shown) -> tuple[str | None, int | None]:
    """Say what a waiting event waits for now, and how many of its customer stand before it."""
    if seen.state is not State.WAITING or seen.record is None:
        return None, None
    ahead = ledger.ask("LPOS", lane_key_of(ledger.account, seen.record.lane), seen.event_id)
    if ahead:
        return LANE, int(ahead)
    why, *times = ledger.ask("HMGET", key_of(ledger.account, "gate"), "why", "until", "pend")
    now = ledger_now(ledger)
    if why and any(int(float(time)) > now for time in times if time):
        return str(why.decode()), 0
    if seen.due_at is not None and seen.due_at > now:
        last = seen.history[-1] if seen.history else {}
        return (BACKOFF if last.get("delay_ms") else WAITING), 0
    return "turn", 0
