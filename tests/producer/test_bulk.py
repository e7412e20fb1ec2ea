"""Many events in one call: answered in order, the bad ones alone refused, or all or none."""

from __future__ import annotations

import math

import pytest
from redis import Redis

import shipper
from shipper.bulk import all_or_none
from shipper.envelope import seal
from shipper.errors import (
    EnqueueUnclearError,
    IdempotencyConflictError,
    InvalidEventError,
    LedgerFullError,
    LedgerUnavailableError,
)
from shipper.event_id import new_event_id
from shipper.settings import Settings
from tests.producer.book import Book, Produce
from tests.support.proxy import Proxy
from tests.support.servers import RedisServer, StartServer

Json = dict[str, object]


def event(customer: str, **metadata: object) -> Json:
    return {"customerId": customer, "events": {"visit": metadata}}


def test_a_thousand_events_are_accepted_in_order_and_the_bad_ones_among_them_refused(
    server: RedisServer, book: Book, produce: Produce, redis: Redis
) -> None:
    produce(server.url)
    bad: dict[int, Json] = {
        7: event("c-7", x=math.nan),
        500: {"customerId": "", "events": {}},
        999: event("c-999", x=2**60),
    }
    events = [bad.get(i, event(f"c-{i}")) for i in range(1000)]
    redis.config_resetstat()

    answers = shipper.enqueue_events(events)

    held = book.events()
    scripts = redis.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"]
    assert [i for i, answer in enumerate(answers) if isinstance(answer, InvalidEventError)] == sorted(bad)
    receipts = {i: answer for i, answer in enumerate(answers) if isinstance(answer, shipper.Receipt)}
    assert len(receipts) == 997
    assert {i: held[receipt.event_id]["customerId"] for i, receipt in receipts.items()} == {
        i: f"c-{i}" for i in range(1000) if i not in bad
    }
    assert len(held) == 997
    assert scripts == 5


def test_an_empty_bulk_asks_nobody(produce: Produce) -> None:
    produce("redis://127.0.0.1:9/0")

    assert shipper.enqueue_events([]) == []
    assert shipper.enqueue_events([], atomic=True) == []


def test_a_bulk_of_bad_events_asks_nobody(produce: Produce) -> None:
    produce("redis://127.0.0.1:9/0")

    answers = shipper.enqueue_events([{"customerId": "c-1", "events": {}}] * 3)

    assert [type(answer) for answer in answers] == [InvalidEventError] * 3


def test_options_hold_for_all_and_keys_for_each(server: RedisServer, book: Book, produce: Produce) -> None:
    produce(server.url)
    keys = ["k-1", None, "k-3"]

    first = shipper.enqueue_events(
        [event("a"), event("b"), event("c")], idempotency_keys=keys, hook="told", on_unclear="park"
    )
    again = shipper.enqueue_events(
        [event("a"), event("b"), event("other")], idempotency_keys=keys, hook="told", on_unclear="park"
    )

    assert all(isinstance(answer, shipper.Receipt) and not answer.duplicate for answer in first)
    assert again[0] == shipper.Receipt(event_id=_id(first[0]), account="default", duplicate=True)
    assert isinstance(again[1], shipper.Receipt)
    assert again[1].duplicate is False
    assert isinstance(again[2], IdempotencyConflictError)
    assert again[2].event_id == _id(first[2])
    records = [book.show(_id(answer)) for answer in first]
    assert {(shown.record.hook, shown.record.park) for shown in records if shown and shown.record} == {
        ("told", True)
    }


def test_lists_beside_the_events_must_be_as_long(produce: Produce) -> None:
    produce("redis://127.0.0.1:9/0")

    with pytest.raises(ValueError, match="event_ids has 1 items for 2 events"):
        shipper.enqueue_events([event("a"), event("b")], event_ids=[None])


def test_one_bad_event_refuses_an_atomic_bulk_with_its_place(
    server: RedisServer, book: Book, produce: Produce
) -> None:
    produce(server.url)

    with pytest.raises(InvalidEventError) as refused:
        shipper.enqueue_events([event("a"), event("b", x=math.inf), {"events": {"e": {}}}], atomic=True)

    assert [problem.path.partition("]")[0] for problem in refused.value.problems] == ["[1", "[2"]
    assert book.count("accepted") == 0


def test_an_atomic_bulk_has_a_receipt_for_each_event(
    server: RedisServer, book: Book, produce: Produce
) -> None:
    produce(server.url)

    answers = shipper.enqueue_events([event(f"c-{i}") for i in range(1000)], atomic=True)

    assert len({_id(answer) for answer in answers}) == 1000
    assert book.count("accepted") == 1000


