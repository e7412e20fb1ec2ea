"""Drain: simulate an outage with the real scripts and a clock that is moved by their argument `now`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from benchmarks.mix import Mix
from shipper.envelope import Envelope, seal
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import BATCH, ClaimedCall, SettledCall, SettledEvent, claim, enqueue, settle
from shipper.ledger.pool import make_pool
from shipper.outcome import Delivered, Verdict
from shipper.settings import Settings

BEGIN_MS: Final = 1_767_225_600_000
STEP_MS: Final = 250
"""A call lands one step after it was claimed: a far end that takes a quarter of a second."""
SLOTS: Final = 64
HOUR_S: Final = 3600
PATIENCE_MS: Final = 60_000
LONGEST: Final = 3
"""A drain is given up after so many times the length of the outage: for so long there are events."""
CALM_S: Final = 10
"""Nothing waits any more when no more wait than happen in so many seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What it took from the end of the outage."""

    took_s: float
    """Until the last event of it was delivered."""
    calm_s: float | None
    """Until nothing waited any more, of those that went on happening either; None: it never came to that."""
    calls: int
    events: int


def drain(url: str, mix: Mix, *, outage_s: int, a_second: int, seed: int) -> Drained:
    """Let events wait for so long, then deliver them while others go on; TimeoutError if it never ends."""
    world = _World(url, mix, outage_s=outage_s, a_second=a_second, seed=seed)
    try:
        return world.run()
    finally:
        world.close()


class _World:
    def __init__(self, url: str, mix: Mix, *, outage_s: int, a_second: int, seed: int) -> None:
        self._mix = mix
        self._settings = Settings(redis_url=url)
        self._ledger = Ledger(make_pool(url, budget_ms=PATIENCE_MS), budget_ms=PATIENCE_MS)
        self._outage_s, self._a_second, self._seed = outage_s, a_second, seed
        self._now = BEGIN_MS
        self._flying: tuple[ClaimedCall, ...] = ()
        self._calls = self._events = self._happened = 0

    def run(self) -> Drained:
        happening = self._happening()
        waiting = set()
        for _ in range(self._outage_s):
            waiting.update(self._enqueue(list(islice(happening, self._a_second))))
            self._now += 1000
        ended_at, owed = self._now, 0.0
        drained_at = calm_at = None
        while drained_at is None or calm_at is None:
            if self._now > ended_at + LONGEST * 1000 * self._outage_s:
                break
            owed += self._a_second * STEP_MS / 1000
            self._enqueue(list(islice(happening, int(owed))))
            owed -= int(owed)
            waiting -= self._land()
            self._take_off()
            self._now += STEP_MS
            if drained_at is None and not waiting:
                drained_at = self._now
            if calm_at is None and self._happened - self._events < CALM_S * self._a_second:
                calm_at = self._now
        if drained_at is None:
            raise TimeoutError(f"{len(waiting)} events of the outage still wait")
        return Drained(
            took_s=(drained_at - ended_at) / 1000,
            calm_s=None if calm_at is None else (calm_at - ended_at) / 1000,
            calls=self._calls,
            events=self._events,
        )

    def close(self) -> None:
        self._ledger.pool.disconnect()

    def _happening(self) -> Iterator[Envelope]:
        count = (1 + LONGEST) * self._outage_s * self._a_second
        for event in self._mix.happening(count, an_hour=HOUR_S * self._a_second, seed=self._seed):
            yield seal(event, settings=self._settings)

    def _enqueue(self, envelopes: list[Envelope]) -> list[str]:
        for first in range(0, len(envelopes), BATCH):
            self._ledger.run(enqueue(envelopes[first : first + BATCH], self._settings, now=self._now))
        self._happened += len(envelopes)
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
