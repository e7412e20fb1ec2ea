"""Book: a ledger on a server of its own whose scripts are timed by Redis itself (`SLOWLOG`)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Final, TypeVar

import redis

from shipper.envelope import Envelope
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import (
    BATCH,
    Claim,
    ClaimedCall,
    Operation,
    SettledCall,
    SettledEvent,
    claim,
    enqueue,
    settle,
)
from shipper.ledger.pool import make_pool
from shipper.outcome import Delivered, Outcome, Verdict
from shipper.settings import Settings

T = TypeVar("T")
PATIENCE_MS: Final = 60_000


class Book:
    """Carry operations out and note what each took Redis, in µs, under a name."""

    def __init__(self, url: str) -> None:
        self.settings = Settings(
            redis_url=url, backlog_max=10_000_000, pace_per_second=0, pace_per_30_seconds=0, backlog_bytes=0
        )
        self.client = redis.Redis.from_url(url)
        self.times: dict[str, list[int]] = {}
        self._tokens = count()
        self._ledger = Ledger(make_pool(url, budget_ms=PATIENCE_MS), budget_ms=PATIENCE_MS)
        self.client.config_set("slowlog-log-slower-than", 0)
        self.client.config_set("slowlog-max-len", 4)

    def run(self, operation: Operation[T]) -> T:
        """Carry an operation out."""
        return self._ledger.run(operation)

    def time(self, name: str, operation: Operation[T]) -> T:
        """Carry an operation out and note what it took."""
        answer = self._ledger.run(operation)
        self.times.setdefault(name, []).append(int(self.client.slowlog_get(1)[0]["duration"]))
        return answer

    def fill(self, envelopes: Sequence[Envelope]) -> None:
        """Enqueue many, a script call's worth at a time."""
        for first in range(0, len(envelopes), BATCH):
            self.run(enqueue(envelopes[first : first + BATCH], self.settings))

    def claim(self, slots: int) -> Operation[Claim]:
        """Return the claim of a pump with so many free slots."""
        tokens = [
            f"t{next(self._tokens)}" for _ in range(slots)
        ]  # a token that was claimed is answered again
        return claim(tokens, self.settings, worker="w")

    def settle(
        self,
        calls: Sequence[ClaimedCall],
        verdict: Verdict,
        outcome: Outcome | None = None,
        *,
        line: bytes = b"",
    ) -> Operation[list[str]]:
        """Return the settle of these calls, all with one outcome."""
        return settle(
            [_settled(call, verdict, outcome or Delivered(), line) for call in calls], self.settings
        )

    def close(self) -> None:
        """Let go of the server."""
        self.client.close()
        self._ledger.pool.disconnect()


def _settled(call: ClaimedCall, verdict: Verdict, outcome: Outcome, line: bytes) -> SettledCall:
    told = tuple(SettledEvent(event_id=event.event_id, outcome=outcome, line=line) for event in call.events)
    return SettledCall(lane=call.lane, token=call.token, verdict=verdict, events=told)
