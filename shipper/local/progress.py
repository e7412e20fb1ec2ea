"""Progress: how far a demo is, and how fast it goes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from shipper.ledger.operations import Status

SPAN_MS: Final = 2000
"""What the rate is an average of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What the ledger counts now."""

    total: int
    accepted: int = 0
    delivered: int = 0
    dead: int = 0
    unclear: int = 0
    calls_per_second: int = 0
    is_at_rest: bool = False
    """Nothing waits, is in flight, or is still to be told to a hook."""

    @property
    def ended(self) -> int:
        """Return how many events are at their end, whichever it is."""
        return self.delivered + self.dead + self.unclear


class Meter:
    """Turn one status after another into progress."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._seen: deque[tuple[int, int]] = deque()

    def read(self, seen: Status) -> Progress:
        """Return the progress that a status shows."""
        count = seen.counters.get
        self._seen.append((seen.now, count("calls", 0)))
        while seen.now - self._seen[0][0] > SPAN_MS:
            self._seen.popleft()
        since, calls = self._seen[0]
        span_ms = max(1, seen.now - since)
        return Progress(
            total=self._total,
            accepted=count("accepted", 0),
            delivered=count("delivered", 0),
            dead=count("dead", 0),
            unclear=count("unclear", 0),
            calls_per_second=round((count("calls", 0) - calls) * 1000 / span_ms),
            is_at_rest=not (count("waiting", 0) or count("in_flight", 0) or seen.sizes["hooks"]),
        )
