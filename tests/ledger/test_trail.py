from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from redis import Redis

from shipper.errors import LedgerUnavailableError
from shipper.ledger import operations
from shipper.ledger.deed import Deed
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Operation
from shipper.ledger.trail import Entry, entries, runs
from tests.ledger.book import Book, put, read
from tests.ledger.builders import HOUR, NOW, dead, ended, event, job, settings_of, unclear
from tests.ledger.conftest import LedgerOf
from tests.ledger.table import Row, table
from tests.support.servers import RedisServer

DEED = Deed(by="mona", did="redrive", about="reason=refused", name="D1")
SAID = '{"id":"D1","by":"mona","did":"redrive","about":"reason=refused"}'
DAY = 24 * HOUR
FAILED = Book(
    hf={"E1:0": NOW}, hj={"E1:0": job("delivered", 1, NOW, event("E1", hook="sent"))}, hl={"E1:0": "8 - no"}
)

ROWS = {
    "what was done is told with its ids, and what was left is not": Row(
        before=Book(),
        call=operations.note(DEED, count=2, ids=["E1", "E2"], now=NOW),
        answer=1,
        after=Book(trail=((NOW, SAID, 2, ("E1", "E2")),)),
    ),
    "a deed may be about no event": Row(
        before=Book(trail=((NOW, SAID, 1, ("E1",)),)),
        call=operations.note(DEED, now=NOW + 1),
        answer=2,
        after=Book(trail=((NOW, SAID, 1, ("E1",)), (NOW + 1, SAID, 0, ()))),
    ),
    "a clock set back hides no entry": Row(
        before=Book(trail=((NOW + DAY, SAID, 1, ("E1",)),)),
        call=operations.note(DEED, count=1, ids=["E2"], now=NOW),
        answer=2,
        after=Book(trail=((NOW + DAY, SAID, 1, ("E1",)), (NOW, SAID, 1, ("E2",)))),
    ),
}


