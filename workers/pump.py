"""Pump: keep calls of one account in flight until nothing is due, or its time is up.

The page to read first. Each turn is a column of steps: claim what is due, let it take off, wait for
landings, settle them. What an answer means is `verdict`'s, what becomes of an event is `retry`'s, who may
be claimed is the ledger's; nothing of that is decided here.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import Final

from shipper.clock import monotonic_ms
from shipper.errors import LedgerUnavailableError
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import GRACE_MS, Claim, Operation, SettledCall, claim, observe, retire, settle
from shipper.logs import get_logger
from shipper.settings import Settings
from workers.flight import Boarding, Landed, Landing
from workers.margin import Margin
from workers.report import decided_call, log_call
from workers.runway import Runway
from workers.sky import Sky
from workers.slots import Flag, Slots
from workers.tally import Tally
from workers.tracing import Tracing
from workers.waits import Waits

log: Final = get_logger(__name__)

MOST_SETTLED: Final = 32
"""Calls in one settle."""
MOST_EVENTS_SETTLED: Final = 256
"""Events in one settle of several calls: an event takes it about 10 µs, and everything on Redis waits."""
LOOK_AGAIN_MS: Final = 50
"""How long a pump with free slots waits before it claims again, unless it is woken."""
PATIENCE_MS: Final = 1000
"""Longest wait of a pump for anything at all."""
BEAT_AGAIN_MS: Final = 2000
"""How often a pump without a free slot says that it is alive."""
LINGER_MS: Final = 100
"""How often a pump that lingers looks whether it has to end."""
SETTLE_AGAIN_MS: Final = 200
"""Wait between tries to settle while the ledger is away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """What the pumps of an account share in a process."""

    ledger: Ledger
    sky: Sky
    settings: Settings
    worker: str
    stopping: Flag
    slots: Slots
    voids: set[str] = field(default_factory=set)
    """Tokens of claims whose answer was lost: the next claim gives them back."""
    waits: Waits = field(default_factory=Waits)
    tracing: Tracing = field(default_factory=Tracing)
    margin: Margin = field(default_factory=Margin)


