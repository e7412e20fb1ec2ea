"""What a producer is told when Redis does not answer, answers otherwise, or the answer is lost: in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
import redis
from redis import Redis
from redis.exceptions import RedisError

import shipper
from shipper.client import current
from shipper.errors import EnqueueUnclearError, LedgerUnavailableError
from shipper.event_id import new_event_id
from tests.producer.book import BUDGET_MS, SLACK_S, Book, OpenBook, Produce
from tests.support.hostile import Connection, HostileServer, silent_listener
from tests.support.proxy import Proxy
from tests.support.servers import HOST, RedisServer, StartServer
from tests.support.waiting import until


def event(customer: str) -> dict[str, object]:
    return {"customerId": customer, "events": {"visit": {}}}


@contextmanager
def in_time() -> Iterator[None]:
    """Check that one call kept its budget."""
    started = time.monotonic()
    yield
    assert time.monotonic() - started < BUDGET_MS / 1000 + SLACK_S


# Answers that get lost


def test_two_hundred_lost_answers_are_unclear_and_asked_again_accepted_once_each(
    server: RedisServer, book: Book, produce: Produce
) -> None:
    ids = []
    with Proxy(server.port) as proxy:
        produce(proxy.url)
        shipper.enqueue_event(event("warm"))
        for i in range(200):
            proxy.replies_to_lose = 1
            with in_time(), pytest.raises(EnqueueUnclearError) as lost:
                shipper.enqueue_event(event(f"c-{i}"))
            ids.append(lost.value.event_id)

        again = [shipper.enqueue_event(event(f"c-{i}"), event_id=ids[i]) for i in range(200)]

    assert proxy.replies_lost == 200
    assert [receipt.event_id for receipt in again] == ids
    assert all(receipt.duplicate for receipt in again)
    assert book.count("accepted") == 201
    assert set(book.customers().values()) == {1}


def test_an_answer_that_never_comes_is_unclear_within_the_budget(
    server: RedisServer, book: Book, produce: Produce
) -> None:
    with Proxy(server.port) as proxy:
        produce(proxy.url, enqueue_budget_ms=BUDGET_MS)
        proxy.swallow_replies = True

        with in_time(), pytest.raises(EnqueueUnclearError) as lost:
            shipper.enqueue_event(event("c-1"))

        proxy.heal()
        produce(proxy.url)
        again = shipper.enqueue_event(event("c-1"), event_id=lost.value.event_id)
    assert again == shipper.Receipt(event_id=lost.value.event_id, account="default", duplicate=True)
    assert book.count("accepted") == 1


def test_a_request_that_never_arrives_is_unclear_within_the_budget_and_not_accepted(
    server: RedisServer, book: Book, produce: Produce
) -> None:
    with Proxy(server.port) as proxy:
        produce(proxy.url, enqueue_budget_ms=BUDGET_MS)
        proxy.swallow_requests = True

        with in_time(), pytest.raises(EnqueueUnclearError) as lost:
            shipper.enqueue_event(event("c-1"))

        accepted = book.count("accepted")
        proxy.heal()
        produce(proxy.url)
        again = shipper.enqueue_event(event("c-1"), event_id=lost.value.event_id)
    assert accepted == 0
    assert again.duplicate is False
    assert book.count("accepted") == 1


def test_an_answer_that_drips_is_unclear_within_the_budget(
    server: RedisServer, book: Book, produce: Produce
) -> None:
    with Proxy(server.port) as proxy:
        produce(proxy.url)
        shipper.enqueue_event(event("warm"))
        produce(proxy.url, enqueue_budget_ms=BUDGET_MS)
        proxy.drip_s = 0.1

        with in_time(), pytest.raises(EnqueueUnclearError) as lost:
            shipper.enqueue_event(event("c-1"))

        proxy.heal()
        produce(proxy.url)
        again = shipper.enqueue_event(event("c-1"), event_id=lost.value.event_id)
    assert again.duplicate is True
    assert book.count("accepted") == 2


def test_a_slow_redis_is_waited_for_within_the_budget(
    server: RedisServer, book: Book, produce: Produce
) -> None:
    with Proxy(server.port) as proxy:
        produce(proxy.url)
        proxy.latency_s = 0.05

        receipt = shipper.enqueue_event(event("c-1"))

    assert receipt.duplicate is False
    assert book.count("accepted") == 1


def test_a_connection_broken_while_idle_is_replaced_and_not_noticed(
    server: RedisServer, book: Book, produce: Produce
) -> None:
    with Proxy(server.port) as proxy:
        produce(proxy.url)
        shipper.enqueue_event(event("c-1"))

        proxy.reset()
        shipper.enqueue_event(event("c-2"))

    assert proxy.connections == 2
    assert book.count("accepted") == 2


# Redis is not there


def test_a_redis_that_refuses_connections_is_unavailable_at_once_and_no_restart_is_needed_later(
    private_server: StartServer, open_book: OpenBook, produce: Produce
) -> None:
    server = private_server()
    produce(server.url)
    shipper.enqueue_event(event("before"))
    server.kill()

    with in_time(), pytest.raises(LedgerUnavailableError):
        shipper.enqueue_event(event("c-1"))

    server.start()
    shipper.enqueue_event(event("after"))
    assert open_book(server).customers() == {"after": 1}


def test_a_host_that_swallows_the_connection_is_unavailable_within_the_budget(produce: Produce) -> None:
    with silent_listener() as url:
        produce(url.replace("http", "redis"), enqueue_budget_ms=BUDGET_MS)

        with in_time(), pytest.raises(LedgerUnavailableError, match="did not take the request"):
            shipper.enqueue_event(event("c-1"))


def test_asking_again_under_an_id_stays_unclear_while_redis_is_away(
    private_server: StartServer, produce: Produce
) -> None:
    server = private_server()
    produce(server.url)
    server.kill()
    event_id = new_event_id()

    with in_time(), pytest.raises(EnqueueUnclearError) as unclear:
        shipper.enqueue_event(event("c-1"), event_id=event_id)

    assert unclear.value.event_id == event_id


def test_a_redis_that_hangs_accepts_what_it_was_sent_when_it_wakes_and_asking_again_finds_it(
    private_server: StartServer, open_book: OpenBook, produce: Produce
) -> None:
    server = private_server()
    book = open_book(server)
    produce(server.url, enqueue_budget_ms=BUDGET_MS)
    shipper.enqueue_event(event("warm"))
    server.freeze()

    with in_time(), pytest.raises(EnqueueUnclearError) as unclear:
        shipper.enqueue_event(event("c-1"))

    server.thaw()
    until(lambda: book.count("accepted") == 2)
    produce(server.url)
    again = shipper.enqueue_event(event("c-1"), event_id=unclear.value.event_id)
    assert again.duplicate
    assert book.customers() == {"warm": 1, "c-1": 1}


def test_many_threads_keep_the_budget_while_redis_hangs(
    private_server: StartServer, produce: Produce
) -> None:
    server = private_server()
    produce(server.url, enqueue_budget_ms=BUDGET_MS)
    server.freeze()
    took: list[float] = []

    def enqueue(number: int) -> None:
        started = time.monotonic()
        with pytest.raises(EnqueueUnclearError):
            shipper.enqueue_event(event(f"c-{number}"))
        took.append(time.monotonic() - started)

    threads = [Thread(target=enqueue, args=(i,)) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(took) == 20
    assert max(took) < 20 * BUDGET_MS / 1000 / 2, "they wait for each other"


def test_more_threads_than_redis_py_gives_connections_to_are_accepted(
    private_server: StartServer, open_book: OpenBook, produce: Produce
) -> None:
    server = private_server()
    produce(server.url)
    server.freeze()
    threads = [Thread(target=shipper.enqueue_event, args=(event(f"c-{i}"),)) for i in range(120)]
    for thread in threads:
        thread.start()
    until(lambda: len(current()._pool._in_use_connections) == 120)
    server.thaw()
    for thread in threads:
        thread.join()

    assert len(open_book(server).customers()) == 120


async def test_given_connections_that_are_all_in_use_are_told_as_such(
    server: RedisServer, book: Book, produce: Produce
) -> None:
    produce(server.url)
    with redis.Redis.from_url(server.url, max_connections=1) as given:
        shipper.configure(current().settings, redis=given)
        taken = given.connection_pool.get_connection()

        with pytest.raises(LedgerUnavailableError, match="raise its max_connections"):
            shipper.enqueue_event(event("c-1"))

        given.connection_pool.release(taken)
        shipper.enqueue_event(event("c-2"))
    assert book.customers() == {"c-2": 1}


# Redis is there, and says something else


def test_what_is_no_redis_is_told_as_such(produce: Produce) -> None:
    def says_bad_request(connection: Connection) -> None:
        connection.read(1)
        connection.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.hold()

    with HostileServer(says_bad_request) as far_end:
        produce(f"redis://127.0.0.1:{far_end.port}/0")

        with pytest.raises(EnqueueUnclearError, match="what answered is not Redis"):
            shipper.enqueue_event(event("c-1"))


def test_a_read_only_replica_is_unavailable_until_it_is_promoted(
    private_server: StartServer, open_book: OpenBook, produce: Produce
) -> None:
    primary = private_server()
    replica = private_server(options={"replicaof": f"{HOST} {primary.port}"})
    produce(replica.url)

    with in_time(), pytest.raises(LedgerUnavailableError, match="read only") as refused:
        shipper.enqueue_event(event("c-1"))

    with replica.client() as client:
        client.replicaof("NO", "ONE")
    shipper.enqueue_event(event("c-2"))
    assert not isinstance(refused.value, EnqueueUnclearError)
    assert open_book(replica).customers() == {"c-2": 1}


def test_a_redis_that_loads_its_data_is_unavailable_until_it_has(
    private_server: StartServer, open_book: OpenBook, produce: Produce
) -> None:
    server = private_server(options={"appendonly": "yes"})
    with server.client() as client, client.pipeline(transaction=False) as pipe:
        for i in range(4000):
            pipe.set(f"key-{i}", "x")
        pipe.execute()
    server.kill()
    server.options["key-load-delay"] = "500"  # microseconds, of each key: it loads for two seconds
    produce(server.url)
    starting = Thread(target=server.start)
    starting.start()

    said = until(lambda: _refusal("c-1", "loading"))

    starting.join()
    shipper.enqueue_event(event("c-2"))
    assert not isinstance(said, EnqueueUnclearError)
    assert "c-1" not in open_book(server).customers()


def test_a_redis_busy_with_a_script_is_unavailable_until_the_script_is_killed(
    private_server: StartServer, open_book: OpenBook, produce: Produce
) -> None:
    server = private_server(options={"busy-reply-threshold": "20"})
    produce(server.url)
    stuck = threading.Thread(target=_run_for_ever, args=(server,))
    stuck.start()
    until(lambda: _is_busy(server))

    said = until(lambda: _refusal("c-1", "BUSY"))

    with server.client() as client:
        client.script_kill()
    stuck.join()
    shipper.enqueue_event(event("c-2"))
    assert not isinstance(said, EnqueueUnclearError)
    assert open_book(server).customers() == {"c-2": 1}


def test_a_redis_without_room_for_more_clients_is_unavailable(
    private_server: StartServer, produce: Produce
) -> None:
    server = private_server()
    produce(server.url)
    with server.client() as client:
        client.config_set("maxclients", "1")

        with in_time(), pytest.raises(LedgerUnavailableError) as refused:
            shipper.enqueue_event(event("c-1"))

        client.config_set("maxclients", "100")
    shipper.enqueue_event(event("c-2"))
    assert not isinstance(refused.value, EnqueueUnclearError)


def test_a_redis_that_wants_a_password_is_unavailable(private_server: StartServer, produce: Produce) -> None:
    server = private_server(password="letmein")
    produce(f"redis://{HOST}:{server.port}/0")

    with pytest.raises(LedgerUnavailableError, match="uthenticat") as refused:
        shipper.enqueue_event(event("c-1"))

    assert not isinstance(refused.value, EnqueueUnclearError)


def test_a_wrong_password_is_unavailable_and_in_no_message(
    private_server: StartServer, produce: Produce
) -> None:
    server = private_server(password="letmein")
    produce(f"redis://:canary-password@{HOST}:{server.port}/0")

    with pytest.raises(LedgerUnavailableError) as refused:
        shipper.enqueue_event(event("c-1"))

    assert not isinstance(refused.value, EnqueueUnclearError)
    assert "canary-password" not in str(refused.value)


def test_scripts_that_redis_forgot_are_taught_again_unnoticed(
    server: RedisServer, redis: Redis, book: Book, produce: Produce
) -> None:
    produce(server.url)
    shipper.enqueue_event(event("c-1"))

    redis.script_flush()
    shipper.enqueue_event(event("c-2"))

    assert book.count("accepted") == 2


def _refusal(customer: str, words: str) -> LedgerUnavailableError | None:
    """Enqueue, and return the error if it says these words; nothing may be accepted meanwhile."""
    with in_time():
        try:
            shipper.enqueue_event(event(customer))
        except LedgerUnavailableError as error:
            return error if words in str(error) else None
        except EnqueueUnclearError:
            return None
    raise AssertionError("it was accepted")


def _is_busy(server: RedisServer) -> bool:
    with server.client() as client:
        try:
            client.ping()
        except RedisError as error:
            return "BUSY" in str(error)
    return False


def _run_for_ever(server: RedisServer) -> None:
    with server.client(timeout_s=30) as client, pytest.raises(RedisError):
        client.eval("while true do end", 0)