@table(ROWS)
def test_note(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


DEEDS: dict[str, tuple[Book, Operation[Any], tuple[int, tuple[str, ...]]]] = {
    "redrive": (
        dead("ann", "E1") + unclear("bob", "E2"),
        operations.redrive(["E1", "E2"], spread_ms=1, may_duplicate=False, deed=DEED, now=NOW),
        (1, ("E1",)),
    ),
    "discard": (dead("ann", "E1"), operations.discard(["E1", "E9"], deed=DEED, now=NOW), (1, ("E1",))),
    "expunge": (dead("ann", "E1"), operations.expunge(["E1", "E9"], deed=DEED, now=NOW), (1, ("E1",))),
    "pause": (Book(), operations.pause(deed=DEED, now=NOW), (0, ())),
    "resume": (Book(), operations.resume(deed=DEED, now=NOW), (0, ())),
    "retry_hooks": (
        FAILED,
        operations.hook_redo("retry", ["E1:0", "E9:0"], deed=DEED, now=NOW),
        (1, ("E1:0",)),
    ),
    "discard_hooks": (FAILED, operations.hook_redo("discard", ["E1:0"], deed=DEED, now=NOW), (1, ("E1:0",))),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_whoever_changes_the_ledger_is_told_by_the_same_script(
    deed: str, ledger: Ledger, redis: Redis
) -> None:
    before, call, (count, ids) = DEEDS[deed]
    put(redis, before)

    ledger.run(call)

    assert read(redis).trail == ((NOW, SAID, count, ids),)


@pytest.mark.parametrize("deed", DEEDS)
def test_nothing_is_done_where_the_log_cannot_be_written(deed: str, ledger: Ledger, redis: Redis) -> None:
    before, call, _ = DEEDS[deed]
    put(redis, before.but(forged={"trail": b"boom"}))

    with pytest.raises(LedgerUnavailableError):
        ledger.run(call)

    assert read(redis) == before.but(forged={"trail": b"boom"})


@pytest.mark.parametrize(
    "call",
    [
        operations.redrive(["E1"], spread_ms=1, may_duplicate=False, deed=DEED, now=NOW),
        operations.discard(["E1"], deed=DEED, now=NOW),
        operations.expunge(["E1"], deed=DEED, now=NOW),
        operations.hook_redo("retry", ["E1:0"], deed=DEED, now=NOW),
    ],
    ids=["redrive", "discard", "expunge", "retry_hooks"],
)
def test_who_changed_nothing_has_done_nothing(call: Operation[Any], ledger: Ledger, redis: Redis) -> None:
    put(redis, ended("E1"))

    ledger.run(call)

    assert read(redis).trail == ()


def test_the_log_is_kept_for_its_days_and_no_longer(ledger: Ledger, redis: Redis) -> None:
    put(redis, Book(trail=((NOW, SAID, 1, ("E1",)), (NOW + DAY, SAID, 1, ("E2",)))))

    ledger.run(operations.forget(settings_of(trail_days=3), now=NOW + 3 * DAY))
    kept = read(redis).trail
    ledger.run(operations.forget(settings_of(trail_days=3), now=NOW + 3 * DAY + 1))

    assert [ids for *_, ids in kept] == [("E1",), ("E2",)]
    assert [ids for *_, ids in read(redis).trail] == [("E2",)]


def test_the_log_is_read_newest_first_from_a_place_on(ledger: Ledger, redis: Redis) -> None:
    put(redis, Book(trail=tuple((NOW + i, SAID, 1, (f"E{i}",)) for i in range(450))))

    everything = list(entries(ledger))
    rest = list(entries(ledger, beyond=everything[399].place, since=NOW + 10))

    assert [entry.ids[0] for entry in everything] == [f"E{i}" for i in range(449, -1, -1)]
    assert [entry.ids[0] for entry in rest] == [f"E{i}" for i in range(49, 9, -1)]
    assert (everything[0].at, everything[0].deed, everything[0].count) == (NOW + 449, DEED, 1)


OTHER = Deed(by="omar", did="pause", name="D2")
PLACES = [f"{NOW + i}-0" for i in range(9)]


def done(ledger: Ledger, *deeds: Deed, ids: int = 2) -> None:
    for i, deed in enumerate(deeds):
        some = [f"E{i}.{j}" for j in range(ids)]
        ledger.run(operations.note(deed, count=ids, ids=some, now=NOW + i))


def told(found: Iterable[Entry]) -> list[tuple[str, int, str]]:
    return [(entry.deed.name, entry.count, entry.place) for entry in found]


def test_what_follows_each_other_of_a_deed_says_where_it_began_and_how_many_it_tells_of(
    ledger: Ledger,
) -> None:
    done(ledger, DEED, DEED, OTHER, DEED, DEED, DEED)

    found = [(entry.first, entry.total) for entry in entries(ledger)]

    assert found == [
        (PLACES[3], 6),
        (PLACES[3], 4),
        (PLACES[3], 2),
        (PLACES[2], 2),
        (PLACES[0], 4),
        (PLACES[0], 2),
    ]


def test_what_follows_each_other_of_a_deed_is_told_as_one(ledger: Ledger) -> None:
    done(ledger, DEED, DEED, OTHER, DEED, DEED, DEED)

    newest, *rest = runs(ledger)

    assert told([newest, *rest]) == [("D1", 6, PLACES[3]), ("D2", 2, PLACES[2]), ("D1", 4, PLACES[0])]
    assert (newest.at, newest.ids) == (NOW + 5, ("E5.0", "E5.1", "E4.0", "E4.1", "E3.0", "E3.1"))


@pytest.mark.parametrize(
    ("cut", "left"),
    [
        ({"beyond": PLACES[5]}, [("D1", 4, PLACES[3]), ("D2", 2, PLACES[2]), ("D1", 4, PLACES[0])]),
        ({"beyond": PLACES[3]}, [("D2", 2, PLACES[2]), ("D1", 4, PLACES[0])]),
        ({"since": NOW + 4}, [("D1", 4, PLACES[3])]),
        ({"since": NOW + 1}, [("D1", 6, PLACES[3]), ("D2", 2, PLACES[2]), ("D1", 2, PLACES[0])]),
        ({"since": NOW + 4, "beyond": PLACES[5]}, [("D1", 2, PLACES[3])]),
    ],
    ids=["amid", "behind", "since amid", "since amid an older one", "between"],
)
def test_of_a_deed_that_is_cut_only_what_was_asked_for_is_counted(
    cut: dict[str, Any], left: list[tuple[str, int, str]], ledger: Ledger
) -> None:
    done(ledger, DEED, DEED, OTHER, DEED, DEED, DEED)

    assert told(runs(ledger, **cut)) == left


def test_a_large_deed_is_told_without_reading_all_of_it(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(ledger, OTHER, *[DEED] * 500, OTHER, ids=50)
    ask, read = ledger.ask, list[Any]()

    def counting(*words: Any) -> Any:
        read.extend(answer := ask(*words))
        return answer

    monkeypatch.setattr(ledger, "ask", counting)
    found = list(runs(ledger))

    assert [(entry.deed.name, entry.count, len(entry.ids)) for entry in found] == [
        ("D2", 50, 50),
        ("D1", 25_000, 100),
        ("D2", 50, 50),
    ]
    assert len(read) < 20


def test_what_an_older_version_wrote_is_told_entry_by_entry_and_gone_on_with(
    ledger: Ledger, redis: Redis
) -> None:
    put(redis, Book(trail=((NOW, SAID, 2, ("E1", "E2")), (NOW + 1, SAID, 3, ("E3",)))))
    ledger.run(operations.note(DEED, count=1, ids=["E4"], now=NOW + 2))

    assert told(runs(ledger)) == [("D1", 4, PLACES[1]), ("D1", 2, PLACES[0])]


def test_who_may_not_look_at_the_log_by_the_rules_of_an_older_version_writes_it_all_the_same(
    server: RedisServer, ledger_of: LedgerOf, redis: Redis
) -> None:
    redis.execute_command("ACL", "SETUSER", "default", "-xrevrange")
    try:
        done(ledger_of(on=server), DEED, DEED)
    finally:
        redis.execute_command("ACL", "SETUSER", "default", "+xrevrange")

    assert [(entry.count, entry.first) for entry in entries(ledger_of(on=server))] == [
        (2, PLACES[1]),
        (2, PLACES[0]),
    ]


@pytest.mark.parametrize("first", ["boom", f"{NOW + 9}-0", f"{NOW}-1", ""])
def test_who_says_by_hand_that_a_deed_began_later_leads_nobody_round(
    first: str, ledger: Ledger, redis: Redis
) -> None:
    place = "{shipper:default}:trail"
    redis.xadd(place, {"deed": SAID, "count": "1", "first": first, "total": "77"}, id=PLACES[0])

    assert told(runs(ledger)) == [("D1", 1, PLACES[0])]


def test_what_somebody_put_there_by_hand_is_shown_as_far_as_it_can_be(ledger: Ledger, redis: Redis) -> None:
    redis.xadd("{shipper:default}:trail", {"deed": "[]", "count": "many"}, id="5-1")
    redis.xadd("{shipper:default}:trail", {"deed": json.dumps({"by": "ann"})}, id="6-1")

    found = list(entries(ledger))

    assert [(entry.at, entry.deed.by, entry.deed.did, entry.count) for entry in found] == [
        (6, "ann", "?", 0),
        (5, "?", "?", 0),
    ]