class Pump:
    """Drive calls of one account."""

    def __init__(self, station: Station, *, ticket: str = "", lingers: bool = False) -> None:
        self.calls = 0
        self.draining = False
        """Claims no more and has no ticket; its last calls are still under way."""
        self._at = station
        self._ticket = ticket
        self._flying = 0
        self._lent = 0
        """Slots that it holds: of calls that fly, and those that it claims for."""
        self._held = False
        """Pace or gate let nobody through at the last claim."""
        self._woken = False
        self._lingers = lingers
        """Stays for its whole time, without a ticket while nothing is due: this process' bell wakes it."""
        self._runway = Runway[Landed]()
        self._tally = Tally()
        self._began_at = self._claim_at = monotonic_ms()
        self._beat_at = self._claim_at + BEAT_AGAIN_MS
        self._ends_at = self._claim_at + station.settings.pump_ms

    def run(self) -> int:
        """Pump; then claim no more, and let every call land. Return how many calls were made."""
        try:
            while self._goes_on():
                self._beat()
                self._take_off(self._claim())
                self._settle(self._await_landings())
            self.draining = True
            self._give_back()
            self.decline()
            while self._flying:
                self._settle(self._await_landings())
        finally:
            self._vacate(self._lent)  # a fault of ours may end it while calls fly
        self._observe()
        return self.calls

    def wake(self) -> None:
        """Claim at once if a slot is free: something was enqueued. For other threads."""
        self._woken = True
        self._runway.wake()

    def decline(self) -> None:
        """Give the ticket up: the next pump may start, here or elsewhere, while the last calls land."""
        if not self._ticket:
            return
        ticket, self._ticket = self._ticket, ""
        try:
            self._at.ledger.run(retire(ticket))
        except LedgerUnavailableError as error:
            log.warning("retire.failed", account=self._at.ledger.account, error=str(error))

    def _give_back(self) -> None:
        """Free the calls of claims whose answers were lost: their lanes would wait for the end of a lease."""
        void = sorted(self._at.voids.copy())
        if not void:
            return
        try:
            self._at.ledger.run(claim([], self._at.settings, worker=self._at.worker, void=void))
        except LedgerUnavailableError as error:
            log.warning("give_back.failed", account=self._at.ledger.account, error=str(error))
        else:
            self._at.voids.difference_update(void)

    def _goes_on(self) -> bool:
        if self._at.stopping.is_set() or monotonic_ms() >= self._ends_at:
            return False
        return self._lingers or self._flying > 0 or self._claim_at < monotonic_ms() + PATIENCE_MS

    def _beat(self) -> None:
        """Keep the ticket while every slot is full; a pump that falls silent is replaced."""
        if not self._ticket or monotonic_ms() < self._beat_at:
            return
        self._beat_at = monotonic_ms() + BEAT_AGAIN_MS
        try:
            self._at.ledger.run(claim([], self._at.settings, worker=self._at.worker, ticket=self._ticket))
        except LedgerUnavailableError as error:
            log.warning("beat.failed", account=self._at.ledger.account, error=str(error))

    def _claim(self) -> list[Boarding]:
        """Ask for a call for each free slot; a lost answer ends the pump."""
        at, asked_at = self._at, monotonic_ms()
        if asked_at < self._claim_at:
            return []
        free = at.slots.take(at.settings.calls_in_flight - self._flying)
        self._lent += free
        if free < 1:
            self._claim_at = asked_at + LOOK_AGAIN_MS  # the last calls of another pump may hold them all
            return []
        tokens, void, late_ms = new_tokens(free), sorted(at.voids.copy()), at.margin.beyond(at.settings)
        try:
            claimed = at.ledger.run(
                claim(tokens, at.settings, worker=at.worker, ticket=self._ticket, void=void, late_ms=late_ms)
            )
        except LedgerUnavailableError as error:
            self._vacate(free)
            at.voids.update(tokens)
            self._ends_at = asked_at
            log.warning("claim.failed", account=at.ledger.account, error=str(error))
            return []
        at.margin.took(monotonic_ms() - asked_at)
        self._vacate(free - len(claimed.calls))
        at.voids.difference_update(void)
        at.waits.heard(claimed)
        self._claim_at = asked_at + self._pause_before_next(claimed)
        self._beat_at = asked_at + BEAT_AGAIN_MS
        if self._lingers and not self._flying and claimed.word in {"idle", "retired"}:
            self.decline()
        account = at.ledger.account
        return [
            Boarding(account=account, call=call, asked_at=asked_at, claimed_at=claimed.now, late_ms=late_ms)
            for call in claimed.calls
        ]

    def _pause_before_next(self, claimed: Claim) -> int:
        """Return the ms until it makes sense to ask again."""
        self._held = claimed.word in {"pace", "paused"}
        if claimed.word == "calls":
            return 0
        if claimed.word == "pace" and claimed.at is not None:
            # It stays though the window is full for longer: its ticket keeps others from coming in vain.
            return min(max(1, claimed.at - claimed.now), PATIENCE_MS // 2)
        return LOOK_AGAIN_MS if self._flying else 2 * PATIENCE_MS

    def _take_off(self, boardings: list[Boarding]) -> None:
        self._flying += len(boardings)
        self._at.sky.send(boardings, self._at.settings, self._runway)

    def _await_landings(self) -> list[Landing]:
        """Wait for a landing, a wake, or the moment to claim again; take the landings that are there."""
        wait_s = max(0, self._next_look() - monotonic_ms()) / 1000
        landed = self._runway.take(MOST_SETTLED, wait_s=wait_s)
        if self._woken:
            self._woken = False
            self._claim_at = min(self._claim_at, monotonic_ms())
        self._flying -= len(landed)
        self._vacate(len(landed))
        for fault in landed:
            if isinstance(fault, Exception):
                # Its lease runs out and tells; the other calls go on.
                log.error("flight.failed", account=self._at.ledger.account, exc_info=fault)
        return [each for each in landed if isinstance(each, Landing)]

    def _vacate(self, slots: int) -> None:
        self._lent -= slots
        self._at.slots.give(slots)

    def _next_look(self) -> int:
        now = monotonic_ms()
        if self.draining or self._flying >= self._at.settings.calls_in_flight:
            return now + PATIENCE_MS
        if not self._flying and self._claim_at >= now + PATIENCE_MS:
            # Nothing will land: it is over, but for one that lingers, which must not be woken past its time.
            return min(now + LINGER_MS, self._ends_at) if self._lingers else now
        return min(self._claim_at, now + PATIENCE_MS)

    def _settle(self, landed: Sequence[Landing]) -> None:
        """Write landings down, so that their lanes are free again."""
        at = self._at
        decide = partial(decided_call, settings=at.settings, worker=at.worker, waits=at.waits)
        decided = [(each, call) for each in landed if (call := decide(each))]
        if not decided:
            return
        calls = [call for _, call in decided]
        words = [word for part in parts_of(calls) for word in self._persist(settle(part, at.settings))]
        self.calls += len(calls)
        if not self._held:
            self._claim_at = 0  # more may wait in the lanes that are free now
        for landing, call in decided:
            own, words = words[: len(call.events)], words[len(call.events) :]
            self._tally.landed(landing, call)
            log_call(at.ledger.account, at.worker, landing, call, own)
            at.tracing.landed(landing)

    def _persist(self, settled: Operation[list[str]]) -> list[str]:
        """Settle, again and again while the ledger is away, until the leases are long over."""
        give_up_at = monotonic_ms() + self._at.settings.lease_ms + GRACE_MS
        while True:
            try:
                return self._at.ledger.run(settled)
            except LedgerUnavailableError as error:
                self._ends_at = 0
                if monotonic_ms() > give_up_at:
                    log.exception("settle.failed", account=self._at.ledger.account, error=str(error))
                    return []
                log.warning("settle.again", account=self._at.ledger.account, error=str(error))
                Event().wait(SETTLE_AGAIN_MS / 1000)

    def _observe(self) -> None:
        """Tell once what was counted and timed; what Redis does not take is lost, and no delivery waits."""
        seen = self._tally.pumped(monotonic_ms() - self._began_at)
        if not seen:
            return
        try:
            self._at.ledger.run(observe(seen))
        except LedgerUnavailableError as error:
            log.warning("observe.failed", account=self._at.ledger.account, error=str(error))


def parts_of(calls: Sequence[SettledCall]) -> Iterator[Sequence[SettledCall]]:
    """Cut calls into settles."""
    first = events = 0
    for at, call in enumerate(calls):
        if events and events + len(call.events) > MOST_EVENTS_SETTLED:
            yield calls[first:at]
            first, events = at, 0
        events += len(call.events)
    yield calls[first:]


def new_tokens(count: int) -> list[str]:
    """Return fresh random tokens of 16 characters: never a counter, nor a random of Redis'."""
    return [urlsafe_b64encode(os.urandom(12)).decode("ascii") for _ in range(count)]
