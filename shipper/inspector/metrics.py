"""Metrics: the numbers of an account that a monitoring system asks for, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shipper.inspector.standing import Standing, standing_of
from shipper.ledger.alarms import raised_alarms
from shipper.ledger.histogram import CALL, LATENCY, PUMP, RETRIED, Histogram, observed, read_histogram
from shipper.ledger.ledger import Ledger
from shipper.ledger.letters import REASONS, UNCLEAR, Filter, count
from shipper.ledger.operations import status
from shipper.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """What `shipper status` tells, and beside it what only a graph needs."""

    standing: Standing
    workers: int
    """Workers alive that run pumps."""
    dead: Mapping[str, int]
    """Dead letters by reason; every reason is there, without `unclear`."""
    retried: Mapping[str, int]
    """Attempts after which an event waited again, by verdict; charged or not."""
    pace_used: Mapping[str, float]
    """The share of each rate window (`1s`, `30s`) that is used now; without those that have no limit."""
    pace_calls: Mapping[str, int]
    discarded_hooks: int
    calls: Histogram
    pumps: Histogram
    latency: Histogram
    """From an event's enqueue, or its redrive, to its delivery."""


def metrics_of(ledger: Ledger, settings: Settings) -> Metrics:
    """Gather an account's numbers: a dozen quick commands, whatever the ledger holds."""
    seen = ledger.run(status())
    fields = observed(ledger)
    standing = standing_of(ledger.account, seen, settings, alarms=raised_alarms(ledger))
    calls = {"1s": standing.pace_per_second, "30s": standing.pace_per_30_seconds}
    limits = {"1s": settings.pace_per_second, "30s": settings.pace_per_30_seconds}
    return Metrics(
        standing=standing,
        workers=seen.sizes["workers"],
        dead={reason: count(ledger, Filter(reason=reason)) for reason in REASONS if reason != UNCLEAR},
        retried={
            name.partition(" ")[2]: number
            for name, number in sorted(fields.items())
            if name.startswith(f"{RETRIED} ")
        },
        pace_used={window: calls[window] / limit for window, limit in limits.items() if limit},
        pace_calls=calls,
        discarded_hooks=seen.counters.get("hooks_discarded", 0),
        calls=read_histogram(CALL, fields),
        pumps=read_histogram(PUMP, fields),
        latency=read_histogram(LATENCY, fields),
    )
