"""Metrics in Prometheus' text format; docs/metrics.md says what each is for.

Names follow Prometheus' conventions: base units, `_total` for what only grows. All but the histograms and the
retries by class are the ledger's own counters: they miss nothing, and no worker's restart resets them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from shipper.alarm import NAMES
from shipper.inspector import Metrics
from shipper.ledger.histogram import Histogram

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
PAUSES: Final = ("operator", "breaker", "throttled", "credentials", "refusals", "restarted")
"""Why an account may be held: each is told, as 0 or 1, so that a graph of it has no holes."""

Values = Callable[[Metrics], float | Mapping[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One metric: `value` gives its number for an account, or numbers by the label `by`."""

    name: str
    about: str
    value: Values
    by: str = ""


COUNTERS: Final = (
    Told(name="events_accepted", about="Events accepted.", value=lambda m: m.standing.accepted),
    Told(name="events_delivered", about="Events that Gameball has.", value=lambda m: m.standing.delivered),
    Told(
        name="events_discarded", about="Events that a person gave up.", value=lambda m: m.standing.discarded
    ),
    Told(
        name="events_expunged",
        about="Events erased with their customer.",
        value=lambda m: m.standing.expunged,
    ),
    Told(name="events_redriven", about="Dead letters sent again.", value=lambda m: m.standing.redriven),
    Told(
        name="events_retried",
        about="Attempts that failed, were charged, and after which the event waited again.",
        value=lambda m: m.standing.retried,
    ),
    Told(
        name="retries",
        about="Attempts after which an event waited again, charged or not, by what the answer meant.",
        value=lambda m: m.retried,
        by="verdict",
    ),
    Told(
        name="events_crashed", about="Events whose worker died or hung.", value=lambda m: m.standing.crashed
    ),
    Told(
        name="duplicate_causes",
        about="Answers lost and workers killed: what licenses a second POST.",
        value=lambda m: m.standing.causes,
    ),
    Told(name="calls", about="Calls made to Gameball.", value=lambda m: m.standing.calls),
    Told(
        name="events_sent",
        about="Events carried by these calls; by calls, it is events per call.",
        value=lambda m: m.standing.events_sent,
    ),
    Told(name="hooks_told", about="Completion hooks that were told.", value=lambda m: m.standing.hooks_told),
    Told(
        name="hooks_discarded", about="Failed hooks given up by a person.", value=lambda m: m.discarded_hooks
    ),
    Told(
        name="ledger_rollbacks",
        about="Times that Redis came back with less than it had acknowledged.",
        value=lambda m: m.standing.rolled_back,
    ),
)
GAUGES: Final = (
    Told(name="events_waiting", about="Events that wait for a call.", value=lambda m: m.standing.waiting),
    Told(name="events_in_flight", about="Events in a call under way.", value=lambda m: m.standing.in_flight),
    Told(name="dead_letters", about="Dead letters, by reason.", value=lambda m: m.dead, by="reason"),
    Told(
        name="events_unclear",
        about="Events of which nobody knows whether Gameball has them.",
        value=lambda m: m.standing.unclear,
    ),
    Told(
        name="oldest_due_age_seconds",
        about="How long the customer that is due longest has been due.",
        value=lambda m: m.standing.oldest_due_ms / 1000,
    ),
    Told(
        name="customers_due",
        about="Customers whose events are due now.",
        value=lambda m: m.standing.lanes_due,
    ),
    Told(
        name="customers_blocked",
        about="Customers whose events wait for a retry, or for their turn in a redrive.",
        value=lambda m: m.standing.lanes_blocked,
    ),
    Told(
        name="customers_quarantined",
        about="Customers whose lane is corrupt: shipper mend.",
        value=lambda m: m.standing.lanes_broken,
    ),
    Told(
        name="backlog_bytes",
        about="What the events held take in Redis.",
        value=lambda m: m.standing.backlog_bytes,
    ),
    Told(
        name="pace_calls",
        about="Calls within each rate window now.",
        value=lambda m: m.pace_calls,
        by="window",
    ),
    Told(
        name="pace_used_ratio",
        about="The share of each rate window that is used now, 0 to 1.",
        value=lambda m: m.pace_used,
        by="window",
    ),
    Told(
        name="paused",
        about="1 for the reason that holds the account, 0 for all others.",
        value=lambda m: {why: float(_is_held(m, why)) for why in PAUSES},
        by="reason",
    ),
    Told(
        name="breaker_open",
        about="1 while the breaker holds the account.",
        value=lambda m: float(_is_held(m, "breaker")),
    ),
    Told(
        name="alarm_raised",
        about="1 for an alarm whose mark is passed, 0 for the others.",
        value=lambda m: {name: float(name in _raised(m)) for name in NAMES},
        by="alarm",
    ),
    Told(
        name="hook_lag_seconds",
        about="How long the completion hook that is due longest has been due.",
        value=lambda m: m.standing.hooks_due_ms / 1000,
    ),
    Told(
        name="hooks_waiting", about="Completion hooks to be told.", value=lambda m: m.standing.hooks_waiting
    ),
    Told(
        name="hooks_failed",
        about="Completion hooks that were given up.",
        value=lambda m: m.standing.hooks_failed,
    ),
    Told(name="workers_alive", about="Workers that run pumps.", value=lambda m: m.workers),
    Told(name="pumps_alive", about="Pumps that run, or were asked for.", value=lambda m: m.standing.pumps),
    Told(
        name="last_sweep_age_seconds",
        about="How long ago a worker last looked; no sample where none ever did.",
        value=lambda m: {} if m.standing.swept_ms is None else m.standing.swept_ms / 1000,
    ),
)
HISTOGRAMS: Final[tuple[tuple[str, str, Callable[[Metrics], Histogram]], ...]] = (
    ("call_duration_seconds", "How long a call to Gameball took.", lambda m: m.calls),
    ("pump_duration_seconds", "How long a pump that made calls ran.", lambda m: m.pumps),
    (
        "delivery_latency_seconds",
        "From an event's enqueue, or its redrive, to its delivery.",
        lambda m: m.latency,
    ),
)


