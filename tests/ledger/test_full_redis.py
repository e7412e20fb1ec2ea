"""A Redis at its maxmemory takes no new event, and everything else goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError

from shipper.errors import LedgerFullError
from shipper.ledger import operations as ask
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Operation
from shipper.outcome import Dead, Reason, Retry, Verdict
from tests.ledger.book import Book, put, read
from tests.ledger.builders import (
    NOW,
    SECOND,
    accepted,
    dead,
    ended,
    envelope,
    event,
    in_flight,
    job,
    settings_of,
    settled,
    waiting,
)

SETTINGS = settings_of()


@pytest.fixture
def fill(redis: Redis) -> Iterator[Callable[[], None]]:
    """Leave no byte of memory; undone at the end, for the server is shared."""

    def full() -> None:
        # One byte: what is used now may be less in a moment, when a buffer of an earlier test is given back.
        redis.config_set("maxmemory", 1)
        with pytest.raises(OutOfMemoryError):
            redis.set("one", "more")

    yield full
    redis.config_set("maxmemory", 0)


def test_an_enqueue_is_refused_whole_and_leaves_no_key(
    ledger: Ledger, redis: Redis, fill: Callable[[], None]
) -> None:
    put(redis, waiting("ann", "E1"))
    fill()

    with pytest.raises(LedgerFullError):
        ledger.run(ask.enqueue([envelope("E2"), envelope("E3", "bob", key="K")], SETTINGS, now=NOW))

    assert read(redis) == waiting("ann", "E1")


def test_the_retry_of_an_accepted_enqueue_is_answered_truthfully(
    ledger: Ledger, redis: Redis, fill: Callable[[], None]
) -> None:
    lost_reply = ask.enqueue([envelope("E1", key="K")], SETTINGS, now=NOW)
    ledger.run(lost_reply)
    fill()

    with pytest.raises(LedgerFullError):
        ledger.run(lost_reply)

    assert ledger.run(ask.peek(envelope("E1"), now=NOW)) == ("E1", "fp-E1")
    assert ledger.run(ask.peek(envelope("E2", key="K"), now=NOW)) == ("E1", "fp-E1")
    assert ledger.run(ask.peek(envelope("E3"), now=NOW)) is None


GOES_ON: dict[str, tuple[Book, Operation[Any]]] = {
    "claim": (waiting("ann", "E1"), ask.claim(["t1"], SETTINGS, worker="w1", now=NOW)),
    "settle a success": (
        in_flight("ann", "E1", hook="sent"),
        ask.settle([accepted("ann", "t1", "E1")], SETTINGS, now=NOW),
    ),
    "settle a failure": (
        in_flight("ann", "E1"),
        ask.settle(
            [settled("ann", "t1", Verdict.UNCLEAR, line=b'{"number":1}', E1=Retry(delay_ms=5))],
            SETTINGS,
            now=NOW,
        ),
    ),
    "settle a dead letter": (
        in_flight("ann", "E1"),
        ask.settle(
            [settled("ann", "t1", Verdict.PERMANENT, code=1, E1=Dead(reason=Reason.REFUSED))],
            SETTINGS,
            now=NOW,
        ),
    ),
    "sweep": (
        in_flight("ann", "E1"),
        ask.sweep(SETTINGS, tickets=["p1"], most_pumps=1, worker="w1", now=NOW + 30 * SECOND),
    ),
    "forget": (ended("E1", key="K"), ask.forget(SETTINGS, now=NOW + 10**9)),
    "redrive": (
        dead("ann", "E1"),
        ask.redrive(["E1"], spread_ms=50, may_duplicate=False, line=b"{}", now=NOW),
    ),
    "discard": (waiting("ann", "E1", hook="sent"), ask.discard(["E1"], waiting=["E1"], now=NOW)),
    "expunge": (waiting("ann", "E1", key="K"), ask.expunge(["E1"], now=NOW)),
    "pause": (Book(), ask.pause(now=NOW)),
    "resume": (Book(gate={"why": "operator", "until": "9"}), ask.resume(now=NOW)),
    "hook_claim": (
        Book(hooks={"E1:0": NOW}, hj={"E1:0": job("delivered", 1, NOW, event("E1", hook="sent"))}),
        ask.hook_claim("h1", SETTINGS, now=NOW),
    ),
    "hook_settle": (
        Book(
            hooks={"E1:0": NOW},
            hj={"E1:0": job("delivered", 1, NOW, event("E1", hook="sent"))},
            hl={"E1:0": "1 h1"},
        ),
        ask.hook_settle("E1:0", "h1", "failed", error="it raised", now=NOW),
    ),
    "hook_redo": (
        Book(
            hf={"E1:0": NOW},
            hj={"E1:0": job("delivered", 1, NOW, event("E1", hook="sent"))},
            hl={"E1:0": "8 - x"},
        ),
        ask.hook_redo("retry", ["E1:0"], now=NOW),
    ),
    "retire": (waiting("ann", "E1").but(pumps={"p1": NOW + 1}), ask.retire("p1", now=NOW)),
    "mend": (waiting("ann", "E1").but(lanes={}, due={}), ask.mend("ann", ["E1"], now=NOW)),
    "recount": (waiting("ann", "E1").but(n={}), ask.recount(now=NOW)),
}


@pytest.mark.parametrize(("before", "operation"), GOES_ON.values(), ids=GOES_ON.keys())
def test_it_goes_on(
    before: Book, operation: Operation[Any], ledger: Ledger, redis: Redis, fill: Callable[[], None]
) -> None:
    put(redis, before)
    fill()

    ledger.run(operation)

    assert read(redis) != before


READS = {
    "show": ask.show(["E1"], now=NOW),
    "status": ask.status(now=NOW),
    "audit_lanes": ask.audit_lanes(["ann"], now=NOW),
    "audit_events": ask.audit_events(["E1"], now=NOW),
    "audit_letters": ask.audit_letters("letters", ["E1"], now=NOW),
    "letter_lanes": ask.letter_lanes(["E1"], now=NOW),
}


@pytest.mark.parametrize("operation", READS.values(), ids=READS.keys())
def test_it_may_be_looked_at(
    operation: Operation[Any], ledger: Ledger, redis: Redis, fill: Callable[[], None]
) -> None:
    put(redis, waiting("ann", "E1"))
    fill()

    ledger.run(operation)

    assert read(redis) == waiting("ann", "E1")


def test_it_drains_and_then_takes_events_again_without_a_restart(
    ledger: Ledger, redis: Redis, fill: Callable[[], None]
) -> None:
    events = 2000  # they free far more than what a fresh server takes to learn the scripts
    for start in range(0, events, 100):
        batch = [envelope(f"E{i}", f"c{i}") for i in range(start, start + 100)]
        ledger.run(ask.enqueue(batch, SETTINGS, now=NOW))
    redis.config_set("maxmemory", redis.info("memory")["used_memory"])
    now = NOW

    while calls := ledger.run(
        ask.claim([f"t{now}-{i}" for i in range(32)], SETTINGS, worker="w1", now=now)
    ).calls:
        ledger.run(
            ask.settle([accepted(c.lane, c.token, c.events[0].event_id) for c in calls], SETTINGS, now=now)
        )
        now += SECOND

    assert read(redis).n["delivered"] == events
    assert ledger.run(ask.enqueue([envelope("new")], SETTINGS, now=now))[0].word == "ok"
