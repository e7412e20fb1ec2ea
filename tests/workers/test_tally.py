"""What a pump counts and times, and that it tells the ledger once."""

from __future__ import annotations

import pytest

from shipper.ledger.histogram import CALL, LATENCY, PUMP, bucket_of, observed, read_histogram
from shipper.ledger.ledger import Ledger
from shipper.ledger.record import Tried
from tests.workers.desk import Desk
from tests.workers.far_end import ACCEPTED, UNAVAILABLE, FarEnd
from tests.workers.faulty import FaultyLedger
from tests.workers.test_report import NOW, SETTINGS, claimed, landing
from workers.pump import Pump, Station
from workers.report import settled_call
from workers.tally import Tally
from workers.verdict import Answer, Loss


def tally_of(answer: Answer, *tried: Tried) -> dict[str, int]:
    """Return what a pump of 700 ms tells whose only call, of 42 ms, took off 1005 ms after the enqueue."""
    landed = landing(answer, *(claimed(f"E{i}", tried=each) for i, each in enumerate(tried)))
    tally = Tally()
    tally.landed(landed, settled_call(landed, SETTINGS, worker="w:1"))
    return dict(tally.pumped(700))


@pytest.mark.parametrize(
    ("ms", "bucket"),
    [(0, "call 10"), (10, "call 10"), (11, "call 25"), (15_000, "call 15000"), (15_001, "call inf")],
)
def test_a_bound_is_within_its_bucket(ms: int, bucket: str) -> None:
    assert bucket_of(CALL, ms) == bucket


def test_a_call_is_timed_once_and_each_of_its_events_from_its_enqueue() -> None:
    seen = tally_of(ACCEPTED, Tried(), Tried())

    assert seen == {
        "call 50": 1,
        "call sum": 42,
        "latency 2500": 2,
        "latency sum": 2 * 1047,
        "pump 1000": 1,
        "pump sum": 700,
    }


def test_an_event_that_was_redriven_is_timed_from_its_redrive() -> None:
    seen = tally_of(ACCEPTED, Tried(since=NOW - 20))

    assert (seen["latency 100"], seen["latency sum"]) == (1, 67)


def test_events_that_wait_again_are_counted_by_what_the_answer_meant() -> None:
    seen = tally_of(UNAVAILABLE, Tried(), Tried())

    assert seen["retried refused_for_now"] == 2
    assert "latency sum" not in seen


def test_a_call_that_never_left_is_not_timed() -> None:
    seen = tally_of(Answer(lost=Loss.UNSENT))

    assert seen == {"retried unsent": 1, "pump 1000": 1, "pump sum": 700}


def test_a_pump_that_made_no_call_tells_nothing() -> None:
    assert Tally().pumped(700) == {}


def test_a_pump_tells_the_ledger_once_when_its_calls_have_landed(
    desk: Desk, station: Station, far_end: FarEnd, ledger: Ledger
) -> None:
    for i in range(10):
        desk.enqueue(f"c-{i}")
    faulty = FaultyLedger(ledger)
    object.__setattr__(station, "ledger", faulty)

    Pump(station).run()

    fields = observed(ledger)
    assert (faulty.ran.count("observe"), faulty.ran[-1]) == (1, "observe")
    assert sum(read_histogram(CALL, fields).counts) == 10
    assert sum(read_histogram(LATENCY, fields).counts) == 10
    assert sum(read_histogram(PUMP, fields).counts) == 1


@pytest.mark.parametrize("how", ["to_refuse", "to_lose"])
def test_numbers_that_redis_did_not_take_end_no_pump_and_are_not_told_twice(
    how: str, desk: Desk, station: Station, ledger: Ledger
) -> None:
    event_id = desk.enqueue("c-1")
    faulty = FaultyLedger(ledger)
    getattr(faulty, how).append("observe")
    object.__setattr__(station, "ledger", faulty)

    calls = Pump(station).run()

    assert (calls, desk.state(event_id), faulty.ran.count("observe")) == (1, "delivered", 1)
