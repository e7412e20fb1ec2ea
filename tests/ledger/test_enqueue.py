from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from shipper.envelope import Envelope
from shipper.ledger import operations
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Admission
from shipper.settings import Settings
from tests.ledger.book import Book, put, read
from tests.ledger.builders import (
    COST,
    HOUR,
    NOW,
    SECOND,
    born,
    dead,
    ended,
    envelope,
    event,
    in_flight,
    settings_of,
    waiting,
)
from tests.ledger.table import Row, table

ROOMY = settings_of()
RETENTION = 6 * HOUR
OLDEST = born(NOW - RETENTION)
TOO_OLD = born(NOW - RETENTION - 1)
NEWEST = born(NOW + 300 * SECOND)
TOO_NEW = born(NOW + 300 * SECOND + 1)
RUNG = ("1",)


def enqueue(
    *envelopes: Envelope, settings: Settings = ROOMY, atomic: bool = False
) -> operations.Operation[list[Admission]]:
    return operations.enqueue(envelopes, settings, atomic=atomic, now=NOW)


def again(event_id: str, **given: Any) -> Envelope:
    """Return what a caller sends who gives an id, perhaps of an earlier event."""
    return envelope(event_id, explicit=True, **given)


def only(word: str, event_id: str) -> list[Admission]:
    return [Admission(word, event_id)]  # type: ignore[arg-type]


ACCEPTED = {
    "an event waits in its lane, due at once, and the bell rings": Row(
        call=enqueue(envelope("E1")),
        answer=only("ok", "E1"),
        after=Book(
            rec={"E1": event("E1")},
            lanes={"ann": ["E1"]},
            due={"ann": NOW},
            bell=RUNG,
            n={"accepted": 1, "waiting": 1, "bytes": 1000},
        ),
    ),
    "its idempotency key is kept with its id and fingerprint": Row(
        call=enqueue(envelope("E1", key="K")),
        answer=only("ok", "E1"),
        after=(waiting("ann", "E1", key="K")).but(idem={"K": "E1 fp-E1"}, bell=RUNG),
    ),
    "policy, hook and solo are stored as they came": Row(
        call=enqueue(envelope("E1", park=True, solo=True, hook="review_sent")),
        answer=only("ok", "E1"),
        after=waiting("ann", "E1", park=True, solo=True, hook="review_sent").but(bell=RUNG),
    ),
    "a bell that was rung already is not rung twice": Row(
        before=Book(bell=RUNG),
        call=enqueue(envelope("E1")),
        answer=only("ok", "E1"),
        after=waiting("ann", "E1").but(bell=RUNG),
    ),
    "the lane's backoff is kept: the new event waits behind": Row(
        before=waiting("ann", "E1", due=NOW + 7000),
        call=enqueue(envelope("E2")),
        answer=only("ok", "E2"),
        after=waiting("ann", "E1", "E2", due=NOW + 7000),
    ),
    "a leased lane takes it without being due": Row(
        before=in_flight("ann", "E1"),
        call=enqueue(envelope("E2")),
        answer=only("ok", "E2"),
        after=in_flight("ann", "E1", behind=("E2",)),
    ),
    "a quarantined lane takes it without being due": Row(
        before=waiting("ann", "E1").but(due={}, broken=frozenset({"ann"})),
        call=enqueue(envelope("E2")),
        answer=only("ok", "E2"),
        after=waiting("ann", "E1", "E2").but(due={}, broken=frozenset({"ann"})),
    ),
    "several of one customer keep their order, others have lanes of their own": Row(
        call=enqueue(envelope("E1"), envelope("E2", "bob"), envelope("E3")),
        answer=[Admission("ok", "E1"), Admission("ok", "E2"), Admission("ok", "E3")],
        after=(waiting("ann", "E1", "E3") + waiting("bob", "E2")).but(bell=RUNG),
    ),
    "an id of the caller's own is taken from its retention to five minutes ahead": Row(
        call=enqueue(envelope(OLDEST, explicit=True), envelope(NEWEST, explicit=True)),
        answer=[Admission("ok", OLDEST), Admission("ok", NEWEST)],
        after=waiting("ann", OLDEST, NEWEST).but(bell=RUNG),
    ),
    "an id that the client made is taken whatever its clock says": Row(
        call=enqueue(envelope(TOO_OLD), envelope(TOO_NEW)),
        answer=[Admission("ok", TOO_OLD), Admission("ok", TOO_NEW)],
        after=waiting("ann", TOO_OLD, TOO_NEW).but(bell=RUNG),
    ),
    "the last free place in the backlog is given": Row(
        before=waiting("ann", "E1") + in_flight("bob", "E2"),
        call=enqueue(envelope("E3"), settings=settings_of(backlog_max=3)),
        answer=only("ok", "E3"),
        after=waiting("ann", "E1", "E3") + in_flight("bob", "E2"),
    ),
    "the last free bytes of the backlog are given": Row(
        before=waiting("ann", "E1"),
        call=enqueue(envelope("E2"), settings=settings_of(backlog_bytes=2 * COST)),
        answer=only("ok", "E2"),
        after=waiting("ann", "E1", "E2"),
    ),
}

