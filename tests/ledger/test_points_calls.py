"""Points 9 to 18 of the forty: what the invariants say of lives and calls, and of merged calls.

Point 11 is the append-only file's, which has tests of its own.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from shipper.body import Body, merge
from shipper.ledger import operations as ask
from shipper.ledger.record import Tried
from shipper.outcome import SOLO, Dead, Free, Reason, Retry, Verdict
from tests.ledger.builders import (
    HOUR,
    SECOND,
    accepted,
    envelope,
    settled,
)
from tests.ledger.scene import Scene, structure_of


def test_nothing_is_claimed_after_a_known_success(scene: Scene) -> None:
    """Point 9."""
    scene.many(1)
    late = scene.only_call()
    scene.run_out()

    scene.accept(late)

    assert scene.claim(8).calls == ()
    assert scene.book.n["delivered"] == 1


def test_each_life_ends_once_and_is_told_once(scene: Scene) -> None:
    """Point 10: dead, redriven, dead again, and then the first attempt turns out to have succeeded."""
    scene.enqueue(envelope("E1", hook="sent"))
    first = scene.only_call()
    scene.end(Verdict.PERMANENT, Dead(reason=Reason.REFUSED), first, code=3009)
    told = scene.ledger.run(ask.hook_claim("h1", scene.settings, now=scene.now))
    scene.ledger.run(ask.hook_settle("E1:0", "h1", "told", now=scene.now))
    scene.ledger.run(ask.redrive(["E1"], spread_ms=1, may_duplicate=False, now=scene.now))
    scene.end(Verdict.VAGUE, Dead(reason=Reason.VAGUE), scene.only_call())

    word = scene.accept(first)

    then = scene.ledger.run(ask.hook_claim("h2", scene.settings, most=9, now=scene.now))
    assert told is not None
    assert then is not None
    assert [(hook.job, hook.what) for hook in told] == [("E1:0", "refused")]
    assert word == ["adopted"]
    assert [(hook.job, hook.what) for hook in then] == [("E1:2", "delivered")]


def test_every_accepted_event_is_accounted_for(scene: Scene) -> None:
    """Point 12: discarded and forgotten have buckets of their own."""
    scene.many(9)
    scene.ledger.run(ask.discard(["E0"], waiting=["E0"], now=scene.now))
    scene.ledger.run(ask.expunge(["E1"], now=scene.now))
    scene.drain()
    scene.now += 7 * HOUR

    scene.ledger.run(ask.forget(scene.settings, now=scene.now))

    assert scene.book.n == {
        "accepted": 9,
        "delivered": 7,
        "discarded": 1,
        "expunged": 1,
        "forgotten_delivered": 7,
        "forgotten_discarded": 1,
        "forgotten_expunged": 1,
        "calls": 7,
        "events_sent": 7,
    }
    assert structure_of(scene.book) == []


def test_the_number_of_an_attempt_grows_and_the_budget_only_when_charged(scene: Scene) -> None:
    """Point 13."""
    scene.many(1)

    for verdict, outcome in (
        (Verdict.BUSY, Free(delay_ms=0)),
        (Verdict.REFUSED_FOR_NOW, Retry(delay_ms=0)),
        (Verdict.UNSENT, Free(delay_ms=0)),
        (Verdict.UNCLEAR, Retry(delay_ms=0)),
    ):
        scene.end(verdict, outcome, scene.only_call())

    assert scene.book.st["E0"] == Tried(number=4, charged=2, causes=1)


def test_an_event_expunged_in_flight_keeps_its_customer_to_one_call(scene: Scene) -> None:
    """Point 14."""
    scene.enqueue(envelope("E1"))
    call = scene.only_call()
    was = scene.ledger.run(ask.expunge(["E1"], now=scene.now))
    scene.enqueue(envelope("E2"))

    while_it_flies = scene.claim(8)
    scene.accept(call)

    assert was == ["in_flight"]
    assert while_it_flies.calls == ()
    assert [e.event_id for e in scene.only_call().events] == ["E2"]
    assert structure_of(scene.book) == []


# Merged calls


def test_no_innocent_dies_by_a_crash_of_a_merged_call(scene: Scene) -> None:
    """Point 15: E2 kills every worker that it travels with."""
    scene.enqueue(envelope("E1"), envelope("E2"), envelope("E3"))

    for _ in range(6):
        for call in scene.claim(8).calls:
            if any(e.event_id == "E2" for e in call.events):
                scene.run_out()
            else:
                scene.accept(call)
        scene.now += 2 * SECOND
    scene.drain()

    assert scene.book.dead.keys() == {"E2"}
    assert {i for i, fate in scene.book.fate.items() if fate.state == "delivered"} == {"E1", "E3"}


def test_solo_sends_each_of_a_condemned_call_alone_now_and_free(scene: Scene) -> None:
    """Point 15."""
    scene.enqueue(envelope("E1"), envelope("E2"), envelope("E3"))
    scene.end(Verdict.PERMANENT, SOLO, scene.only_call())
    runs = []

    for _ in range(3):
        call = scene.only_call()
        runs.append([(e.event_id, e.tried.charged) for e in call.events])
        scene.accept(call)

    assert runs == [[("E1", 0)], [("E2", 0)], [("E3", 0)]]


def test_park_events_travel_alone(scene: Scene) -> None:
    """Point 16."""
    scene.enqueue(envelope("E1"), envelope("E2", park=True), envelope("E3", park=True), envelope("E4"))
    runs = []

    for _ in range(4):
        call = scene.only_call()
        runs.append([e.event_id for e in call.events])
        scene.accept(call)

    assert runs == [["E1"], ["E2"], ["E3"], ["E4"]]


def test_a_merged_call_holds_what_each_event_said_and_nothing_of_another_customer(scene: Scene) -> None:
    """Point 17: even if two customers shared a lane."""
    ann = [scene.seal("ann", {"view": {"at": 1}}), scene.seal("ann", {"buy": {"é": "}}"}, "like": {}})]
    bob = scene.seal("bob", {"leave": {}})
    collided = replace(bob, lane=ann[0].lane)
    scene.enqueue(*ann, collided)

    call = scene.only_call()

    sent = merge([Body(e.record.body, e.record.head_len) for e in call.events])
    assert [e.event_id for e in call.events] == [one.event_id for one in ann]
    assert json.loads(sent) == {
        "customerId": "ann",
        "events": {"view": {"at": 1}, "buy": {"é": "}}"}, "like": {}},
    }


def test_a_zombies_success_is_adopted_event_by_event(scene: Scene) -> None:
    """Point 18: {a, b} under {a, b, c}."""
    scene.enqueue(envelope("A"), envelope("B"))
    zombie = scene.only_call()
    scene.claim(tokens=["x"], void=[zombie.token], now=scene.now)
    scene.settle(settled("ann", "x", Verdict.BUSY, A=Free(delay_ms=0), B=Free(delay_ms=0)))
    scene.enqueue(envelope("C"))
    current = scene.only_call()

    words = scene.accept(zombie)

    assert [e.event_id for e in current.events] == ["A", "B", "C"]
    assert words == ["adopted", "adopted"]
    assert scene.book.fate.keys() == {"A", "B"}
    assert scene.book.lanes == {"ann": ["C"]}
    assert scene.book.calls["ann"].token == current.token
    assert structure_of(scene.book) == []
    assert scene.end(Verdict.BUSY, Free(delay_ms=7), current) == ["gone", "gone", "ok"]
    assert scene.book.due == {"ann": scene.now + 7}


def test_a_zombies_failure_changes_nothing(scene: Scene) -> None:
    """Point 18."""
    scene.enqueue(envelope("A"), envelope("B"))
    zombie = scene.only_call()
    scene.claim(tokens=["x"], void=[zombie.token])
    before = scene.book

    words = scene.end(Verdict.PERMANENT, Dead(reason=Reason.REFUSED), zombie)

    assert words == ["stale", "stale"]
    assert scene.book == before


@pytest.mark.parametrize("way", ["discard", "expunge", "adopt"])
def test_nobody_waits_for_the_backoff_of_an_event_that_is_gone(way: str, scene: Scene) -> None:
    """Points 18, 28 and 38: an event that blocks its lane for an hour is freed at once."""
    scene.enqueue(envelope("A", solo=True), envelope("B"))
    blocked = scene.only_call()
    scene.end(Verdict.REFUSED_FOR_NOW, Retry(delay_ms=HOUR), blocked)
    ways: dict[str, ask.Operation[Any]] = {
        "discard": ask.discard(["A"], waiting=["A"], now=scene.now),
        "expunge": ask.expunge(["A"], now=scene.now),
        "adopt": ask.settle([accepted("ann", "late", "A")], scene.settings, now=scene.now),
    }

    scene.ledger.run(ways[way])

    assert [e.event_id for e in scene.only_call().events] == ["B"]
