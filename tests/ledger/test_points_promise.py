"""The first of the forty points of the protocol's trial: promises lost, stuck lanes, mass damage.

The number of each point stands in a docstring. What one script does about it is in that script's table;
here it is played out. Points 3 and 4 are in test_full_redis.
"""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from shipper.ledger import operations as ask
from shipper.ledger.keys import key_of
from shipper.ledger.record import Tried
from shipper.outcome import Dead, Free, Reason, Verdict
from tests.ledger.book import put
from tests.ledger.builders import (
    HOUR,
    NOW,
    SECOND,
    born,
    envelope,
    in_flight,
    settled,
    waiting,
)
from tests.ledger.scene import Scene, structure_of
from tests.ledger.tour import walk


def test_lost_claim_replies_never_charge(scene: Scene) -> None:
    """Point 1."""
    ids = scene.many(64)
    lost: list[str] = []

    for _ in range(5):
        tokens = scene.tokens(64)
        scene.claim(tokens=tokens, void=lost)  # the reply never arrives
        lost = tokens
        scene.now += 31 * SECOND
    scene.claim(tokens=["none"], void=lost)

    assert [scene.book.st[i] for i in ids] == [Tried(number=5)] * 64
    assert "crashed" not in scene.book.n
    assert structure_of(scene.book) == []


def test_three_crashes_count_only_in_a_row(scene: Scene) -> None:
    """Point 1."""
    scene.many(1)

    for _ in range(4):
        for _ in range(2):
            assert scene.claim().calls
            scene.run_out()
        scene.end(Verdict.BUSY, Free(delay_ms=0), scene.only_call())

    assert scene.book.st["E0"] == Tried(number=12, charged=8, causes=8)
    assert scene.book.dead == {}


def test_a_claim_that_the_library_resent_takes_nothing_more(scene: Scene) -> None:
    """Point 2."""
    scene.many(64)
    tokens = scene.tokens(8)

    first = scene.claim(tokens=tokens)
    again = scene.claim(tokens=tokens)

    assert sorted(again.calls, key=_token) == sorted(first.calls, key=_token)
    assert len(scene.book.lease) == 8
    assert len(scene.book.pace) == 8


def _token(call: ask.ClaimedCall) -> str:
    return call.token


@pytest.mark.parametrize(
    "operation", ["enqueue", "settle", "redrive", "discard", "expunge", "pause", "forget"]
)
def test_a_transition_that_was_resent_changes_nothing_more(operation: str, scene: Scene) -> None:
    """Point 2."""
    put(
        scene.redis,
        waiting("ann", "E1", key="K") + in_flight("bob", "E2") + in_flight("cat", "E3", token="t2"),
    )
    scene.settle(settled("cat", "t2", Verdict.PERMANENT, E3=Dead(reason=Reason.REFUSED)))
    resent: dict[str, ask.Operation[Any]] = {
        "enqueue": ask.enqueue([envelope("E9", key="K9")], scene.settings, now=NOW),
        "settle": ask.settle(
            [settled("bob", "t1", Verdict.BUSY, E2=Free(delay_ms=5))], scene.settings, now=NOW
        ),
        "redrive": ask.redrive(["E3"], spread_ms=50, may_duplicate=False, now=NOW),
        "discard": ask.discard(["E1"], waiting=["E1"], now=NOW),
        "expunge": ask.expunge(["E1", "E2", "E3"], now=NOW),
        "pause": ask.pause(now=NOW),
        "forget": ask.forget(scene.settings, now=NOW),
    }
    scene.ledger.run(resent[operation])
    once = scene.book

    scene.ledger.run(resent[operation])

    assert scene.book == once


FORGERIES = ["set", "hset", "sadd", "zadd"]


def forge(redis: Redis, key: str, kind: str) -> None:
    given: dict[str, tuple[Any, ...]] = {
        "set": ("x",),
        "hset": ("x", "y"),
        "sadd": ("x",),
        "zadd": ({"x": 1},),
    }
    redis.delete(key)
    getattr(redis, kind)(key, *given[kind])


@pytest.mark.parametrize("kind", FORGERIES)
def test_one_corrupt_lane_does_not_block_the_account(kind: str, scene: Scene) -> None:
    """Point 5."""
    scene.many(3)
    forge(scene.redis, key_of("default", "bell").replace("bell", "l:c0"), kind)

    scene.drain()

    assert scene.redis.smembers(key_of("default", "broken")) == {b"c0"}
    assert scene.redis.hget(key_of("default", "n"), "delivered") == b"2"
    assert scene.redis.hget(key_of("default", "n"), "waiting") == b"1"


@pytest.mark.parametrize("kind", FORGERIES)
def test_a_bell_of_any_type_fails_no_script(kind: str, scene: Scene) -> None:
    """Points 5 and 23."""
    forge(scene.redis, key_of("default", "bell"), kind)

    assert scene.enqueue(envelope("E1"), envelope("E2", "bob")) == ["ok", "ok"]
    ann, bob = scene.claim(2).calls
    assert scene.end(Verdict.BUSY, Free(delay_ms=0), ann) == ["ok"]
    assert scene.end(Verdict.PERMANENT, Dead(reason=Reason.REFUSED), bob) == ["ok"]
    redriven = scene.ledger.run(ask.redrive(["E2"], spread_ms=1, may_duplicate=False, now=scene.now))
    assert redriven == ["ok"]
    assert scene.ledger.run(ask.discard(["E1"], waiting=["E1"], now=scene.now)) == ["ok"]
    assert scene.ledger.run(ask.expunge(["E2"], now=scene.now)) == ["waiting"]
    assert scene.ledger.run(ask.resume(now=scene.now)) is None


