"""Gameball's two rate windows, sliding over the arrivals of one account."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

SECOND_MS: Final = 1_000
LONG_MS: Final = 30_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Most calls in any 1 s and in any 30 s; 0 means no limit."""

    per_second: int = 100
    per_30_seconds: int = 1_200

    @property
    def of_customers(self) -> Limits:
        """Return the limits of the neighbouring paths, previews among them: 30 and 360 for 100 and 1200."""
        return Limits(per_second=self.per_second * 3 // 10, per_30_seconds=self.per_30_seconds * 3 // 10)


class Window:
    """Count what happened within `span_ms`, up to and including the moment asked for."""

    def __init__(self, span_ms: int) -> None:
        self._span_ms = span_ms
        self._moments: deque[int] = deque()
        self.highest = 0

    def count(self, at_ms: int) -> int:
        """Return how many are within the window that ends at `at_ms`; moments never go back."""
        oldest = at_ms - self._span_ms
        while self._moments and self._moments[0] <= oldest:
            self._moments.popleft()
        return len(self._moments)

    def add(self, at_ms: int) -> None:
        """Count one more, and remember the fullest window there was."""
        self._moments.append(at_ms)
        self.highest = max(self.highest, self.count(at_ms))


class Windows:
    """Tell whether one more call fits. A call refused for being too many does not count itself."""

    def __init__(self, limits: Limits) -> None:
        self._limited = tuple(
            (limit, Window(span_ms))
            for limit, span_ms in ((limits.per_second, SECOND_MS), (limits.per_30_seconds, LONG_MS))
            if limit
        )

    def full(self, at_ms: int) -> bool:
        """Say whether a call that arrives at `at_ms` would be one too many."""
        return any(window.count(at_ms) >= limit for limit, window in self._limited)

    def admit(self, at_ms: int) -> None:
        """Count a call that was let in."""
        for _, window in self._limited:
            window.add(at_ms)
