"""How many commands the hot scripts send to Redis, which is what their time goes by: about 3 µs each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from shipper.ledger import operations as ask
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Operation
from shipper.ledger.scripts import load
from shipper.outcome import Retry, Verdict
from tests.ledger.book import Book, put
from tests.ledger.builders import NOW, accepted, dead, envelope, event, settings_of, settled

ROOMY = settings_of(pace_per_second=0, pace_per_30_seconds=0)


def commands_of(operation: Operation[Any], ledger: Ledger, redis: Redis) -> int:
    """Run one script; return how many commands it sent."""
    redis.script_load(load(operation.script).text)
    redis.config_resetstat()
    ledger.run(operation)
    stats = redis.info("commandstats")
    around = {"cmdstat_evalsha", "cmdstat_config|resetstat", "cmdstat_info"}
    if operation.script in {"sweep", "forget"}:
        around.remove("cmdstat_info")
    return sum(int(found["calls"]) for name, found in stats.items() if name not in around)


def lanes(count: int, events: int, **given: object) -> Book:
    ids = {f"c{i:03}": [f"{i:03}-{j}" for j in range(events)] for i in range(count)}
    return Book(
        rec={i: event(i, lane, **given) for lane, of_lane in ids.items() for i in of_lane},  # type: ignore[arg-type]
        lanes=ids,
        due=dict.fromkeys(ids, NOW),
        n={"accepted": count * events, "waiting": count * events, "bytes": 1000 * count * events},
    )


def claim(count: int) -> Operation[ask.Claim]:
    return ask.claim([f"t{i}" for i in range(count)], ROOMY, worker="w1", now=NOW)


def settle_all(
    ledger: Ledger, count: int, make: Callable[[ask.ClaimedCall], ask.SettledCall]
) -> Operation[list[str]]:
    calls = ledger.run(claim(count)).calls
    return ask.settle([make(call) for call in calls], ROOMY, now=NOW)


def success(call: ask.ClaimedCall) -> ask.SettledCall:
    return accepted(call.lane, call.token, *(e.event_id for e in call.events))


def failure(call: ask.ClaimedCall) -> ask.SettledCall:
    outcomes = {e.event_id: Retry(delay_ms=1000) for e in call.events}
    return settled(call.lane, call.token, Verdict.BUSY, outcomes, line=b'{"number":1}')


# How many lanes, events in each, the most commands allowed. What was measured stands behind.
CLAIMS = {
    "one event in each of 32 lanes": (32, 1, 115),  # 107
    "ten events in each of 64 lanes": (64, 10, 215),  # 203
}
SUCCESSES = {
    "one event in each of 32 calls": (32, 1, 500),  # 485
    "ten events in each of 64 calls": (64, 10, 1000),  # 965
}
FAILURES = {
    "one event in each of 32 calls": (32, 1, 410),  # 391
    "ten events in each of 64 calls": (64, 10, 3800),  # 3655
}


@pytest.mark.parametrize(("count", "events", "most"), CLAIMS.values(), ids=CLAIMS.keys())
def test_claim(count: int, events: int, most: int, ledger: Ledger, redis: Redis) -> None:
    put(redis, lanes(count, events))

    commands = commands_of(claim(count), ledger, redis)

    assert commands <= most


@pytest.mark.parametrize(("count", "events", "most"), SUCCESSES.values(), ids=SUCCESSES.keys())
def test_settle_of_successes(count: int, events: int, most: int, ledger: Ledger, redis: Redis) -> None:
    put(redis, lanes(count, events))
    operation = settle_all(ledger, count, success)

    commands = commands_of(operation, ledger, redis)

    assert commands <= most


@pytest.mark.parametrize(("count", "events", "most"), FAILURES.values(), ids=FAILURES.keys())
def test_settle_of_failures(count: int, events: int, most: int, ledger: Ledger, redis: Redis) -> None:
    put(redis, lanes(count, events))
    operation = settle_all(ledger, count, failure)

    commands = commands_of(operation, ledger, redis)

    assert commands <= most


def test_enqueue_of_one_event_and_of_a_hundred(ledger: Ledger, redis: Redis) -> None:
    one = ask.enqueue([envelope("E")], ROOMY, now=NOW)
    hundred = ask.enqueue([envelope(f"E{i}", f"c{i}") for i in range(100)], ROOMY, now=NOW)

    assert commands_of(one, ledger, redis) <= 12  # 11
    assert commands_of(hundred, ledger, redis) <= 220  # 209


@pytest.mark.parametrize("backlog", [10, 2000])
def test_a_sweep_of_an_account_where_nothing_expired_looks_at_nothing_that_waits(
    backlog: int, ledger: Ledger, redis: Redis
) -> None:
    put(redis, lanes(backlog, 1).but(meta={"sampled": str(NOW)}))
    sweep = ask.sweep(ROOMY, tickets=["p1"], most_pumps=1, worker="w1", now=NOW)

    commands = commands_of(sweep, ledger, redis)

    assert commands <= 29  # 27


def test_a_sweep_that_writes_a_sample_sends_seven_commands_more(ledger: Ledger, redis: Redis) -> None:
    sweeps = [ask.sweep(ROOMY, worker="w1", now=NOW + ms) for ms in (0, 1000, 10_000)]
    ledger.run(sweeps[0])

    commands = [commands_of(sweep, ledger, redis) for sweep in sweeps[1:]]

    assert commands[1] - commands[0] == 7


def test_redrive_of_twenty_dead_letters(ledger: Ledger, redis: Redis) -> None:
    book = Book()
    for i in range(20):
        book += dead(f"c{i}", f"E{i}")
    put(redis, book)
    redrive = ask.redrive([f"E{i}" for i in range(20)], spread_ms=50, may_duplicate=False, now=NOW)

    commands = commands_of(redrive, ledger, redis)

    assert commands <= 400  # 388
