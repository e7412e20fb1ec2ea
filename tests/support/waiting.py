"""Wait for a condition: by looking often, and never for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

LOOK_SECONDS: Final = 0.01
LIMIT_SECONDS: Final = 30.0

T = TypeVar("T")


def until(condition: Callable[[], T], *, within_s: float = LIMIT_SECONDS, why: Callable[[], str] = str) -> T:
    """Return what the condition returns once that is true; fail, and say why, if it takes too long."""
    deadline = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not so after {within_s} s: {why()}"
        time.sleep(LOOK_SECONDS)
    return found
