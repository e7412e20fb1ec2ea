"""Flow: what came in and went out over the last hour, in steps of ten seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from shipper.ledger.flow import Drop, flow
from shipper.ledger.ledger import Ledger

STEP_MS: Final = 10_000
GAP_MS: Final = 3 * STEP_MS
"""Samples further apart have a gap between them: no worker lived, or none reached Redis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What happened a second, on average, since the sample before."""

    accepted: float
    delivered: float
    calls: float
    events_sent: float
    retried: float
    died: float
    """Events that became dead letters or unclear, less those that left them: below 0 in a redrive."""

    @property
    def events_per_call(self) -> float | None:
        """Return how many events a call carried; None where no call was made."""
        return self.events_sent / self.calls if self.calls else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """How an account stood at a moment, and what had happened since the sample before.

    `rates` is None for the first sample, after a gap, and where counters went back (a ledger that was rolled
    back or mended).
    """

    at: int
    after_gap: bool
    """True where no worker lived just before; a chart draws no line to here."""
    waiting: int
    in_flight: int
    dead: int
    unclear: int
    lanes_due: int
    oldest_due_ms: int
    pace_per_second: int
    pace_per_30_seconds: int
    held: bool
    """Whether the gate was closed: paused, throttled, or the breaker."""
    workers: int
    pumps: int
    hooks_waiting: int
    backlog_bytes: int
    rates: Rates | None


def flow_of(ledger: Ledger) -> tuple[Sample, ...]:
    """Return the last hour's samples, oldest first; one command."""
    return samples_of(flow(ledger))


def samples_of(drops: list[Drop]) -> tuple[Sample, ...]:
    """Make samples of what was written, with rates between those that follow each other closely.

    A sample that is not later than the one before comes of a clock that stepped back, and begins anew.
    """
    if not drops:
        return ()
    return (_sample(None, drops[0]), *(_sample(before, drop) for before, drop in pairwise(drops)))


def _sample(before: Drop | None, drop: Drop) -> Sample:
    n = drop.numbers
    apart = drop.at - before.at if before else 0
    near = before is not None and 0 < apart <= GAP_MS
    return Sample(
        at=drop.at,
        after_gap=before is not None and not near,
        waiting=n.get("waiting", 0),
        in_flight=n.get("in_flight", 0),
        dead=n.get("dead", 0),
        unclear=n.get("unclear", 0),
        lanes_due=n.get("due", 0),
        oldest_due_ms=n.get("oldest_ms", 0),
        pace_per_second=n.get("pace_1s", 0),
        pace_per_30_seconds=n.get("pace_30s", 0),
        held=bool(n.get("held")),
        workers=n.get("workers", 0),
        pumps=n.get("pumps", 0),
        hooks_waiting=n.get("hooks", 0),
        backlog_bytes=n.get("bytes", 0),
        rates=_rates(before.numbers, n, apart) if before and near else None,
    )


def _rates(before: Mapping[str, int], now: Mapping[str, int], apart_ms: int) -> Rates | None:
    grew = {name: now.get(name, 0) - before.get(name, 0) for name in now}
    if any(grew.get(name, 0) < 0 for name in ("accepted", "delivered", "calls", "events_sent", "retried")):
        return None
    a_second = {name: more * 1000 / apart_ms for name, more in grew.items()}
    return Rates(
        accepted=a_second.get("accepted", 0),
        delivered=a_second.get("delivered", 0),
        calls=a_second.get("calls", 0),
        events_sent=a_second.get("events_sent", 0),
        retried=a_second.get("retried", 0),
        died=a_second.get("dead", 0) + a_second.get("unclear", 0),
    )
