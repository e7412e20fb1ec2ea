"""Histogram: how long things took, counted in buckets, as workers gather it and `hist` holds it.

A field of `hist` is `<what> <bound in ms>` for a bucket (`inf` for the last), `<what> sum`, or
`retried <verdict>`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger

CALL: Final = "call"
PUMP: Final = "pump"
LATENCY: Final = "latency"
RETRIED: Final = "retried"

BOUNDS: Final[Mapping[str, tuple[int, ...]]] = {
    CALL: (10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 15_000),
    PUMP: (50, 100, 250, 500, 1000, 2500, 5000, 7500, 10_000, 20_000, 30_000),
    LATENCY: (
        *(50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000),
        *(300_000, 1_800_000, 7_200_000, 28_800_000, 86_400_000),
    ),
}
"""Upper bounds of the buckets, in ms: the longest call is 15 s by default, the oldest event three days."""


_BUCKETS: Final = {what: tuple(f"{what} {at}" for at in (*bounds, "inf")) for what, bounds in BOUNDS.items()}

SUMS: Final[Mapping[str, str]] = {what: f"{what} sum" for what in BOUNDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Durations counted by bucket: `counts` has one more than `bounds_ms`, for what was longer than all."""

    bounds_ms: tuple[int, ...]
    counts: tuple[int, ...]
    sum_ms: int


def bucket_of(what: str, ms: int) -> str:
    """Return the field of the bucket that a duration falls into; a bound is within its bucket."""
    return _BUCKETS[what][bisect_left(BOUNDS[what], ms)]


def read_histogram(what: str, fields: Mapping[str, int]) -> Histogram:
    """Return what has been counted; all zeros where nothing was."""
    return Histogram(
        bounds_ms=BOUNDS[what],
        counts=tuple(fields.get(field, 0) for field in _BUCKETS[what]),
        sum_ms=fields.get(SUMS[what], 0),
    )


def observed(ledger: Ledger) -> dict[str, int]:
    """Read all that workers have told; one command."""
    flat = ledger.ask("HGETALL", key_of(ledger.account, "hist"))
    pairs = zip(flat[::2], flat[1::2], strict=True)
    return {name.decode(): int(value) for name, value in pairs}
