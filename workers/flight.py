"""Flight: one call's way out and back, in a thread of its own; what it brought is a landing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shipper.body import Body, merge
from shipper.clock import monotonic_ms
from shipper.keyring import DamagedError, Keyring, LockedError
from shipper.ledger.operations import ClaimedCall
from shipper.settings import Settings
from workers.gameball import Gameball
from workers.verdict import Answer, Judgement, Loss, judge

SETTLE_MS: Final = 2000
"""What a lease must have left, beyond the timeout, when a call is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boarding:
    """A call ready to leave. `asked_at` is monotonic, read before the claim; `claimed_at` the ledger's."""

    account: str
    call: ClaimedCall
    asked_at: int
    claimed_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """What a call brought back. `sent_at` is the ledger's time, as far as this worker can tell."""

    account: str
    call: ClaimedCall
    claimed_at: int
    sent_at: int
    took_ms: int
    answer: Answer
    judgement: Judgement

    @property
    def alone(self) -> bool:
        """Tell whether the call carried one event."""
        return len(self.call.events) == 1


def fly(boarding: Boarding, gameball: Gameball, settings: Settings) -> Landing:
    """Post a call, unless it is too late to, or cannot be opened: then it is handed back unsent."""
    started = monotonic_ms()
    waited_ms = started - boarding.asked_at
    if too_late(waited_ms, settings):
        answer = Answer(lost=Loss.UNSENT, detail=f"claimed {waited_ms} ms ago")
    else:
        answer = _post(boarding, gameball, settings)
    return Landing(
        account=boarding.account,
        call=boarding.call,
        claimed_at=boarding.claimed_at,
        sent_at=boarding.claimed_at + waited_ms,
        took_ms=monotonic_ms() - started,
        answer=answer,
        judgement=judge(answer),
    )


def too_late(waited_ms: int, settings: Settings) -> bool:
    """Tell whether a claim is too old to be sent: its pace was counted for then, or its lease ends."""
    paced = settings.pace_per_second or settings.pace_per_30_seconds
    if paced and waited_ms > settings.pace_margin_ms:
        return True
    return settings.lease_ms - waited_ms <= settings.timeout_ms + SETTLE_MS


def body_of(call: ClaimedCall, keyring: Keyring, account: str) -> bytes:
    """Return the bytes to post: an event alone as it was enqueued, several of a customer in one map.

    Raises LockedError and DamagedError for an event that cannot be opened.
    """
    bodies = [
        Body(
            data=keyring.open(event.record.body, account=account, event_id=event.event_id),
            head_len=event.record.head_len,
        )
        for event in call.events
    ]
    return merge(bodies)


def _post(boarding: Boarding, gameball: Gameball, settings: Settings) -> Answer:
    try:
        body = body_of(boarding.call, settings.keyring, boarding.account)
    except LockedError as error:
        return Answer(lost=Loss.LOCKED, detail=str(error))
    except DamagedError as error:
        return Answer(lost=Loss.DAMAGED, detail=str(error))
    return gameball.post(body, timeout_ms=settings.timeout_ms)
