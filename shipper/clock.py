"""Read the time: the only module that does.

The ledger decides by Redis' own clock; these are for waiting times, logs and ids.
"""

from __future__ import annotations

import time


def now_ms() -> int:
    """Return the wall clock in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def monotonic_ms() -> int:
    """Return a clock in milliseconds that never steps; its zero means nothing."""
    return time.monotonic_ns() // 1_000_000
