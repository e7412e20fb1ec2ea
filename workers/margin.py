"""Margin: how long after its claim a call may still leave, which grows while Redis is slow.

The ledger counts a call in the rate windows as if it left last of all it may; a claim tells it how late
that is. So a Redis that answers slowly costs quota at the edge of a window, and stops no call.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from shipper.ledger.operations import LATEST_MS
from shipper.settings import Settings

REMEMBERED: Final = 8
"""Claims whose answers decide."""
ROOM: Final = 2
"""Times the slowest of these answers: what a call may take from its claim to its leaving."""


class Margin:
    """Look at how long claims took, and say what the next may take; in ms."""

    def __init__(self) -> None:
        self._took: deque[int] = deque(maxlen=REMEMBERED)

    def took(self, ms: int) -> None:
        """Take how long a claim's answer took to come."""
        self._took.append(ms)

    def beyond(self, settings: Settings) -> int:
        """Return how much longer than `pace_margin_ms` the calls of the next claim may take to leave."""
        wanted = ROOM * max(self._took, default=0) - settings.pace_margin_ms
        return min(max(0, wanted), LATEST_MS)
