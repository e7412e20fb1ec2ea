"""Clock: how far the time of each account was moved, in memory that all processes of a test share."""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import Final

WIDTH: Final = 8
MOST: Final = 4096
"""Accounts."""


class Clock:
    """Hold a shift in ms for each account; accounts are named `p0`, `p1` and so on."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(WIDTH * MOST))
        with path.open("r+b") as file:
            self._shifts = mmap.mmap(file.fileno(), WIDTH * MOST)

    def moved(self, account: str) -> int:
        """Return how far an account's time was moved."""
        (shift,) = struct.unpack_from("q", self._shifts, self._place(account))
        return int(shift)

    def move(self, account: str, by_ms: int) -> None:
        """Move it further."""
        struct.pack_into("q", self._shifts, self._place(account), self.moved(account) + by_ms)

    def _place(self, account: str) -> int:
        return int(account[1:]) * WIDTH