def test_an_atomic_bulk_takes_no_more_than_one_script_call_can(produce: Produce) -> None:
    produce("redis://127.0.0.1:9/0")

    with pytest.raises(InvalidEventError, match="at most 1000 events, not 1001"):
        shipper.enqueue_events([event("c-1")] * 1001, atomic=True)


def test_one_conflict_refuses_an_atomic_bulk(server: RedisServer, book: Book, produce: Produce) -> None:
    produce(server.url)
    shipper.enqueue_event(event("taken"), idempotency_key="k-1")

    with pytest.raises(IdempotencyConflictError):
        shipper.enqueue_events([event("a"), event("b")], idempotency_keys=[None, "k-1"], atomic=True)

    assert book.customers() == {"taken": 1}


def test_an_atomic_bulk_whose_answer_was_lost_is_enqueued_again_by_its_ids(
    server: RedisServer, book: Book, produce: Produce
) -> None:
    events = [event(f"c-{i}") for i in range(10)]
    with Proxy(server.port) as proxy:
        produce(proxy.url)
        shipper.enqueue_event(event("warm"))
        proxy.replies_to_lose = 1
        with pytest.raises(EnqueueUnclearError) as lost:
            shipper.enqueue_events(events, atomic=True)

        again = shipper.enqueue_events(events, event_ids=lost.value.event_ids, atomic=True)

    assert [_id(answer) for answer in again] == list(lost.value.event_ids)
    assert all(isinstance(answer, shipper.Receipt) and answer.duplicate for answer in again)
    assert set(book.customers().values()) == {1}
    assert book.count("accepted") == 11


def test_an_atomic_bulk_that_is_unclear_names_the_ids_of_all_its_events() -> None:
    settings = Settings()
    known, other, keyed = (
        seal(event("a"), settings=settings),
        seal(event("b"), settings=settings),
        seal(event("c"), settings=settings, idempotency_key="k-1"),
    )
    receipt = shipper.Receipt(event_id="EARLIER", account="default", duplicate=True)
    lost = EnqueueUnclearError("Redis is gone", event_id=keyed.event_id)

    with pytest.raises(EnqueueUnclearError) as unclear:
        all_or_none([known, other, keyed], [receipt, LedgerFullError("Redis is full"), lost])

    assert list(unclear.value.event_ids) == ["EARLIER", other.event_id, keyed.event_id]
    assert unclear.value.event_id == "EARLIER"


def test_an_event_id_that_is_too_old_is_refused_with_what_it_may_mean(
    server: RedisServer, book: Book, produce: Produce
) -> None:
    produce(server.url)

    with pytest.raises(InvalidEventError) as refused:
        shipper.enqueue_event(event("c-1"), event_id="01BX5ZZKBKACTAV9WEVGEMMVRZ")

    assert str(refused.value.problems[0]) == (
        "event_id is older than the ledger remembers ids: its first enqueue may have been accepted and"
        " forgotten; look before enqueueing it anew"
    )
    assert book.count("accepted") == 0


def test_after_an_answer_is_lost_in_the_middle_the_rest_is_not_tried(
    server: RedisServer, book: Book, produce: Produce
) -> None:
    events = [event(f"c-{i}") for i in range(600)]
    with Proxy(server.port) as proxy:
        produce(proxy.url)
        shipper.enqueue_event(event("warm"))
        proxy.let_through, proxy.replies_to_lose = 1, 1

        answers = shipper.enqueue_events(events)

        unclear = [answer.event_id for answer in answers if isinstance(answer, EnqueueUnclearError)]
        again = shipper.enqueue_events(events[200:400], event_ids=unclear)
    assert [type(answer) for answer in answers] == (
        [shipper.Receipt] * 200 + [EnqueueUnclearError] * 200 + [LedgerUnavailableError] * 200
    )
    assert "not tried" in str(answers[-1])
    assert all(isinstance(answer, shipper.Receipt) and answer.duplicate for answer in again)
    assert book.count("accepted") == 401
    assert set(book.customers().values()) == {1}


def test_a_bulk_that_is_asked_again_by_ids_stays_unclear_while_redis_is_away(
    private_server: StartServer, produce: Produce
) -> None:
    server = private_server()
    produce(server.url)
    server.kill()
    ids = [new_event_id() for _ in range(300)]

    answers = shipper.enqueue_events([event(f"c-{i}") for i in range(300)], event_ids=ids)

    assert [type(answer) for answer in answers] == [EnqueueUnclearError] * 300
    assert [answer.event_id for answer in answers if isinstance(answer, EnqueueUnclearError)] == ids


def _id(answer: object) -> str:
    assert isinstance(answer, shipper.Receipt)
    return answer.event_id
