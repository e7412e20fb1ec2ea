"""Points 30 to 40 of the forty: what a second reading found."""

from __future__ import annotations

import pytest

from shipper.ledger import operations as ask
from shipper.ledger.keys import key_of
from shipper.ledger.record import Record
from shipper.outcome import UNCLEAR, Dead, Reason, Retry, Verdict
from tests.ledger.builders import HOUR, NOW, SECOND, envelope, event, settings_of
from tests.ledger.conftest import LedgerOf
from tests.ledger.scene import Scene, structure_of
from tests.support.servers import StartServer


def test_an_event_that_a_corrupt_lane_kept_out_is_accepted_when_it_is_mended(scene: Scene) -> None:
    """Point 30: the first try must not make the second a duplicate of nothing."""
    lane = key_of("default", "bell").replace("bell", "l:ann")
    scene.redis.set(lane, "boom")

    broken = scene.enqueue(envelope("E1", key="K"))
    left = scene.redis.keys("*")
    scene.redis.delete(lane)
    again = scene.enqueue(envelope("E1", key="K"))

    assert broken == ["broken"]
    assert left == [lane.encode()]
    assert again == ["ok"]
    assert scene.book.lanes == {"ann": ["E1"]}


NAMES = ["a,b", "a|b", "a b", "a\u00a0b", "1|x|2", '{"', "\\", "д,|", "a'b\"c"]


@pytest.mark.parametrize("name", NAMES)
def test_separators_in_names_shift_nothing(name: str, scene: Scene) -> None:
    """Point 31."""
    sealed = scene.seal(f"customer|{name}", {name: {"k": name}}, hook="sent", on_unclear="park")

    scene.enqueue(sealed)

    (claimed,) = scene.only_call().events
    assert claimed.record.event == {"customerId": f"customer|{name}", "events": {name: {"k": name}}}
    assert (claimed.record.park, claimed.record.hook, len(claimed.record.names)) == (True, "sent", 1)


def test_names_that_look_like_two_do_not_clash_with_the_two(scene: Scene) -> None:
    """Point 31."""
    scene.enqueue(
        scene.seal("c", {"a,b": {}}), scene.seal("c", {"a": {}, "b": {}}), scene.seal("c", {"a,b": {}})
    )

    runs = [len(scene.only_call().events)]

    assert runs == [2]


@pytest.mark.parametrize("state", ["dead", "unclear"])
def test_the_id_and_key_of_a_dead_letter_outlive_every_retention(state: str, scene: Scene) -> None:
    """Point 32: a re-enqueue and a redrive must not pay twice."""
    scene.enqueue(envelope("E1", key="K"))
    outcome = UNCLEAR if state == "unclear" else Dead(reason=Reason.REFUSED)
    scene.end(Verdict.UNCLEAR, outcome, scene.only_call())

    scene.now += 10_000 * HOUR
    scene.ledger.run(ask.forget(scene.settings, now=scene.now))

    assert scene.enqueue(envelope("E1", key="K")) == ["dup"]
    assert scene.enqueue(envelope("E2", key="K", fp="fp-E1")) == ["dup"]
    scene.ledger.run(ask.redrive(["E1"], spread_ms=1, may_duplicate=True, now=scene.now))
    scene.drain()
    assert scene.enqueue(envelope("E1", key="K")) == ["dup"]


def test_an_ended_id_still_tells_other_content_and_how_it_ended(scene: Scene) -> None:
    """Point 33."""
    scene.enqueue(envelope("E1"))
    scene.end(Verdict.REFUSED_FOR_NOW, Retry(delay_ms=0), scene.only_call())
    scene.now += 5000
    scene.accept(scene.only_call())

    words = scene.enqueue(envelope("E1", explicit=True), envelope("E1", explicit=True, fp="other"))
    (shown,) = scene.ledger.run(ask.show(["E1"], now=scene.now))

    assert words == ["dup", "conflict"]
    assert shown is not None
    assert shown.fate is not None
    assert (shown.fate.attempts, shown.fate.accepted_at, shown.fate.ended_at) == (2, NOW, NOW + 5000)


