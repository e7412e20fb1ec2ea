"""The same promises without blocking an event loop."""

from __future__ import annotations

import asyncio
import time

import pytest
from redis import Redis

import shipper
from shipper.errors import EnqueueUnclearError, InvalidEventError, LedgerUnavailableError
from shipper.event_id import new_event_id
from tests.producer.book import BUDGET_MS, SLACK_S, Book, OpenBook, Produce
from tests.support.proxy import Proxy
from tests.support.servers import RedisServer, StartServer
from tests.support.waiting import until


def event(customer: str) -> dict[str, object]:
    return {"customerId": customer, "events": {"visit": {}}}


async def test_fifty_events_at_once_are_accepted_once_each(
    server: RedisServer, book: Book, produce: Produce
) -> None:
    produce(server.url)

    receipts = await asyncio.gather(*(shipper.aenqueue_event(event(f"c-{i}")) for i in range(50)))

    await shipper.aclose()
    held = book.events()
    assert {receipt.event_id: held[receipt.event_id]["customerId"] for receipt in receipts} == {
        receipt.event_id: f"c-{i}" for i, receipt in enumerate(receipts)
    }
    assert len(held) == 50


async def test_more_callers_than_connections_wait_for_one(
    server: RedisServer, book: Book, produce: Produce
) -> None:
    produce(f"{server.url}?max_connections=3")

    receipts = await asyncio.gather(*(shipper.aenqueue_event(event(f"c-{i}")) for i in range(150)))

    await shipper.aclose()
    assert len({receipt.event_id for receipt in receipts}) == 150
    assert book.count("accepted") == 150


async def test_a_bulk_is_answered_in_order(server: RedisServer, book: Book, produce: Produce) -> None:
    produce(server.url)
    events = [event(f"c-{i}") for i in range(450)]
    events[3] = {"customerId": "c-3", "events": {}}

    answers = await shipper.aenqueue_events(events)
    atomic = await shipper.aenqueue_events([event("d-1"), event("d-2")], atomic=True)
    nothing = await shipper.aenqueue_events([], atomic=True)

    await shipper.aclose()
    assert [i for i, answer in enumerate(answers) if isinstance(answer, InvalidEventError)] == [3]
    assert [isinstance(answer, shipper.Receipt) for answer in atomic] == [True, True]
    assert nothing == []
    assert book.count("accepted") == 451


async def test_a_cancelled_call_leaves_the_pool_usable_and_mixes_no_answers(
    private_server: StartServer, open_book: OpenBook, produce: Produce
) -> None:
    server = private_server()
    with Proxy(server.port) as proxy:
        produce(proxy.url)
        await shipper.aenqueue_event(event("warm"))
        server.freeze()
        ids = [new_event_id() for _ in range(10)]
        calls = [
            asyncio.create_task(shipper.aenqueue_event(event(f"c-{i}"), event_id=ids[i])) for i in range(10)
        ]
        await asyncio.to_thread(until, lambda: proxy.connections == len(calls))

        for call in calls:
            call.cancel()
        ended = await asyncio.gather(*calls, return_exceptions=True)
        server.thaw()
        again = [await shipper.aenqueue_event(event(f"c-{i}"), event_id=ids[i]) for i in range(10)]
        others = [await shipper.aenqueue_event(event(f"d-{i}")) for i in range(10)]
        await shipper.aclose()

    book = open_book(server)
    held = book.events()
    assert {type(end) for end in ended} == {asyncio.CancelledError}
    assert [receipt.event_id for receipt in again] == ids
    assert [held[receipt.event_id]["customerId"] for receipt in others] == [f"d-{i}" for i in range(10)]
    assert set(book.customers().values()) == {1}


