"""The numbers for a monitoring system, beside those of `shipper status`."""

from __future__ import annotations

from shipper.inspector import Inspector
from shipper.inspector.metrics import metrics_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import observe
from shipper.settings import Settings
from tests.inspector.story import ACCEPTED, LOST, REFUSED, SPENT, Story


def test_dead_letters_are_counted_by_reason_with_unclear_ones_apart(
    story: Story, inspector: Inspector
) -> None:
    for answer in (REFUSED, REFUSED, SPENT, LOST, ACCEPTED):
        story.enqueue("ann", "a")
        story.calls(answer)

    seen = inspector.metrics()

    assert seen.dead == {"refused": 2, "vague": 0, "spent": 1, "aged": 0, "crashed": 0, "unreadable": 0}
    assert (seen.standing.unclear, seen.standing.delivered, seen.standing.calls) == (1, 1, 5)


def test_retries_and_durations_are_those_that_workers_told(ledger: Ledger, inspector: Inspector) -> None:
    ledger.run(observe({"retried busy": 3, "retried not_sent": 1, "call 50": 2, "call sum": 77}))

    seen = inspector.metrics()

    assert seen.retried == {"busy": 3, "not_sent": 1}
    assert (seen.calls.bounds_ms[2], seen.calls.counts[2], seen.calls.sum_ms) == (50, 2, 77)
    assert (sum(seen.pumps.counts), sum(seen.latency.counts)) == (0, 0)


def test_the_pace_used_is_a_share_of_each_window_that_has_a_limit(story: Story, ledger: Ledger) -> None:
    seen = metrics_of(ledger, Settings(pace_per_second=100, pace_per_30_seconds=0))

    assert (seen.pace_used, seen.pace_calls) == ({"1s": 0.0}, {"1s": 0, "30s": 0})
