"""The acceptance run: ten thousand events of three thousand customers; a worker and Redis die on the way."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, Final

import shipper
from tests.support.stage import Stage

EVENTS = 10_000
CUSTOMERS = 3_000
BRIEF: Final[dict[str, Any]] = {"timeout_ms": 1000, "connect_timeout_ms": 1000, "lease_ms": 6000}
NAMES = ("view", "like", "purchase", "write_review")


def shop() -> list[dict[str, Any]]:
    """Return the events of a shop, most of them of a tenth of its customers; `n` counts a customer's own."""
    met: Counter[int] = Counter()
    events = []
    for i in range(EVENTS):
        customer = i if i < CUSTOMERS else i * i % (CUSTOMERS // 10)
        events.append(
            {
                "customerId": f"c-{customer}",
                "events": {NAMES[i * i // 11 % 4]: {"n": met[customer]}},
            }
        )
        met[customer] += 1
    return events


def test_ten_thousand_events_arrive_once_each_in_order_and_never_two_calls_of_one_customer_at_a_time(
    stage: Stage,
) -> None:
    events = shop()
    stage.worker()
    stage.worker()

    receipts = shipper.enqueue_events(events)

    counters = stage.until_at_rest(within_s=200)
    arrived = stage.arrived()
    assert all(isinstance(receipt, shipper.Receipt) for receipt in receipts)
    assert counters["delivered"] == EVENTS
    assert Counter((customer, name, of["n"]) for customer, name, of in arrived) == Counter(
        (event["customerId"], name, of["n"]) for event in events for name, of in event["events"].items()
    )
    assert in_order(arrived)
    assert stage.sandbox.stats()["overlaps"] == 0
    assert counters.get("causes", 0) == 0
    stage.assert_sound()


def test_killing_a_worker_and_redis_on_the_way_loses_none_and_every_second_copy_has_its_cause(
    stage: Stage,
) -> None:
    events = shop()
    victim = stage.worker(**BRIEF)
    stage.worker(**BRIEF)
    receipts = shipper.enqueue_events(events)

    stage.until(lambda: stage.count("delivered") > EVENTS // 5, within_s=100)
    victim.kill()
    stage.worker(**BRIEF)
    stage.until(lambda: stage.count("delivered") > EVENTS // 2, within_s=100)
    stage.server.kill()
    stage.server.start()

    counters = stage.until_at_rest(within_s=200)
    copies = stage.copies()
    assert all(isinstance(receipt, shipper.Receipt) for receipt in receipts)
    assert (counters["accepted"], counters["delivered"]) == (EVENTS, EVENTS)
    assert len(copies) == EVENTS
    assert copies.total() - EVENTS <= counters.get("causes", 0)
    assert counters.get("crashed", 0) <= counters.get("causes", 0)
    assert stage.sandbox.stats()["overlaps"] == 0
    assert in_order(firsts(stage.arrived()))
    stage.assert_sound()


def in_order(arrived: list[tuple[str, str, Any]]) -> bool:
    """Tell whether the events of each customer came in the order in which they were enqueued."""
    numbers = defaultdict(list)
    for customer, _, of in arrived:
        numbers[customer].append(of["n"])
    return all(theirs == sorted(theirs) for theirs in numbers.values())


def firsts(arrived: list[tuple[str, str, Any]]) -> list[tuple[str, str, Any]]:
    """Keep the first copy of each event."""
    return list(
        {(customer, of["n"]): (customer, name, of) for customer, name, of in reversed(arrived)}.values()
    )[::-1]
