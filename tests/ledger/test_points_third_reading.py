"""What a third reading found: a claim later than its own void, keys that came second, a mended ledger."""

from __future__ import annotations

from shipper.ledger import operations as ask
from shipper.ledger.audit import mend_all
from shipper.ledger.keys import key_of
from shipper.outcome import Retry, Verdict
from tests.ledger.builders import COST, HOUR, NOW, born, envelope, settled
from tests.ledger.scene import Scene


def test_a_claim_that_arrives_after_its_own_void_takes_nothing(scene: Scene) -> None:
    scene.enqueue(envelope("E1"))
    lost = scene.tokens(2)
    scene.claim(tokens=["t8"], void=lost)
    scene.accept(scene.claim(tokens=["t8"]).calls[0])
    scene.enqueue(envelope("E2"))

    late = scene.claim(tokens=lost)

    assert late.calls == ()
    assert scene.book.calls == {}
    assert [call.token for call in scene.claim(tokens=["t9"]).calls] == ["t9"]


def test_tokens_given_back_take_no_room_in_the_windows_and_are_forgotten_in_time(scene: Scene) -> None:
    scene.claim(tokens=["t1"], void=[f"v{i}" for i in range(2000)])
    marked = len(scene.redis.zrange(key_of("default", "pace"), 0, -1))
    pace = scene.ledger.run(ask.status(now=scene.now)).sizes["pace_30s"]
    scene.now += 61_000
    scene.claim(tokens=["t2"], void=["v"])

    left = scene.redis.zrange(key_of("default", "pace"), 0, -1)

    assert (marked, pace) == (2000, 0)
    assert left == [b"v"]


def test_a_key_given_with_the_second_enqueue_of_an_id_is_kept(scene: Scene) -> None:
    scene.enqueue(envelope("E1"))

    again = scene.enqueue(envelope("E1", explicit=True, key="K"))
    under_another_id = scene.ledger.run(
        ask.enqueue([envelope("E2", key="K", fp="fp-E1")], scene.settings, now=scene.now)
    )

    assert again == ["dup"]
    assert [(a.word, a.event_id) for a in under_another_id] == [("dup", "E1")]


def test_a_key_that_came_second_is_seen_in_its_own_batch_and_forgotten_in_time(scene: Scene) -> None:
    own = born(NOW)
    words = scene.enqueue(
        envelope(own, explicit=True),
        envelope(own, explicit=True, key="K"),
        envelope("E2", key="K", fp=f"fp-{own}"),
    )
    scene.drain()

    kept = []
    for hours in (1, 167, 1):
        scene.now += hours * HOUR
        scene.ledger.run(ask.forget(scene.settings, now=scene.now))
        kept.append("K" in scene.book.idem)

    assert words == ["ok", "dup", "dup"]
    assert kept == [True, True, False]


def test_a_mend_counts_the_bytes_again(scene: Scene) -> None:
    scene.enqueue(envelope("E1"), envelope("E2", "bob"))
    scene.redis.hset(key_of("default", "n"), "bytes", 7)

    mending = mend_all(scene.ledger)

    assert mending.counters == {"bytes": (7, 2 * COST)}
    assert scene.book.n["bytes"] == 2 * COST


def test_bytes_are_not_counted_while_events_come_and_go(scene: Scene) -> None:
    scene.enqueue(envelope("E1"))
    before = scene.ledger.run(ask.status(now=scene.now)).counters
    scene.enqueue(envelope("E2"))

    rows = scene.ledger.run(ask.recount(held=COST, seen=before, now=scene.now))

    assert rows == []
    assert scene.book.n["bytes"] == 2 * COST


def test_what_a_stranger_to_a_rolled_back_ledger_tells_of_an_event_goes_with_it(scene: Scene) -> None:
    scene.enqueue(envelope("E1"))
    zombie = settled("ann", "t0", Verdict.NOT_SENT, E1=Retry(delay_ms=1), line=b'{"number":1}')

    told = scene.settle(zombie)
    scene.accept(scene.only_call())

    assert told == ["stale"]
    assert (scene.book.why, scene.book.st) == ({}, {})


def test_a_recount_that_lowers_what_was_accepted_is_no_roll_back(scene: Scene) -> None:
    scene.enqueue(envelope("E1"))
    scene.redis.hset(key_of("default", "n"), "accepted", 9)
    seen = scene.sweep().turn
    scene.ledger.run(ask.recount(now=scene.now))

    swept = scene.sweep(seen=seen)

    assert swept.turn == seen
    assert "rolled_back" not in scene.ledger.run(ask.status(now=scene.now)).meta
