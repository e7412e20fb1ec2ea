"""Restore: dead letters taken in whole, as if they had died here, and those that are left."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from shipper.errors import LedgerFullError
from shipper.ledger import operations
from shipper.ledger.audit import audit
from shipper.ledger.deed import Deed, write_deed
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Stored
from shipper.ledger.record import Tried
from tests.ledger.book import Book, put, read, write_record, write_tried
from tests.ledger.builders import COST, NOW, dead, ended, event, unclear, waiting
from tests.ledger.table import Row, table

LATER = NOW + 5000
DEED = Deed(by="ann", did="export", about="all", name="D1")
FIRST = Tried(number=1, charged=1, reason="refused", code=3009)
PARKED = Tried(number=1, charged=1, reason="unclear")


def letter(event_id: str, lane: str = "ann", *, tried: Tried = FIRST, **given: Any) -> Stored:
    """Return a dead letter as another ledger gave it out."""
    return Stored(
        event_id=event_id,
        state="unclear" if tried.reason == "unclear" else "dead",
        ended_at=NOW,
        record=write_record(event(event_id, lane, **given)),
        numbers=write_tried(tried).encode(),
        history=b'{"number":1}',
    )


def restore(*letters: Stored, **given: Any) -> operations.Operation[list[str]]:
    return operations.restore(letters, now=LATER, **given)


CAME_IN = {"at": LATER, "outcome": "imported"}


def taken(book: Book, *ids: str) -> Book:
    """A letter that did not die here, told by a counter and in its history; a file has it."""
    return book.but(
        why={i: [{"number": 1}, CAME_IN] for i in ids},
        n={**book.n, "restored": len(ids)},
        exported=dict.fromkeys(ids, LATER),
    )


ROWS = {
    "a dead letter is one again, with its numbers, history and the time of its death": Row(
        call=restore(letter("E1", hook="sent", key="K1")),
        answer=["ok"],
        after=taken(dead("ann", "E1", hook="sent", key="K1"), "E1"),
    ),
    "an unclear one stays unclear": Row(
        call=restore(letter("E1", tried=PARKED)),
        answer=["ok"],
        after=taken(unclear("ann", "E1", tried=PARKED), "E1"),
    ),
    "several are counted together": Row(
        before=dead("cat", "E3"),
        call=restore(letter("E1"), letter("E2", "bob")),
        answer=["ok", "ok"],
        after=dead("cat", "E3") + taken(dead("ann", "E1") + dead("bob", "E2"), "E1", "E2"),
    ),
    "an id that is here is left, wherever it is": Row(
        before=waiting("ann", "E1") + dead("bob", "E2") + ended("E3"),
        call=restore(letter("E1"), letter("E2"), letter("E3")),
        answer=["known", "known", "known"],
        after=waiting("ann", "E1") + dead("bob", "E2") + ended("E3"),
    ),
    "one that was delivered since a file took it is left, though its id is forgotten": Row(
        before=Book(exported={"E1": -NOW}),
        call=restore(letter("E1"), letter("E2")),
        answer=["known", "ok"],
        after=taken(dead("ann", "E2"), "E2").but(exported={"E1": -NOW, "E2": LATER}),
    ),
    "one that was exported here, and is here no more for another cause, is taken in": Row(
        before=Book(exported={"E1": NOW}),
        call=restore(letter("E1")),
        answer=["ok"],
        after=taken(dead("ann", "E1"), "E1"),
    ),
    "given twice it is taken once": Row(
        call=restore(letter("E1"), letter("E1")),
        answer=["ok", "known"],
        after=taken(dead("ann", "E1"), "E1"),
    ),
    "one whose idempotency key another event has is left": Row(
        before=waiting("bob", "E2", key="K1"),
        call=restore(letter("E1", key="K1")),
        answer=["key"],
        after=waiting("bob", "E2", key="K1"),
    ),
    "where there is no room for it, it is left": Row(
        before=Book(meta={"most_bytes": str(COST)}),
        call=restore(letter("E1"), letter("E2", "bob")),
        answer=["ok", "full"],
        after=taken(dead("ann", "E1"), "E1").but(meta={"most_bytes": str(COST)}),
    ),
    "one that no version can read is a dead letter all the same": Row(
        call=restore(
            Stored(
                event_id="E1",
                state="dead",
                ended_at=NOW,
                record=b"2|ann|newer",
                numbers=b"1 1 0 0 0 0 0 0 unreadable -",
                history=b"",
            )
        ),
        answer=["ok"],
        after=dead("ann", "E1", reason="unreadable", code=None, names=("-",)).but(
            rec={"E1": b"2|ann|newer"},
            why={"E1": [CAME_IN]},
            exported={"E1": LATER},
            n={"accepted": 1, "dead": 1, "restored": 1, "bytes": 11 + 600},
        ),
    ),
}


GIVEN_OUT = {
    "each of them, and the deed": Row(
        before=dead("ann", "E1") + dead("bob", "E2"),
        call=operations.give_out(["E1", "E2"], deed=DEED, now=LATER),
        answer=2,
        after=(dead("ann", "E1") + dead("bob", "E2")).but(
            exported={"E1": LATER, "E2": LATER}, trail=((LATER, write_deed(DEED), 2, ("E1", "E2")),)
        ),
    ),
    "the latest file counts": Row(
        before=dead("ann", "E1").but(exported={"E1": NOW}),
        call=operations.give_out(["E1"], now=LATER),
        answer=0,
        after=dead("ann", "E1").but(exported={"E1": LATER}),
    ),
    "nothing is nothing": Row(call=operations.give_out([], now=LATER), answer=0, after=Book()),
}


@table(ROWS)
def test_restore(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@table(GIVEN_OUT)
def test_what_a_file_takes_is_remembered(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


def test_a_letter_is_taken_in_on_as_many_replicas_as_an_enqueue_waits_for() -> None:
    operation = restore(letter("E1"), replicas=2)

    assert operation.replicas == 2


def test_what_was_taken_in_adds_up_and_can_be_sent_again(ledger: Ledger, redis: Redis) -> None:
    ledger.run(restore(letter("E1", key="K1"), letter("E2", "bob", tried=PARKED)))

    sound = audit(ledger).sound
    words = ledger.run(operations.redrive(["E1"], spread_ms=0, may_duplicate=False, now=LATER))

    assert (sound, words) == (True, ["ok"])
    assert audit(ledger).sound


def test_a_full_redis_refuses_it_as_it_refuses_an_enqueue(ledger: Ledger, redis: Redis) -> None:
    put(redis, dead("bob", "E2"))
    redis.config_set("maxmemory", 1)
    try:
        with pytest.raises(LedgerFullError):
            ledger.run(restore(letter("E1")))
    finally:
        redis.config_set("maxmemory", 0)

    assert read(redis) == dead("bob", "E2")