def exposition(seen: Iterable[Metrics]) -> bytes:
    """Return the numbers of all accounts, each labelled with its own."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Accounts(tuple(seen)))
    return generate_latest(registry)


class _Accounts(Collector):
    """Hand the numbers to prometheus_client, which writes them."""

    def __init__(self, seen: Sequence[Metrics]) -> None:
        self._seen = seen

    def collect(self) -> Iterator[Metric]:
        for told in COUNTERS:
            labels = ("account", told.by) if told.by else ("account",)
            yield self._filled(CounterMetricFamily(f"shipper_{told.name}", told.about, labels=labels), told)
        for told in GAUGES:
            labels = ("account", told.by) if told.by else ("account",)
            yield self._filled(GaugeMetricFamily(f"shipper_{told.name}", told.about, labels=labels), told)
        for name, about, histogram_of in HISTOGRAMS:
            family = HistogramMetricFamily(f"shipper_{name}", about, labels=("account",))
            for metrics in self._seen:
                found = histogram_of(metrics)
                family.add_metric((metrics.standing.account,), _buckets(found), sum_value=found.sum_ms / 1000)
            yield family

    def _filled(self, family: CounterMetricFamily | GaugeMetricFamily, told: Told) -> Metric:
        for metrics in self._seen:
            account, value = metrics.standing.account, told.value(metrics)
            if isinstance(value, Mapping):
                for label, number in value.items():
                    family.add_metric((account, label), number)
            else:
                family.add_metric((account,), value)
        return family


def _is_held(metrics: Metrics, why: str) -> bool:
    return metrics.standing.paused and metrics.standing.pause_reason == why


def _raised(metrics: Metrics) -> set[str]:
    return {alarm.name for alarm in metrics.standing.alarms}


def _buckets(found: Histogram) -> list[tuple[str, float]]:
    """Return cumulative counts by upper bound in seconds, as the format wants them."""
    total, buckets = 0, []
    bounds = [*(str(bound / 1000) for bound in found.bounds_ms), "+Inf"]
    for bound, count in zip(bounds, found.counts, strict=True):
        total += count
        buckets.append((bound, float(total)))
    return buckets