KNOWN = {
    "the same id and content is a duplicate": Row(
        before=waiting("ann", "E1"),
        call=enqueue(again("E1")),
        answer=only("dup", "E1"),
        after=waiting("ann", "E1"),
    ),
    "the same id with other content is a conflict": Row(
        before=waiting("ann", "E1"),
        call=enqueue(again("E1", fp="other")),
        answer=only("conflict", "E1"),
        after=waiting("ann", "E1"),
    ),
    "the same key and content answers with the earlier id": Row(
        before=waiting("ann", "E1", key="K"),
        call=enqueue(envelope("E2", key="K", fp="fp-E1")),
        answer=only("dup", "E1"),
        after=waiting("ann", "E1", key="K"),
    ),
    "the same key with other content is a conflict with the earlier id": Row(
        before=waiting("ann", "E1", key="K"),
        call=enqueue(envelope("E2", key="K")),
        answer=only("conflict", "E1"),
        after=waiting("ann", "E1", key="K"),
    ),
    "an event in flight is a duplicate": Row(
        before=in_flight("ann", "E1"),
        call=enqueue(again("E1")),
        answer=only("dup", "E1"),
        after=in_flight("ann", "E1"),
    ),
    "a dead letter is a duplicate and stays dead": Row(
        before=dead("ann", "E1"),
        call=enqueue(again("E1")),
        answer=only("dup", "E1"),
        after=dead("ann", "E1"),
    ),
    "a delivered event is a duplicate": Row(
        before=ended("E1"),
        call=enqueue(again("E1")),
        answer=only("dup", "E1"),
        after=ended("E1"),
    ),
    "a delivered event with other content is a conflict": Row(
        before=ended("E1"),
        call=enqueue(again("E1", fp="other")),
        answer=only("conflict", "E1"),
        after=ended("E1"),
    ),
    "a discarded event is a duplicate": Row(
        before=ended("E1", "discarded"),
        call=enqueue(again("E1")),
        answer=only("dup", "E1"),
        after=ended("E1", "discarded"),
    ),
    "an expunged event is a duplicate": Row(
        before=ended("E1", "expunged"),
        call=enqueue(again("E1")),
        answer=only("dup", "E1"),
        after=ended("E1", "expunged"),
    ),
    "a key outlives the id of its event": Row(
        before=Book(idem={"K": "E1 fp-E1"}, idemx=(f"K {NOW}",)),
        call=enqueue(envelope("E2", key="K", fp="fp-E1")),
        answer=only("dup", "E1"),
        after=Book(idem={"K": "E1 fp-E1"}, idemx=(f"K {NOW}",)),
    ),
    "a key that comes with a repeat is the event's from then on, and ages when that has ended": Row(
        before=waiting("ann", OLDEST),
        call=enqueue(again(OLDEST, key="K")),
        answer=only("dup", OLDEST),
        after=waiting("ann", OLDEST).but(idem={"K": f"{OLDEST} fp-{OLDEST}"}, idemx=("K 0",)),
    ),
    "a known id is a duplicate however old it is": Row(
        before=dead("ann", TOO_OLD),
        call=enqueue(envelope(TOO_OLD, explicit=True)),
        answer=only("dup", TOO_OLD),
        after=dead("ann", TOO_OLD),
    ),
    "the same event twice in a batch is accepted once": Row(
        call=enqueue(again(OLDEST), again(OLDEST)),
        answer=[Admission("ok", OLDEST), Admission("dup", OLDEST)],
        after=waiting("ann", OLDEST).but(bell=RUNG),
    ),
    "one key twice in a batch is accepted once": Row(
        call=enqueue(envelope("E1", key="K"), envelope("E2", key="K", fp="fp-E1")),
        answer=[Admission("ok", "E1"), Admission("dup", "E1")],
        after=waiting("ann", "E1", key="K").but(bell=RUNG),
    ),
    "one id with two contents in a batch is a conflict": Row(
        call=enqueue(again(OLDEST), again(OLDEST, fp="other")),
        answer=[Admission("ok", OLDEST), Admission("conflict", OLDEST)],
        after=waiting("ann", OLDEST).but(bell=RUNG),
    ),
    "a record that lost its place in the lane gets it back": Row(
        before=Book(rec={"E1": event("E1")}),
        call=enqueue(again("E1")),
        answer=only("dup", "E1"),
        after=Book(rec={"E1": event("E1")}, lanes={"ann": ["E1"]}, due={"ann": NOW}, bell=RUNG),
    ),
    "it gets it once, and before what came later": Row(
        before=Book(rec={"E1": event("E1")}),
        call=enqueue(again("E1"), again("E1"), envelope("E2")),
        answer=[Admission("dup", "E1"), Admission("dup", "E1"), Admission("ok", "E2")],
        after=waiting("ann", "E1", "E2").but(bell=RUNG, n={"accepted": 1, "waiting": 1, "bytes": 1000}),
    ),
    "an unclear record is not put back into its lane": Row(
        before=dead("ann", "E1", reason="unclear", code=None),
        call=enqueue(again("E1")),
        answer=only("dup", "E1"),
        after=dead("ann", "E1", reason="unclear", code=None),
    ),
}