@pytest.mark.parametrize("on", ["redis7", "valkey9"])
def test_the_backlog_counts_what_redis_pays(
    on: str, private_server: StartServer, ledger_of: LedgerOf
) -> None:
    """Point 34: with seven tenths of maxmemory the broker never starves, and everything goes on."""
    server = private_server(on=on, options={"maxmemory": "6mb"})
    with server.client() as client:
        scene = Scene(ledger=ledger_of(on=server), redis=client)
        scene.ledger.run(ask.forget(scene.settings, now=scene.now))
        words = []

        for i in range(60):
            words += scene.enqueue(*(envelope(f"E{i}-{j}", f"c{i}-{j}") for j in range(100)))

        cap = int(scene.book.meta["most_bytes"])
        assert words == ["ok"] * (cap // 1000) + ["full"] * (6000 - cap // 1000)
        assert scene.book.n["bytes"] == cap // 1000 * 1000
        client.lpush("celery", "x" * 10_000)


def test_a_redis_without_maxmemory_has_no_byte_cap(scene: Scene) -> None:
    """Point 34."""
    scene.ledger.run(ask.forget(scene.settings, now=scene.now))

    assert scene.enqueue(envelope("E1")) == ["ok"]
    assert scene.book.meta["most_bytes"] == "0"


def test_a_pump_whose_ticket_ran_out_on_its_way_ends_at_its_first_claim(scene: Scene) -> None:
    """Point 35: by Redis' clock, whatever the worker's says."""
    scene.many(1)
    scene.sweep(tickets=["p1"], most_pumps=1)
    scene.now += 5 * SECOND

    late = scene.claim(ticket="p1")
    scene.sweep(tickets=["p2"], most_pumps=1)
    scene.now += 4999
    in_time = scene.claim(ticket="p2")

    assert late.word == "retired"
    assert in_time.word == "calls"


def test_a_pump_lives_as_long_as_it_claims(scene: Scene) -> None:
    """Point 35."""
    scene.many(1)
    scene.sweep(tickets=["p1"], most_pumps=1)

    words = []
    for _ in range(5):
        scene.now += 4 * SECOND
        words.append(scene.claim(ticket="p1").word)
    scene.now += 20 * SECOND
    words.append(scene.claim(ticket="p1").word)

    assert words == ["calls", "idle", "idle", "idle", "idle", "retired"]


def test_without_any_pace_a_claim_is_idempotent_all_the_same(scene: Scene) -> None:
    """Point 36."""
    scene.settings = settings_of(pace_per_second=0, pace_per_30_seconds=0)
    scene.many(64)
    tokens = scene.tokens(8)

    scene.claim(tokens=tokens)
    scene.claim(tokens=tokens)

    assert len(scene.book.lease) == 8


def test_an_envelope_of_a_newer_format_waits_for_a_newer_worker(scene: Scene) -> None:
    """Point 37: in quarantine, in its place, counted as waiting, and never looping."""
    scene.enqueue(envelope("E1"), envelope("E2"))
    newer = b"2|ann|a field of the future\0{}"
    scene.redis.hset(key_of("default", "rec"), "E1", newer)

    words = [scene.claim(8).word for _ in range(3)]
    scene.enqueue(envelope("E3"))

    assert words == ["idle", "idle", "idle"]
    assert scene.book.rec["E1"] == newer
    assert scene.book.lanes == {"ann": ["E1", "E2", "E3"]}
    assert scene.book.broken == {"ann"}
    assert scene.book.n["waiting"] == 3
    assert structure_of(scene.book) == []


def test_dead_letters_are_paged_without_a_key_that_a_script_must_compute(scene: Scene) -> None:
    """Point 39."""
    scene.many(30)
    scene.end(Verdict.VAGUE, Dead(reason=Reason.VAGUE), *scene.claim(30).calls)
    key, pages, start = key_of("default", "dx"), [], "[rvague\0"

    while page := scene.ledger.ask("ZRANGE", key, start, "(rvague\1", "BYLEX", "LIMIT", 0, 7):
        pages.append(len(page))
        start = f"({page[-1].decode()}"

    assert pages == [7, 7, 7, 7, 2]


def test_a_redis_that_came_back_with_less_is_on_record(
    private_server: StartServer, ledger_of: LedgerOf
) -> None:
    """Points 11 and 40: restarted without its file, it claims nothing for 30 s and says what happened."""
    server = private_server()
    scene = Scene(ledger=ledger_of(on=server), redis=server.client())
    scene.many(3)
    seen = scene.sweep(hold_ms=30_000).turn
    run_id = scene.redis.hget(key_of("default", "meta"), "run_id")
    server.restart()
    scene.redis.hset(key_of("default", "meta"), "run_id", run_id)  # what a file a second old still knew
    scene.many(2)

    swept = scene.sweep(hold_ms=30_000, seen=seen)

    assert (swept.why, swept.held_until) == ("restarted", NOW + 30_000)
    assert scene.claim(8).word == "paused"
    assert scene.book.meta["rolled_back"] == "1"
    assert scene.book.meta["run_id"] == "here"
    scene.now += 30_000
    assert scene.claim(8).word == "calls"
    scene.redis.close()


def test_the_record_of_an_event_is_never_rewritten(scene: Scene) -> None:
    """Section 3: `rec` is written once; what changes stands beside it."""
    scene.enqueue(envelope("E1", hook="sent"))
    scene.end(Verdict.UNCLEAR, Retry(delay_ms=0), scene.only_call(), line=b"{}")
    scene.end(Verdict.PERMANENT, Dead(reason=Reason.REFUSED), scene.only_call())

    scene.ledger.run(ask.redrive(["E1"], spread_ms=1, may_duplicate=False, now=scene.now))

    record = scene.book.rec["E1"]
    assert isinstance(record, Record)
    assert record == event("E1", hook="sent")
