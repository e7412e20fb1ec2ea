"""Drain: simulate an outage with the real scripts and a clock that is moved by their argument `now`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from shipper.envelope import Envelope, seal
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import BATCH, ClaimedCall, SettledCall, SettledEvent, claim, enqueue, settle
from shipper.ledger.pool import make_pool
from shipper.local.shop import what_happens
from shipper.outcome import Delivered, Verdict
from shipper.settings import Settings

BEGIN_MS: Final = 1_767_225_600_000
STEP_MS: Final = 250
"""A call lands one step after it was claimed: a far end that takes a quarter of a second."""
SLOTS: Final = 64
PATIENCE_MS: Final = 60_000
LONGEST: Final = 1
"""A drain is given up after so many times the length of the outage: for so long there are events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What it took, from the end of the outage until the last event of it was delivered."""

    took_s: float
    calls: int
    events: int


def drain(url: str, *, outage_s: int, a_second: int, seed: int) -> Drained:
    """Let events wait for so long, then deliver them while others go on; TimeoutError if it never ends."""
    world = _World(url, outage_s=outage_s, a_second=a_second, seed=seed)
    try:
        return world.run()
    finally:
        world.close()


class _World:
    def __init__(self, url: str, *, outage_s: int, a_second: int, seed: int) -> None:
        self._settings = Settings(redis_url=url)
        self._ledger = Ledger(make_pool(url, budget_ms=PATIENCE_MS), budget_ms=PATIENCE_MS)
        self._outage_s, self._a_second, self._seed = outage_s, a_second, seed
        self._now = BEGIN_MS
        self._flying: tuple[ClaimedCall, ...] = ()
        self._calls = self._events = 0

    def run(self) -> Drained:
        happening = self._happening()
        waiting = set()
        for _ in range(self._outage_s):
            waiting.update(self._enqueue(list(islice(happening, self._a_second))))
            self._now += 1000
        ended_at, owed = self._now, 0.0
        while waiting:
            if self._now > ended_at + LONGEST * 1000 * self._outage_s:
                raise TimeoutError(f"{len(waiting)} events of the outage still wait")
            owed += self._a_second * STEP_MS / 1000
            self._enqueue(list(islice(happening, int(owed))))
            owed -= int(owed)
            waiting -= self._land()
            self._take_off()
            self._now += STEP_MS
        return Drained(took_s=(self._now - ended_at) / 1000, calls=self._calls, events=self._events)

    def close(self) -> None:
        self._ledger.pool.disconnect()

    def _happening(self) -> Iterator[Envelope]:
        count = self._outage_s * self._a_second
        for done in what_happens(2 * count, seed=self._seed):
            yield seal(done.event, settings=self._settings)

    def _enqueue(self, envelopes: list[Envelope]) -> list[str]:
        for first in range(0, len(envelopes), BATCH):
            self._ledger.run(enqueue(envelopes[first : first + BATCH], self._settings, now=self._now))
        return [envelope.event_id for envelope in envelopes]

    def _land(self) -> set[str]:
        """Settle what is under way: all of it was accepted."""
        calls, self._flying = self._flying, ()
        if not calls:
            return set()
        self._ledger.run(settle([_accepted(call) for call in calls], self._settings, now=self._now))
        ids = {event.event_id for call in calls for event in call.events}
        self._calls += len(calls)
        self._events += len(ids)
        return ids

    def _take_off(self) -> None:
        tokens = [f"{self._now}-{number}" for number in range(SLOTS)]
        self._flying = self._ledger.run(claim(tokens, self._settings, worker="w", now=self._now)).calls


def _accepted(call: ClaimedCall) -> SettledCall:
    events = tuple(SettledEvent(event_id=event.event_id, outcome=Delivered()) for event in call.events)
    return SettledCall(lane=call.lane, token=call.token, verdict=Verdict.ACCEPTED, events=events)
