"""Space retries out: full jitter under a doubling ceiling."""

from __future__ import annotations

from collections.abc import Callable


def backoff_ms(charged: int, *, base_ms: int, cap_ms: int, random: Callable[[], float]) -> int:
    """Return a wait drawn evenly from 0 to `base_ms` doubled `charged` times, at most `cap_ms`.

    `random` returns a float in [0, 1). Full jitter, because any steady part of the wait would send the events
    that failed together back together.
    """
    ceiling_ms = min(cap_ms, base_ms << min(charged, 32))
    return int(random() * (ceiling_ms + 1))
