"""A clock that stands until a test moves it: a stall of the machine is then no time that passes."""

from __future__ import annotations


class Clock:
    """Stand in for `monotonic_ms`."""

    def __init__(self) -> None:
        self.ms = 1_000_000

    def __call__(self) -> int:
        return self.ms

    def forward(self, ms: int) -> None:
        """Let so much time pass."""
        self.ms += ms
