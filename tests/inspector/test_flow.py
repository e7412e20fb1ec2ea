"""What came in and went out: rates between samples, and gaps where nobody lived."""

from __future__ import annotations

import pytest

from shipper.inspector import Inspector, Rates
from shipper.inspector.flow import samples_of
from shipper.ledger.flow import Drop
from tests.inspector.story import ACCEPTED, NOW, REFUSED, SECOND, Story


def drop(at: int, **numbers: int) -> Drop:
    return Drop(at=at, numbers=numbers)


def test_rates_are_told_between_two_samples(story: Story, inspector: Inspector) -> None:
    story.sweeps()
    story.enqueue_many([("ann", {"a": {}}), ("ann", {"b": {}}), ("bob", {"a": {}})])
    story.calls(ACCEPTED)
    story.enqueue("cid", "a")
    story.calls(REFUSED)
    story.now = NOW + 10 * SECOND
    story.sweeps()

    first, second = inspector.flow()

    assert first.rates is None
    assert (second.at, second.after_gap, second.dead, second.workers) == (NOW + 10 * SECOND, False, 1, 0)
    assert second.rates == Rates(
        accepted=0.4, delivered=0.3, calls=0.3, events_sent=0.4, retried=0.0, died=0.1
    )
    assert second.rates.events_per_call == pytest.approx(4 / 3)


def test_where_no_worker_lived_there_is_a_gap_and_no_rate() -> None:
    samples = samples_of([drop(NOW, calls=0), drop(NOW + 10_000, calls=5), drop(NOW + 40_001, calls=9)])

    assert [sample.after_gap for sample in samples] == [False, False, True]
    assert [sample.rates.calls if sample.rates else None for sample in samples] == [None, 0.5, None]


def test_counters_that_went_back_have_no_rate() -> None:
    samples = samples_of([drop(NOW, delivered=5), drop(NOW + 10_000, delivered=4)])

    assert samples[1].rates is None


def test_a_redrive_takes_dead_letters_away() -> None:
    samples = samples_of([drop(NOW, dead=50, unclear=10), drop(NOW + 10_000, dead=20, unclear=15)])

    assert samples[1].rates is not None
    assert samples[1].rates.died == -2.5
    assert samples[1].rates.events_per_call is None


def test_an_account_that_nobody_ever_swept_has_no_flow(inspector: Inspector) -> None:
    assert inspector.flow() == ()
