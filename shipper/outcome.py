"""What an answer means (`Verdict`), and what is done about each event of the call (`Outcome`).

Pure values: `workers.verdict` and `workers.retry` decide them, `ledger.settle` writes them down.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal


class State(StrEnum):
    """Where an accepted event is; it is in exactly one of these at every moment."""

    WAITING = "waiting"
    IN_FLIGHT = "in_flight"
    DELIVERED = "delivered"
    DEAD = "dead"
    UNCLEAR = "unclear"
    DISCARDED = "discarded"
    EXPUNGED = "expunged"


class Reason(StrEnum):
    """Why a dead letter is dead."""

    REFUSED = "refused"
    VAGUE = "vague"
    SPENT = "spent"
    AGED = "aged"
    CRASHED = "crashed"
    UNREADABLE = "unreadable"


class OnUnclear(StrEnum):
    """What becomes of an event after an attempt that may have reached Gameball."""

    RETRY = "retry"
    PARK = "park"


class Verdict(StrEnum):
    """What Gameball's answer, or its absence, means for a call. The ledger's scripts know these words.

    `CRASHED` is written by the sweep alone, for a worker that never settled.
    """

    ACCEPTED = "accepted"
    ALREADY_APPLIED = "already_applied"
    BUSY = "busy"
    THROTTLED = "throttled"
    REFUSED_FOR_NOW = "refused_for_now"
    UNCLEAR = "unclear"
    NOT_SENT = "not_sent"
    UNSENT = "unsent"
    """Handed back by the worker before it opened a connection: too late to be sent within its pace."""
    VAGUE = "vague"
    CREDENTIALS = "credentials"
    ENCRYPTION_KEY = "encryption_key"
    """The worker lacks the key of a stored event: no fault of the event's, nor of Gameball's."""
    PERMANENT = "permanent"
    UNREADABLE = "unreadable"
    """The stored event was changed: no key opens it."""
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class Delivered:
    """Gameball has the event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Try again after `delay_ms`; the attempt is charged to the event's budget."""

    delay_ms: int
    vague: bool = False
    """Counts towards the small budget of vague answers as well."""
    solo: bool = False
    """From now on the event travels alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Free:
    """Try again after `delay_ms`; nothing is charged."""

    delay_ms: int


@dataclass(frozen=True, slots=True)
class Solo:
    """Try again at once and alone, nothing charged: the call was condemned, not this event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """End the event as a dead letter."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Unclear:
    """End the event as unclear: only a person sends it again."""


Outcome = Delivered | Retry | Free | Solo | Dead | Unclear

DELIVERED: Final = Delivered()
SOLO: Final = Solo()
UNCLEAR: Final = Unclear()

DeadState = Literal[State.DEAD, State.UNCLEAR]
