"""The shop is believable, repeatable, and agrees with the sandbox on what its events are worth."""

from __future__ import annotations

from collections import Counter

from shipper import Event
from shipper.local.plan import FAULTS, plan_of_demo
from shipper.local.shop import DEEDS, customer, what_happens
from shipper.sandbox import Plan
from shipper.sandbox.plan import parse


def test_a_seed_repeats_what_happens() -> None:
    first = list(what_happens(500, seed=7))

    assert list(what_happens(500, seed=7)) == first
    assert list(what_happens(500, seed=8)) != first


def test_a_few_customers_do_most_of_it() -> None:
    events = list(what_happens(3000, seed=1))

    by_customer = Counter(done.customer_id for done in events)
    busiest = by_customer.most_common(50)
    assert by_customer.most_common(1)[0][0] == customer(1)
    assert 400 < len(by_customer) <= 500
    assert sum(count for _, count in busiest) > 1000


def test_every_kind_of_event_happens_about_as_often_as_it_should() -> None:
    by_name = Counter(done.name for done in what_happens(3000, seed=1))

    assert by_name.keys() == DEEDS.keys()
    for name, deed in DEEDS.items():
        assert 0.6 * 30 * deed.weight < by_name[name] < 1.4 * 30 * deed.weight


def test_each_event_is_valid_and_has_a_reference_of_its_own() -> None:
    events = list(what_happens(1000, seed=3))

    assert len({done.reference for done in events}) == 1000
    for done in events:
        event = Event(**done.event)
        assert event.events[done.name]["reference"] == done.reference
        assert (event.email or "") == done.email


def test_the_sandbox_gives_the_points_that_the_shop_expects() -> None:
    plan = parse(Plan, plan_of_demo())

    for done in what_happens(2000, seed=5):
        assert plan.points.points_for(done.name, done.metadata) == done.points


def test_the_plan_of_the_demo_is_one_that_the_sandbox_takes() -> None:
    plan = parse(Plan, plan_of_demo())

    assert len(plan.faults) == len(FAULTS)
