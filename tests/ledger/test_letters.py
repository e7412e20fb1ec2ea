"""The indices of dead letters: `dx` is paged by lexicographic range, `groups` is counted."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from shipper.ledger import operations
from shipper.ledger.ledger import Ledger
from shipper.outcome import Dead, Reason, Verdict
from tests.ledger.book import Book, put, read
from tests.ledger.builders import COST, NOW, accepted, dead, in_flight, settings_of, settled, unclear

TWO_NAMES = ("view", "buy")


def settle(*calls: operations.SettledCall, now: int = NOW) -> operations.Operation[list[str]]:
    return operations.settle(calls, settings_of(), now=now)


def refused(lane: str, event_id: str, code: int | None, **said: Any) -> operations.SettledCall:
    died = {event_id: Dead(reason=Reason.REFUSED)}
    return settled(lane, "t1", Verdict.PERMANENT, died, code=code, **said)


def test_a_dead_letter_is_found_by_what_it_died_of_and_whose_it_is(ledger: Ledger, redis: Redis) -> None:
    put(redis, in_flight("ann", "E1", names=TWO_NAMES))

    ledger.run(settle(refused("ann", "E1", 3009, refused="total", kind="inactive")))

    assert read(redis).dead == {"E1": NOW}
    assert read(redis).dx == {
        "rrefused\x001790000000000\x00E1",
        "c3009\x001790000000000\x00E1",
        "ftotal\x001790000000000\x00E1",
        "kinactive\x001790000000000\x00E1",
        "lann\x001790000000000\x00E1",
        "nview\x001790000000000\x00E1",
        "nbuy\x001790000000000\x00E1",
        "grefused 3009 view total\x001790000000000\x00E1",
        "grefused 3009 buy total\x001790000000000\x00E1",
    }
    assert read(redis).groups == {"refused 3009 view total": 1, "refused 3009 buy total": 1}
    assert read(redis).fields == {"total": 1}
    assert read(redis).kinds == {"inactive": 1}
    assert read(redis).people == {
        "refused 3009 view total": 1,
        "refused 3009 view total\0ann": 1,
        "refused 3009 buy total": 1,
        "refused 3009 buy total\0ann": 1,
    }


def test_an_answer_without_a_code_is_found_under_a_dash(ledger: Ledger, redis: Redis) -> None:
    put(redis, in_flight("ann", "E1", names=("view",)))

    ledger.run(settle(refused("ann", "E1", None)))

    assert "c-\x001790000000000\x00E1" in read(redis).dx
    assert read(redis).groups == {"refused - view -": 1}


def test_an_answer_that_names_no_field_is_found_under_a_dash_and_none_at_all_has_no_kind(
    ledger: Ledger, redis: Redis
) -> None:
    put(redis, in_flight("ann", "E1", names=("view",)))

    ledger.run(settle(refused("ann", "E1", None)))

    assert "f-\x001790000000000\x00E1" in read(redis).dx
    assert not [member for member in read(redis).dx if member.startswith("k")]
    assert read(redis).fields == {}
    assert read(redis).kinds == {}


def test_a_page_is_a_range_and_the_next_begins_behind_its_last(ledger: Ledger, redis: Redis) -> None:
    for i in range(5):
        put(redis, dead(f"c{i}", f"E{i}", at=NOW + i))
    put(redis, dead("dan", "E9", reason="refuse", at=NOW))
    key = "{shipper:default}:dx"

    first = redis.zrange(key, "[rrefused\0", "(rrefused\1", bylex=True, offset=0, num=2)
    second = redis.zrange(
        key, b"(rrefused\x001790000000001\x00E1", "(rrefused\1", bylex=True, offset=0, num=2
    )

    assert first == [b"rrefused\x001790000000000\x00E0", b"rrefused\x001790000000001\x00E1"]
    assert second == [b"rrefused\x001790000000002\x00E2", b"rrefused\x001790000000003\x00E3"]


def test_a_group_counts_its_letters_and_goes_with_the_last(ledger: Ledger, redis: Redis) -> None:
    put(redis, in_flight("ann", "E1", names=("view",)) + in_flight("bob", "E2", names=("view",)))
    ledger.run(settle(refused("ann", "E1", 1), refused("bob", "E2", 1)))
    both = read(redis).groups

    ledger.run(operations.discard(["E1"], now=NOW + 1))
    one = read(redis).groups
    ledger.run(operations.discard(["E2"], now=NOW + 2))

    assert both == {"refused 1 view -": 2}
    assert one == {"refused 1 view -": 1}
    assert read(redis).groups == {}
    assert read(redis).dx == frozenset()


def test_a_customer_counts_once_in_a_group_until_the_last_letter_goes(ledger: Ledger, redis: Redis) -> None:
    put(redis, dead("ann", "E1", names=("view",)) + in_flight("ann", "E2", names=("view",)))
    ledger.run(settle(refused("ann", "E2", 3009)))
    put(redis, in_flight("bob", "E3", names=("view",)).but(n={}))
    ledger.run(settle(refused("bob", "E3", 3009)))
    three = read(redis).people

    ledger.run(operations.discard(["E1"], now=NOW + 1))
    two = read(redis).people
    ledger.run(operations.discard(["E2"], now=NOW + 2))

    group = "refused 3009 view -"
    assert three == {group: 2, f"{group}\0ann": 2, f"{group}\0bob": 1}
    assert two == {group: 2, f"{group}\0ann": 1, f"{group}\0bob": 1}
    assert read(redis).people == {group: 1, f"{group}\0bob": 1}


def test_fields_and_kinds_beyond_five_hundred_share_a_dash(ledger: Ledger, redis: Redis) -> None:
    many = {f"x{i}": 1 for i in range(500)}
    put(redis, in_flight("ann", "E1", names=("view",)) + Book(fields=many, kinds=many))

    ledger.run(settle(refused("ann", "E1", 1, refused="total", kind="inactive")))

    assert read(redis).groups == {"refused 1 view -": 1}
    assert read(redis).fields == many
    assert read(redis).kinds == many | {"-": 1}
    assert (read(redis).st["E1"].field, read(redis).st["E1"].kind) == ("", "-")


def test_a_field_that_is_known_already_is_told_however_many_there_are(ledger: Ledger, redis: Redis) -> None:
    many = {f"x{i}": 1 for i in range(500)}
    put(redis, in_flight("ann", "E1", names=("view",)) + Book(fields=many, kinds=many))

    ledger.run(settle(refused("ann", "E1", 1, refused="x7", kind="x8")))

    assert read(redis).groups == {"refused 1 view x7": 1}
    assert read(redis).fields == many | {"x7": 2}
    assert read(redis).kinds == many | {"x8": 2}


@pytest.mark.parametrize("way", ["redrive", "discard", "expunge", "adopt"])
@pytest.mark.parametrize("reason", ["refused", "unclear"])
def test_whoever_takes_a_letter_out_leaves_nothing_in_the_indices(
    reason: str, way: str, ledger: Ledger, redis: Redis
) -> None:
    kept = dead("bob", "E2", refused="coupon", kind="expired", at=NOW + 7)
    make = unclear if reason == "unclear" else dead
    gone = make("ann", "E1", names=TWO_NAMES, refused="total", kind="inactive")
    put(redis, gone + kept)
    ways = {
        "redrive": operations.redrive(["E1"], spread_ms=1, may_duplicate=True, now=NOW + 9),
        "discard": operations.discard(["E1"], now=NOW + 9),
        "expunge": operations.expunge(["E1"], now=NOW + 9),
        "adopt": settle(accepted("ann", "t1", "E1"), now=NOW + 9),
    }

    ledger.run(ways[way])

    assert read(redis).dx == kept.dx
    assert read(redis).groups == kept.groups
    assert read(redis).people == kept.people
    assert read(redis).fields == kept.fields
    assert read(redis).kinds == kept.kinds
    assert read(redis).dead == {"E2": NOW + 7}
    assert read(redis).uncl == {}


def test_a_letter_that_dies_twice_is_in_the_indices_once(ledger: Ledger, redis: Redis) -> None:
    put(redis, dead("ann", "E1", names=("view",)))
    ledger.run(operations.redrive(["E1"], spread_ms=1, may_duplicate=False, now=NOW + 1))
    ledger.run(operations.claim(["t1"], settings_of(), worker="w1", now=NOW + 1))

    ledger.run(settle(refused("ann", "E1", 4000), now=NOW + 2))

    assert read(redis).dead == {"E1": NOW + 2}
    assert read(redis).groups == {"refused 4000 view -": 1}
    assert len(read(redis).dx) == 6
    assert read(redis).n == {
        "accepted": 1,
        "dead": 1,
        "redriven": 1,
        "bytes": COST,
        "calls": 1,
        "events_sent": 1,
    }
