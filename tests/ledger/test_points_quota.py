"""Points 19 to 29 of the forty: fairness, quota, gate, bell and hooks.

The arrivals of point 20 are in test_pace, every answer of point 22 in test_gate. Point 28 is a limit that is
stated; what frees such a lane is here with point 18.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from shipper.envelope import lane_of
from shipper.ledger import operations as ask
from shipper.ledger.keys import key_of
from shipper.ledger.scripts import load
from shipper.outcome import Dead, Free, Reason, Retry, Verdict
from tests.ledger.builders import HOUR, NOW, SECOND, envelope, settings_of
from tests.ledger.scene import Scene
from tests.ledger.test_scripts import FLAGS


def test_a_redrive_leaves_half_of_the_quota_to_live_events(scene: Scene) -> None:
    """Point 19: a thousand dead letters are sent again, and then somebody buys something."""
    ids = [f"E{i}" for i in range(1000)]
    scene.many(1000)
    unpaced = scene.settings
    scene.settings = settings_of(pace_per_second=0, pace_per_30_seconds=0)
    while calls := scene.claim(100).calls:
        scene.end(Verdict.PERMANENT, Dead(reason=Reason.REFUSED), *calls)
        scene.ledger.run(ask.resume(now=scene.now))
    scene.settings = unpaced
    scene.redis.delete(key_of("default", "pace"))
    scene.ledger.run(ask.redrive(ids, spread_ms=50, may_duplicate=False, now=scene.now))

    scene.now += SECOND
    scene.enqueue(envelope("live", "dan"))
    claimed = scene.claim(100).calls

    assert "dan" in [call.lane for call in claimed]
    assert len(claimed) == 22  # a second's share of the redrive, and the live one
    scene.now += 29 * SECOND
    assert len([due for due in scene.book.due.values() if due <= scene.now]) <= 600


def test_age_alone_kills_nobody(scene: Scene) -> None:
    """Point 19: a weekend's 401 must not kill the queue on Monday."""
    scene.many(3)
    scene.now += 1000 * HOUR

    scene.sweep()
    calls = scene.claim(3).calls
    scene.run_out()

    assert len(calls) == 3
    assert scene.book.dead == {}
    assert scene.book.n["waiting"] == 3


def test_only_a_call_that_was_not_sent_in_time_is_refunded(scene: Scene) -> None:
    """Point 20."""
    scene.settings = settings_of(pace_per_second=2)
    scene.many(4)
    late, refused = scene.claim(2).calls

    scene.end(Verdict.UNSENT, Free(delay_ms=0), late)
    scene.end(Verdict.NOT_SENT, Free(delay_ms=0), refused)

    assert len(scene.claim(4).calls) == 1
    assert scene.claim(4).word == "pace"


def test_a_clock_that_steps_back_blocks_nobody(scene: Scene) -> None:
    """Point 21: by a day, with events in every place."""
    scene.settings = settings_of(pace_per_second=5)
    scene.many(12)
    flying = scene.claim(5).calls
    scene.end(Verdict.REFUSED_FOR_NOW, Retry(delay_ms=HOUR), *flying[:2])
    scene.sweep(worker="w1", tickets=["p1"], most_pumps=1)

    scene.now -= 24 * HOUR
    scene.sweep(worker="w1")
    scene.ledger.run(ask.forget(scene.settings, now=scene.now))
    while scene.now < NOW - 24 * HOUR + HOUR + 120 * SECOND:
        scene.now += 10 * SECOND
        scene.sweep(worker="w1")
        scene.accept(*scene.claim(5).calls)

    assert scene.book.n["delivered"] == 12


def test_only_the_probe_lifts_or_lengthens_a_hold(scene: Scene) -> None:
    """Point 22: fifty calls in flight all answer 401, and one old one 200."""
    scene.many(60)
    calls = scene.claim(50).calls
    scene.end(Verdict.CREDENTIALS, Free(delay_ms=0), *calls[:49])
    held = scene.book.gate
    scene.accept(calls[49])

    still_held = scene.book.gate
    scene.now = int(held["until"])
    probes = scene.claim(50).calls
    meanwhile = scene.claim(50)
    scene.accept(*probes)

    assert held["step"] == "10000"
    assert still_held == held
    assert len(probes) == 1
    assert meanwhile.word == "paused"
    assert scene.book.gate == {}
    assert len(scene.claim(50).calls) > 1


