"""Flight: one call's way out and back, in a thread of its own; what it brought is a landing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shipper.body import Body, merge
from shipper.clock import monotonic_ms
from shipper.ledger.operations import ClaimedCall
from shipper.settings import Settings
from workers.gameball import Gameball
from workers.verdict import Answer, Judgement, Loss, judge

SETTLE_MS: Final = 2000
"""What a lease must have left, beyond the timeout, when a call is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boarding:
    """A call ready to leave. `asked_at` is monotonic, read before the claim; `claimed_at` the ledger's."""

    call: ClaimedCall
    asked_at: int
    claimed_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """What a call brought back. `sent_at` is the ledger's time, as far as this worker can tell."""

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
    """Post a call, unless it is too late to: then it is handed back unsent."""
    started = monotonic_ms()
    waited_ms = started - boarding.asked_at
    if too_late(waited_ms, settings):
        answer = Answer(lost=Loss.UNSENT, detail=f"claimed {waited_ms} ms ago")
    else:
        answer = gameball.post(body_of(boarding.call), timeout_ms=settings.timeout_ms)
    return Landing(
        call=boarding.call,
        claimed_at=boarding.claimed_at,
        sent_at=boarding.claimed_at + waited_ms,
        took_ms=monotonic_ms() - started,
        answer=answer,
        judgement=judge(answer),
    )


def too_late(waited_ms: int, settings: Settings) -> bool:
    """Tell whether a claim is too old to be sent: its pace was counted for then, or its lease ends."""
    lease_left_ms = settings.lease_ms - waited_ms
    return waited_ms > settings.pace_margin_ms or lease_left_ms <= settings.timeout_ms + SETTLE_MS


def body_of(call: ClaimedCall) -> bytes:
    """Return the bytes to post: an event alone as it was enqueued, several of a customer in one map."""
    bodies = [Body(data=event.record.body, head_len=event.record.head_len) for event in call.events]
    return merge(bodies)