def test_a_key_outlives_a_pause_of_any_length(scene: Scene) -> None:
    """Point 6 (a): retention begins at the end of the event."""
    scene.enqueue(envelope("E1", key="K"))
    scene.ledger.run(ask.pause(now=scene.now))

    scene.now += 365 * 24 * HOUR
    scene.ledger.run(ask.forget(scene.settings, now=scene.now))

    assert scene.enqueue(envelope("E2", key="K", fp="fp-E1")) == ["dup"]
    assert scene.enqueue(envelope("E1", key="K")) == ["dup"]


def test_a_key_that_came_only_with_a_repeat_outlives_its_event(scene: Scene) -> None:
    """Point 6 (a): seven days from the end of the event, however long that had waited."""
    event_id = born(NOW)
    scene.enqueue(envelope(event_id, explicit=True))
    scene.enqueue(envelope(event_id, explicit=True, key="K"))
    words = []

    for hours in (169, 1, 167):
        scene.now += hours * HOUR
        scene.ledger.run(ask.forget(scene.settings, now=scene.now))
        words += scene.enqueue(envelope("E2", key="K", fp=f"fp-{event_id}"))
        scene.accept(*scene.claim(1).calls)

    assert words == ["dup", "dup", "dup"]


def test_the_late_retry_of_an_enqueue_is_not_accepted_after_an_expunge(scene: Scene) -> None:
    """Point 6 (b)."""
    scene.enqueue(envelope("E1", key="K"))

    scene.ledger.run(ask.expunge(["E1"], now=scene.now))

    assert scene.enqueue(envelope("E1", key="K")) == ["dup"]
    assert scene.enqueue(envelope("E2", key="K", fp="fp-E1")) == ["dup"]
    assert scene.book.lanes == {}


@pytest.mark.parametrize("ahead_ms", [0, 1, 200 * SECOND, 300 * SECOND])
def test_an_id_that_was_forgotten_is_never_accepted_again(ahead_ms: int, scene: Scene) -> None:
    """Point 6 (c): from a clock that was ahead, too."""
    event_id = born(NOW + ahead_ms)
    scene.enqueue(envelope(event_id, explicit=True))
    scene.accept(scene.only_call())
    words = set()

    for minutes in range(350, 380):
        scene.now = NOW + minutes * 60 * SECOND
        scene.ledger.run(ask.forget(scene.settings, now=scene.now))
        words.update(scene.enqueue(envelope(event_id, explicit=True)))

    assert words == {"dup", "stale"}


def test_nothing_expires_by_itself(scene: Scene) -> None:
    """Point 6 (d): what Redis dropped by a TTL, no audit could prove."""
    walk(scene.ledger, scene.redis)

    assert {scene.redis.pttl(key) for key in scene.redis.keys("*")} == {-1}


def test_an_outage_of_redis_is_not_the_death_of_every_worker(scene: Scene) -> None:
    """Point 7: a sweep comes first after 40 s, then the living workers settle."""
    scene.many(40, park=True, hook="sent")
    calls = scene.claim(40).calls
    scene.sweep()

    scene.now += 40 * SECOND
    swept = scene.sweep()
    words = scene.accept(*calls)

    assert swept.expired == 0
    assert words == ["ok"] * 40
    assert scene.book.n["delivered"] == 40
    assert sorted(scene.book.hooks) == sorted(f"E{i}:0" for i in range(40))
    assert "causes" not in scene.book.n


@pytest.mark.parametrize("back_ms", [29_900, 30_100])
def test_a_lease_may_end_shortly_before_or_after_redis_is_back(back_ms: int, scene: Scene) -> None:
    """Point 7: what the outage had begun, the second sweep after it does not end."""
    scene.many(1, hook="sent")
    calls = scene.claim(1).calls
    scene.sweep()

    scene.now += back_ms
    swept = [scene.sweep()]
    scene.now += SECOND
    swept.append(scene.sweep())
    scene.now += 2 * SECOND
    again = scene.claim(1).calls
    words = scene.accept(*calls)

    assert [each.expired for each in swept] == [0, 0]
    assert again == ()
    assert words == ["ok"]


def test_after_the_grace_the_dead_are_noticed(scene: Scene) -> None:
    """Point 7."""
    scene.many(2, park=True)
    scene.claim(2)
    scene.sweep()
    scene.now += 40 * SECOND
    scene.sweep()

    for _ in range(9):
        scene.now += SECOND
        scene.sweep()

    assert scene.book.n["unclear"] == 2


def test_every_script_leaves_the_structure_sound(scene: Scene) -> None:
    """Points 8, 12 and 37."""
    walk(scene.ledger, scene.redis)

    assert structure_of(scene.book) == []