def test_a_probe_whose_event_is_gone_is_still_the_probe(scene: Scene) -> None:
    """Point 22: the probe is the token."""
    scene.many(2)
    scene.end(Verdict.CREDENTIALS, Free(delay_ms=0), scene.claim(1).calls[0])
    scene.now += 10 * SECOND
    (probe,) = scene.claim(2).calls
    scene.ledger.run(ask.expunge([probe.events[0].event_id], now=scene.now))

    scene.accept(probe)

    assert scene.book.gate == {}


def test_the_bell_is_a_latch(scene: Scene) -> None:
    """Point 23."""
    bell = key_of("default", "bell")
    scene.enqueue(envelope("E1"))
    scene.enqueue(envelope("E2"))
    rung = scene.redis.llen(bell)
    scene.redis.lpop(bell)

    scene.enqueue(envelope("E1", explicit=True))
    after_a_duplicate = scene.redis.llen(bell)
    scene.enqueue(envelope("E3"))
    behind_others = scene.redis.llen(bell)
    scene.enqueue(envelope("E4", "bob"))

    assert rung == 1
    assert after_a_duplicate == 0
    assert behind_others == 0
    assert scene.redis.llen(bell) == 1


def test_many_dispatchers_together_start_no_more_pumps_than_are_wanted(scene: Scene) -> None:
    """Point 24."""
    scene.many(96)  # three pumps of 32 calls

    def dispatch(number: int) -> int:
        tickets = [f"d{number}-{i}" for i in range(5)]
        return scene.ledger.run(ask.sweep(scene.settings, tickets=tickets, most_pumps=5, now=NOW)).pumps

    with ThreadPoolExecutor(8) as threads:
        started = sum(threads.map(dispatch, range(24)))

    assert started == 3
    assert len(scene.book.pumps) == 3


def test_a_hook_knows_the_event_until_it_was_told(scene: Scene) -> None:
    """Point 25."""
    sealed = scene.seal("ann", {"write_review": {"stars": 5}}, hook="sent")
    scene.enqueue(replace(sealed, event_id="E1"))
    scene.accept(scene.only_call())

    told = scene.ledger.run(ask.hook_claim("h1", scene.settings, now=scene.now))
    kept = scene.book
    scene.ledger.run(ask.hook_settle("E1:0", "h1", "told", now=scene.now))

    assert told is not None
    assert told[0].record is not None
    assert told[0].record.event == {"customerId": "ann", "events": {"write_review": {"stars": 5}}}
    assert kept.rec == {}
    assert scene.book.hj == {}


@pytest.mark.parametrize("name", FLAGS)
def test_no_script_draws_random_numbers(name: str) -> None:
    """Point 26: Lua's are the same after every restart of Redis."""
    assert "random" not in load(name).text.lower()


def test_no_customer_is_named_outside_of_the_body(scene: Scene) -> None:
    """Point 27."""
    canary = "canary@example.org|,\u00a0 x"
    scene.enqueue(scene.seal(canary, {"canary": {"canary": 1}}, idempotency_key="canary|key", hook="sent"))
    scene.accept(*scene.claim().calls)
    scene.enqueue(scene.seal(canary, {"canary": {}}))
    scene.claim()

    assert not [key for key in scene.redis.keys("*") if b"canary" in key]
    book = scene.book.but(rec={}, hj={})
    assert "canary" not in repr(book)
    assert list(book.lanes) == [lane_of(canary)]
    assert len(lane_of(canary)) == 16


def test_what_a_late_answer_says_of_an_unclear_event_is_kept(scene: Scene) -> None:
    """Point 29."""
    scene.enqueue(envelope("E1", park=True))
    call = scene.only_call()
    scene.run_out()

    word = scene.end(Verdict.PERMANENT, Dead(reason=Reason.REFUSED), call, line=b'{"verdict":"permanent"}')

    assert word == ["stale"]
    assert scene.book.uncl.keys() == {"E1"}
    assert scene.book.why["E1"][-1] == {"verdict": "permanent"}
