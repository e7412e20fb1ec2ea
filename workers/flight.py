"""Flight: one call's way out and back; what it brought is a landing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shipper.body import Body, merge
from shipper.clock import monotonic_ms
from shipper.keyring import DamagedError, Keyring, LockedError
from shipper.ledger.operations import ClaimedCall
from shipper.settings import Settings
from workers.gameball import Gameball
from workers.runway import Runway
from workers.verdict import Answer, Judgement, Loss, judge
from workers.wire import LostError, Wire

SETTLE_MS: Final = 2000
"""What a lease must have left, beyond the timeout, when a call is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boarding:
    """A call ready to leave. `asked_at` is monotonic, read before the claim; `claimed_at` the ledger's.

    It may leave `late_ms` later than the margin of the pace: so much later it was counted.
    """

    account: str
    call: ClaimedCall
    asked_at: int
    claimed_at: int
    late_ms: int = 0


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


Landed = Landing | Exception
"""A fault of ours lands too: its lease runs out and tells; the other calls go on."""


class Flight:
    """One call's way, step by step, as a fleet asks for them."""

    __slots__ = ("_boarding", "_gameball", "_home", "_settings", "_started")

    def __init__(
        self, boarding: Boarding, gameball: Gameball, settings: Settings, home: Runway[Landed]
    ) -> None:
        self._boarding = boarding
        self._gameball = gameball
        self._settings = settings
        self._home = home
        self._started = 0

    def leave(self) -> Wire | None:
        """Return the call, ready to be posted; None for one that is handed back unsent."""
        self._started = monotonic_ms()
        body = _body_to_send(self._boarding, self._started, self._settings)
        loaded: Wire | Answer
        if isinstance(body, bytes):
            loaded = self._gameball.load(body, timeout_ms=self._settings.timeout_ms)
        else:
            loaded = body
        if isinstance(loaded, Wire):
            return loaded
        self._land(loaded)
        return None

    def arrive(self, wire: Wire, lost: LostError | None) -> None:
        """Take what came back."""
        self._land(self._gameball.unload(wire, lost))

    def fail(self, error: Exception) -> None:
        """Land as a fault of ours."""
        self._home.put(error)

    def report(self) -> None:
        """Wake the pump, unless it is awake."""
        self._home.wake()

    def _land(self, answer: Answer) -> None:
        self._home.put(_landing(self._boarding, self._started, answer))


def fly(boarding: Boarding, gameball: Gameball, settings: Settings) -> Landing:
    """Post a call in this thread, unless it is too late to, or cannot be opened: then it is unsent."""
    started = monotonic_ms()
    body = _body_to_send(boarding, started, settings)
    answer = gameball.post(body, timeout_ms=settings.timeout_ms) if isinstance(body, bytes) else body
    return _landing(boarding, started, answer)


def _landing(boarding: Boarding, started: int, answer: Answer) -> Landing:
    return Landing(
        account=boarding.account,
        call=boarding.call,
        claimed_at=boarding.claimed_at,
        sent_at=boarding.claimed_at + started - boarding.asked_at,
        took_ms=monotonic_ms() - started,
        answer=answer,
        judgement=judge(answer),
    )


def _body_to_send(boarding: Boarding, started: int, settings: Settings) -> bytes | Answer:
    """Return what to post, or why nothing is."""
    waited_ms = started - boarding.asked_at
    if too_late(waited_ms, settings, late_ms=boarding.late_ms):
        return Answer(lost=Loss.UNSENT, detail=f"claimed {waited_ms} ms ago")
    try:
        return body_of(boarding.call, settings.keyring, boarding.account)
    except LockedError as error:
        return Answer(lost=Loss.LOCKED, detail=str(error))
    except DamagedError as error:
        return Answer(lost=Loss.DAMAGED, detail=str(error))


def too_late(waited_ms: int, settings: Settings, *, late_ms: int = 0) -> bool:
    """Tell whether a claim is too old to be sent: its pace was counted for then, or its lease ends."""
    paced = settings.pace_per_second or settings.pace_per_30_seconds
    if paced and waited_ms > settings.pace_margin_ms + late_ms:
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
