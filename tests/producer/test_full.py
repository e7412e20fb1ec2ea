"""A full Redis or backlog takes no event, keeps no half of one, and needs no restart afterwards."""

from __future__ import annotations

import pytest
from redis import Redis

import shipper
from shipper.errors import EnqueueUnclearError, LedgerFullError
from shipper.event_id import new_event_id
from tests.producer.book import Book, OpenBook, Produce
from tests.support.proxy import Proxy
from tests.support.servers import RedisServer, StartServer


def event(customer: str) -> dict[str, object]:
    return {"customerId": customer, "events": {"visit": {}}}


@pytest.fixture
def full(private_server: StartServer) -> RedisServer:
    """A server of its own that a test may fill."""
    return private_server()


def fill(server: RedisServer) -> None:
    with server.client() as client:
        client.config_set("maxmemory", "1")


def make_room(server: RedisServer) -> None:
    with server.client() as client:
        client.config_set("maxmemory", "0")


def test_a_full_redis_refuses_an_event_and_keeps_nothing_of_it(
    full: RedisServer, open_book: OpenBook, produce: Produce
) -> None:
    produce(full.url)
    book = open_book(full)
    shipper.enqueue_event(event("before"))
    with full.client() as client:
        keys = sorted(client.keys())
    fill(full)

    with pytest.raises(LedgerFullError, match="maxmemory"):
        shipper.enqueue_event(event("c-1"), idempotency_key="k-1")

    with full.client() as client:
        assert sorted(client.keys()) == keys
    make_room(full)
    receipt = shipper.enqueue_event(event("c-1"), idempotency_key="k-1")
    assert receipt.duplicate is False
    assert book.customers() == {"before": 1, "c-1": 1}
    book.assert_sound()


def test_an_event_accepted_before_redis_was_full_is_known_though_it_is_full(
    full: RedisServer, produce: Produce
) -> None:
    with Proxy(full.port) as proxy:
        produce(proxy.url)
        shipper.enqueue_event(event("warm"))
        proxy.replies_to_lose = 1
        with pytest.raises(EnqueueUnclearError) as lost:
            shipper.enqueue_event(event("c-1"))
        keyed = shipper.enqueue_event(event("c-2"), idempotency_key="k-2")
        fill(full)

        again = shipper.enqueue_event(event("c-1"), event_id=lost.value.event_id)
        same_key = shipper.enqueue_event(event("c-2"), idempotency_key="k-2")

        with pytest.raises(shipper.IdempotencyConflictError):
            shipper.enqueue_event(event("c-3"), idempotency_key="k-2")
        with pytest.raises(LedgerFullError):
            shipper.enqueue_event(event("c-3"), event_id=new_event_id())
    assert (again.event_id, again.duplicate) == (lost.value.event_id, True)
    assert (same_key.event_id, same_key.duplicate) == (keyed.event_id, True)


def test_an_event_that_cannot_be_asked_about_while_redis_is_full_stays_unclear(
    full: RedisServer, produce: Produce
) -> None:
    with Proxy(full.port) as proxy:
        produce(proxy.url)
        shipper.enqueue_event(event("warm"))
        fill(full)
        # The refusal comes through; the answer to the question after it does not.
        proxy.let_through, proxy.replies_to_lose = 1, 1

        with pytest.raises(EnqueueUnclearError):
            shipper.enqueue_event(event("c-1"), event_id=new_event_id())


def test_a_full_backlog_refuses_and_takes_again_when_it_has_drained(
    server: RedisServer, book: Book, produce: Produce, redis: Redis
) -> None:
    produce(server.url, backlog_max=2)
    first = shipper.enqueue_event(event("c-1"))
    shipper.enqueue_event(event("c-2"))

    with pytest.raises(LedgerFullError, match="backlog"):
        shipper.enqueue_event(event("c-3"))

    produce(server.url, backlog_max=3)
    shipper.enqueue_event(event("c-3"))
    assert book.customers() == {"c-1": 1, "c-2": 1, "c-3": 1}
    assert book.show(first.event_id) is not None


def test_a_bulk_that_fills_the_backlog_has_a_receipt_for_what_fitted(
    server: RedisServer, book: Book, produce: Produce
) -> None:
    produce(server.url, backlog_max=3)

    answers = shipper.enqueue_events([event(f"c-{i}") for i in range(5)])

    assert [type(answer) for answer in answers] == [shipper.Receipt] * 3 + [LedgerFullError] * 2
    assert book.customers() == {"c-0": 1, "c-1": 1, "c-2": 1}


def test_an_atomic_bulk_that_does_not_fit_is_refused_whole(
    server: RedisServer, book: Book, produce: Produce
) -> None:
    produce(server.url, backlog_max=3)

    with pytest.raises(LedgerFullError):
        shipper.enqueue_events([event(f"c-{i}") for i in range(5)], atomic=True)

    assert book.count("accepted") == 0
    assert book.customers() == {}