REFUSED = {
    "more events than the backlog may hold": Row(
        before=waiting("ann", "E1") + in_flight("bob", "E2"),
        call=enqueue(envelope("E3"), settings=settings_of(backlog_max=2)),
        answer=only("full", "E3"),
        after=waiting("ann", "E1") + in_flight("bob", "E2"),
    ),
    "more bytes than the backlog may hold": Row(
        before=waiting("ann", "E1"),
        call=enqueue(envelope("E2"), settings=settings_of(backlog_bytes=2 * COST - 1)),
        answer=only("full", "E2"),
        after=waiting("ann", "E1"),
    ),
    "more bytes than the share of maxmemory that the sweep found": Row(
        before=waiting("ann", "E1").but(meta={"most_bytes": str(2 * COST - 1)}),
        call=enqueue(envelope("E2")),
        answer=only("full", "E2"),
        after=waiting("ann", "E1").but(meta={"most_bytes": str(2 * COST - 1)}),
    ),
    "a full backlog still knows a duplicate": Row(
        before=waiting("ann", "E1"),
        call=enqueue(again("E1"), settings=settings_of(backlog_max=1)),
        answer=only("dup", "E1"),
        after=waiting("ann", "E1"),
    ),
    "a batch is accepted as far as there is room": Row(
        call=enqueue(envelope("E1"), envelope("E2"), settings=settings_of(backlog_max=1)),
        answer=[Admission("ok", "E1"), Admission("full", "E2")],
        after=waiting("ann", "E1").but(bell=RUNG),
    ),
    "an own id older than the retention": Row(
        call=enqueue(envelope(TOO_OLD, explicit=True)),
        answer=only("stale", TOO_OLD),
        after=Book(),
    ),
    "an own id from more than five minutes ahead": Row(
        call=enqueue(envelope(TOO_NEW, explicit=True)),
        answer=only("early", TOO_NEW),
        after=Book(),
    ),
    "a lane that is no list": Row(
        before=Book(forged={"l:ann": b"boom"}),
        call=enqueue(envelope("E1"), envelope("E2", "bob")),
        answer=[Admission("broken", "E1"), Admission("ok", "E2")],
        after=waiting("bob", "E2").but(forged={"l:ann": b"boom"}, bell=RUNG),
    ),
    "all of an atomic batch for the sake of one": Row(
        before=waiting("cat", "E0"),
        call=enqueue(envelope("E1"), again("E0", lane="cat", fp="other"), envelope("E2", "bob"), atomic=True),
        answer=[Admission("withheld", "E1"), Admission("conflict", "E0"), Admission("withheld", "E2")],
        after=waiting("cat", "E0"),
    ),
    "all of an atomic batch that does not fit": Row(
        call=enqueue(envelope("E1"), envelope("E2"), settings=settings_of(backlog_max=1), atomic=True),
        answer=[Admission("withheld", "E1"), Admission("full", "E2")],
        after=Book(),
    ),
    "the twin of an event that an atomic batch withholds": Row(
        call=enqueue(again(OLDEST), again(OLDEST), again(TOO_OLD), atomic=True),
        answer=[Admission("withheld", OLDEST), Admission("withheld", OLDEST), Admission("stale", TOO_OLD)],
        after=Book(),
    ),
}


