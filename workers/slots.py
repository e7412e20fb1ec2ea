"""Slots: how many calls of an account this process keeps in flight, over all its pumps; and the end of it."""

from __future__ import annotations

import mmap
from threading import Lock
from typing import Final, Protocol


class Flag(Protocol):
    """Something that is set once."""

    def is_set(self) -> bool:
        """Tell whether it is."""

    def set(self) -> None:
        """Set it."""


class SharedFlag:
    """A flag that the processes forked after it share: whoever sets it, all see it.

    One byte of shared memory, so that a signal handler may set it: no lock, no file, nothing to clean up.
    """

    def __init__(self) -> None:
        self._byte: Final = mmap.mmap(-1, 1)

    def is_set(self) -> bool:
        """Tell whether it is set."""
        return self._byte[0] != 0

    def set(self) -> None:
        """Set it, for good."""
        self._byte[0] = 1


class Slots:
    """Lend slots to pumps. A pump that drains still holds those of its last calls."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._lock = Lock()

    def take(self, most: int) -> int:
        """Take as many as there are, at most `most`; return how many."""
        with self._lock:
            taken = max(0, min(most, self._free))
            self._free -= taken
            return taken

    def give(self, count: int) -> None:
        """Give slots back."""
        with self._lock:
            self._free += count