@pytest.mark.parametrize("swallowed", ["requests", "replies"])
async def test_a_half_open_connection_is_unclear_within_the_budget(
    server: RedisServer, book: Book, produce: Produce, swallowed: str
) -> None:
    with Proxy(server.port) as proxy:
        produce(proxy.url, enqueue_budget_ms=BUDGET_MS)
        await shipper.aenqueue_event(event("warm"))
        setattr(proxy, f"swallow_{swallowed}", True)
        started = time.monotonic()

        with pytest.raises(EnqueueUnclearError) as lost:
            await shipper.aenqueue_event(event("c-1"))

        took_s = time.monotonic() - started
        proxy.heal()
        await shipper.aclose()
        produce(proxy.url)
        again = await shipper.aenqueue_event(event("c-1"), event_id=lost.value.event_id)
        await shipper.aclose()
    assert took_s < BUDGET_MS / 1000 + SLACK_S
    assert again.duplicate is (swallowed == "replies")
    assert book.customers() == {"warm": 1, "c-1": 1}


async def test_a_bulk_that_left_in_part_is_unclear_and_asked_again_accepted_once_each(
    private_server: StartServer, open_book: OpenBook, produce: Produce
) -> None:
    server = private_server()
    produce(server.url, enqueue_budget_ms=1000)
    await shipper.aenqueue_event(event("warm"))
    long = [{"customerId": f"c-{i}", "events": {"visit": {"x": "y" * 40_000}}} for i in range(200)]
    server.freeze()

    answers = await shipper.aenqueue_events(long)

    server.thaw()
    unclear = [answer.event_id for answer in answers if isinstance(answer, EnqueueUnclearError)]
    assert len(unclear) == 200
    await shipper.aclose()
    produce(server.url)
    again = await shipper.aenqueue_events(long, event_ids=unclear)
    await shipper.aclose()
    assert [type(answer) for answer in again] == [shipper.Receipt] * 200
    book = open_book(server)
    assert book.count("accepted") == 201
    assert set(book.customers().values()) == {1}


async def test_a_redis_that_is_away_is_unavailable_and_no_restart_is_needed_later(
    private_server: StartServer, produce: Produce
) -> None:
    server = private_server()
    produce(server.url)
    await shipper.aenqueue_event(event("before"))
    server.kill()

    with pytest.raises((LedgerUnavailableError, EnqueueUnclearError)):
        await shipper.aenqueue_event(event("c-1"))
    with pytest.raises(LedgerUnavailableError):
        await shipper.aenqueue_event(event("c-2"))

    server.start()
    await shipper.aenqueue_event(event("after"))
    await shipper.aclose()


def test_each_event_loop_has_connections_of_its_own(
    server: RedisServer, book: Book, produce: Produce, redis: Redis
) -> None:
    produce(server.url)

    async def enqueue(customer: str) -> None:
        await asyncio.gather(*(shipper.aenqueue_event(event(f"{customer}-{i}")) for i in range(5)))
        await shipper.aclose()

    asyncio.run(enqueue("first"))
    asyncio.run(enqueue("second"))
    shipper.enqueue_event(event("blocking"))

    assert book.count("accepted") == 11


async def test_closing_twice_or_unused_does_no_harm_and_the_next_call_opens_again(
    server: RedisServer, book: Book, produce: Produce
) -> None:
    produce(server.url)

    await shipper.aclose()
    await shipper.aenqueue_event(event("c-1"))
    await shipper.aclose()
    await shipper.aclose()
    await shipper.aenqueue_event(event("c-2"))
    await shipper.aclose()

    assert book.count("accepted") == 2


async def test_closing_leaves_no_connection_behind(
    server: RedisServer, redis: Redis, book: Book, produce: Produce
) -> None:
    produce(server.url)
    before = {client["addr"] for client in redis.client_list()}
    await asyncio.gather(*(shipper.aenqueue_event(event(f"c-{i}")) for i in range(5)))
    during = {client["addr"] for client in redis.client_list()} - before

    await shipper.aclose()

    assert during
    await asyncio.to_thread(
        until, lambda: not {client["addr"] for client in redis.client_list()} & during, within_s=5
    )
