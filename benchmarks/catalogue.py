"""Catalogue: all parts, in the order in which they are run and stand on the page."""

from __future__ import annotations

from typing import Final

from benchmarks import (
    delivery,
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
    longest.PART,
    memory.PART,
    soak.PART,
    idle.PART,
    imports.PART,
)
