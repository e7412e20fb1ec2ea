"""The place of a lane with more to send: by the age of its next event, a step further with each call."""

from __future__ import annotations

from typing import Any

from redis import Redis

from shipper.ledger import operations
from shipper.ledger.ledger import Ledger
from shipper.ledger.record import CallOnRecord, Tried
from shipper.outcome import Retry, Verdict
from tests.ledger.book import Book, put, read
from tests.ledger.builders import NOW, SECOND, accepted, envelope, in_flight, settings_of, settled, waiting
from tests.ledger.scene import Scene
from tests.ledger.table import Row, table

HOUR_AGO = NOW - 3600 * SECOND
LONG_AGO = NOW - 60 * SECOND
JUST_NOW = NOW - SECOND


def claimed(due_since: int | None) -> dict[str, CallOnRecord]:
    return {
        "ann": CallOnRecord(token="t1", claimed_at=NOW, worker="w1", numbers={"E1": 1}, due_since=due_since)
    }


def under_way(*behind: str, at: int, due_since: int | None) -> Book:
    return in_flight("ann", "E1", behind=behind, at=at).but(calls=claimed(due_since))


def claim() -> operations.Operation[Any]:
    return operations.claim(["t1"], settings_of(), worker="w1", now=NOW)


def settle() -> operations.Operation[Any]:
    return operations.settle([accepted("ann", "t1", "E1")], settings_of(), now=NOW)


CLAIMS = {
    "a lane that was due for a minute keeps since when": Row(
        before=waiting("ann", "E1", due=LONG_AGO),
        call=claim(),
        answer=None,
        after=Book(calls=claimed(LONG_AGO)),
    ),
    "a lane that was due for a step has no place to keep": Row(
        before=waiting("ann", "E1", due=JUST_NOW), call=claim(), answer=None, after=Book(calls=claimed(None))
    ),
}

SETTLES = {
    "it is due since its next event was accepted": Row(
        before=under_way("E2", at=LONG_AGO, due_since=HOUR_AGO),
        call=settle(),
        answer=["ok"],
        after=Book(due={"ann": LONG_AGO}),
    ),
    "a call costs it a step, so that who has thousands falls behind": Row(
        before=under_way("E2", at=HOUR_AGO, due_since=LONG_AGO),
        call=settle(),
        answer=["ok"],
        after=Book(due={"ann": LONG_AGO + SECOND}),
    ),
    "without a place it goes to the end": Row(
        before=under_way("E2", at=HOUR_AGO, due_since=None),
        call=settle(),
        answer=["ok"],
        after=Book(due={"ann": NOW}),
    ),
    "it is never due later than now": Row(
        before=under_way("E2", at=HOUR_AGO, due_since=NOW - SECOND // 2),
        call=settle(),
        answer=["ok"],
        after=Book(due={"ann": NOW}),
    ),
    "an event that was tried or redriven waits its turn": Row(
        before=under_way("E2", at=HOUR_AGO, due_since=LONG_AGO).but(st={"E2": Tried(life=1)}),
        call=settle(),
        answer=["ok"],
        after=Book(due={"ann": NOW}),
    ),
    "a retry waits its time, however old it is": Row(
        before=under_way("E2", at=HOUR_AGO, due_since=LONG_AGO),
        call=operations.settle(
            [settled("ann", "t1", Verdict.REFUSED_FOR_NOW, E1=Retry(delay_ms=700))], settings_of(), now=NOW
        ),
        answer=["ok"],
        after=Book(due={"ann": NOW + 700}),
    ),
}


@table(CLAIMS)
def test_a_claim_notes_the_place_of_a_lane(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    ledger.run(row.call)

    assert read(redis).calls == row.after.calls


@table(SETTLES)
def test_a_lane_with_more_to_send_is_due_again(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis).due == row.after.due


def test_the_oldest_event_goes_first_whoever_has_more(scene: Scene) -> None:
    """Ann's second event is older than Bob's first: she has two calls before his."""
    scene.enqueue(envelope("E1", "ann", names=("view",)), envelope("E2", "ann", names=("view",)))
    scene.now += 60 * SECOND
    scene.enqueue(envelope("E3", "bob"))
    scene.now += 60 * SECOND
    order = []

    for _ in range(3):
        (call,) = scene.claim(1).calls
        order += [event.event_id for event in call.events]
        scene.accept(call)

    assert order == ["E1", "E2", "E3"]


def test_a_customer_of_thousands_holds_nobody_up_for_long(scene: Scene) -> None:
    """A minute is sixty steps: so many calls has Ann before the event that came a minute after hers."""
    scene.enqueue(*(envelope(f"A{i}", "ann", names=("view",)) for i in range(100)))
    scene.now += 60 * SECOND
    scene.enqueue(envelope("B", "bob"))
    scene.now += 60 * SECOND
    lanes = []

    while "bob" not in lanes:
        (call,) = scene.claim(1).calls
        lanes.append(call.lane)
        scene.accept(call)

    assert len(lanes) - 1 in {60, 61}
