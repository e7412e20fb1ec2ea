"""Runway: where a pump's calls land; any thread brings them, the pump alone takes them."""

from __future__ import annotations

from collections import deque
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class Runway(Generic[T]):
    """Hold what landed, and wake who waits: once for many, since waking costs more than landing."""

    def __init__(self) -> None:
        self._landed: deque[T] = deque()
        self._wakes: SimpleQueue[None] = SimpleQueue()

    def put(self, landed: T) -> None:
        """Add what landed, and wake nobody."""
        self._landed.append(landed)

    def wake(self) -> None:
        """End the wait; a second wake before it ended is none."""
        if self._wakes.empty():
            self._wakes.put(None)

    def take(self, most: int, *, wait_s: float) -> list[T]:
        """Return what landed, at most so much; if there is nothing, wait for it, or for a wake."""
        if not self._landed:
            self._wait(wait_s)
        return [self._landed.popleft() for _ in range(min(most, len(self._landed)))]

    def _wait(self, seconds: float) -> None:
        try:
            if seconds > 0:
                self._wakes.get(timeout=seconds)
            else:
                self._wakes.get_nowait()
        except Empty:
            pass