@table(ACCEPTED)
def test_enqueue_accepts(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@table(KNOWN)
def test_enqueue_knows_an_event_again(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@table(REFUSED)
def test_enqueue_refuses(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


def test_an_atomic_batch_with_duplicates_only_is_no_failure(ledger: Ledger, redis: Redis) -> None:
    put(redis, waiting("ann", "E1"))

    answer = ledger.run(enqueue(again("E1"), envelope("E2"), atomic=True))

    assert answer == [Admission("dup", "E1"), Admission("ok", "E2")]
    assert read(redis) == waiting("ann", "E1", "E2")


def test_an_event_is_stored_byte_for_byte(ledger: Ledger, redis: Redis) -> None:
    body = bytes(range(256)) * 4

    ledger.run(enqueue(replace(envelope("E1"), body=body)))

    record = read(redis).rec["E1"]
    assert not isinstance(record, bytes)
    assert record.body == body


def test_the_clock_is_the_servers_own_unless_a_test_moves_it(ledger: Ledger, redis: Redis) -> None:
    before = _server_ms(redis)

    ledger.run(operations.enqueue([envelope("E1")], ROOMY))

    after = _server_ms(redis)
    record = read(redis).rec["E1"]
    assert not isinstance(record, bytes)
    assert before <= record.accepted_at <= after
    assert read(redis).due["ann"] == record.accepted_at


def _server_ms(redis: Redis) -> int:
    seconds, micros = redis.time()
    return int(seconds * 1000 + micros // 1000)


@pytest.mark.parametrize("size", [1, operations.BATCH])
def test_a_batch_of_any_allowed_size_is_one_script(size: int, ledger: Ledger, redis: Redis) -> None:
    ids = [f"E{i}" for i in range(size)]

    answer = ledger.run(enqueue(*(envelope(i) for i in ids)))

    assert answer == [Admission("ok", i) for i in ids]
    assert read(redis) == waiting("ann", *ids).but(bell=RUNG)
