"""Catalogue: all parts, in the order in which they are run and stand on the page."""

from __future__ import annotations

from typing import Final

from benchmarks import (
    delivery,
    desk,
    enqueue,
    growth,
    idle,
    imports,
    latency,
    longest,
    memory,
    outage,
    quota,
    recovery,
    redrive,
    soak,
)
from benchmarks.part import Part

PARTS: Final[tuple[Part, ...]] = (
    *delivery.PARTS,
    enqueue.PART,
    latency.PART,
    quota.PART,
    outage.PART,
    recovery.PART,
    growth.PART,
    desk.PART,
    redrive.PART,
    longest.PART,
    memory.PART,
    soak.PART,
    idle.PART,
    imports.PART,
)
