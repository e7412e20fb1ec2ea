"""What a ledger says when Redis does not do as asked; blocking and not, it says the same."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import redis as redis_py
from redis import Redis
from redis.exceptions import RedisError

from shipper.errors import LedgerFullError, LedgerUnavailableError
from shipper.ledger import operations
from shipper.ledger.failure import ForbiddenError, ForbiddenMidwayError, ReplyLostError
from shipper.ledger.ledger import AsyncLedger, Ledger
from shipper.ledger.operations import Operation
from shipper.ledger.pool import make_async_pool, make_pool
from tests.ledger.book import Book, put, read
from tests.ledger.builders import NOW, envelope, settings_of, waiting
from tests.ledger.conftest import PATIENCE_MS
from tests.ledger.fake_redis import Command, answering, deaf_port, fake_redis, hanging_up, silent
from tests.support.servers import RedisServer, StartServer
from tests.support.waiting import until

SETTINGS = settings_of()
BUDGET_MS = 1000
"""A budget that runs out: long enough that a busy machine sends a request in it."""
SLACK_MS = 15_000
"""What a busy machine may add to a budget: without one a test would wait for ever."""
ENQUEUE = operations.enqueue([envelope("E1")], SETTINGS, now=NOW)
PEEK = operations.peek(envelope("E1"), now=NOW)

Ask = Callable[..., Any]


def ask_blocking(
    url: str, operation: Operation[Any], *, budget_ms: int = PATIENCE_MS, connects_ms: int = PATIENCE_MS
) -> Any:
    pool = make_pool(url, budget_ms=connects_ms)
    try:
        return Ledger(pool, budget_ms=budget_ms).run(operation)
    finally:
        pool.disconnect()


def ask_without_blocking(
    url: str, operation: Operation[Any], *, budget_ms: int = PATIENCE_MS, connects_ms: int = PATIENCE_MS
) -> Any:
    async def ask() -> Any:
        pool = make_async_pool(url, budget_ms=connects_ms)
        try:
            return await AsyncLedger(pool, budget_ms=budget_ms).run(operation)
        finally:
            await pool.disconnect()

    return asyncio.run(ask())


@pytest.fixture(params=[ask_blocking, ask_without_blocking], ids=["blocking", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    return request.param  # type: ignore[no-any-return]


@contextmanager
def within_budget() -> Iterator[None]:
    start = time.monotonic()
    yield
    took_ms = (time.monotonic() - start) * 1000
    assert took_ms < BUDGET_MS + SLACK_MS


def raised_by(ask: Ask, url: str, **budgets: int) -> LedgerUnavailableError:
    with pytest.raises(LedgerUnavailableError) as caught, within_budget():
        ask(url, ENQUEUE, **budgets)
    return caught.value


def in_a_moment() -> int:
    """Return when a budget is used up that begins now."""
    return time.monotonic_ns() // 1_000_000 + BUDGET_MS


NUMBER: Operation[int] = Operation("status", ("",), int)
"""An operation that reads a number."""


# Connections


def test_a_refused_connection_accepted_nothing(ask: Ask) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{unused.getsockname()[1]}/0"

        error = raised_by(ask, url)

    assert type(error) is LedgerUnavailableError


def test_a_port_that_swallows_every_syn_costs_no_more_than_the_budget(ask: Ask) -> None:
    with deaf_port() as url:
        error = raised_by(ask, url, budget_ms=300, connects_ms=300)

    assert type(error) is LedgerUnavailableError


def test_an_unknown_host_accepted_nothing(ask: Ask) -> None:
    with pytest.raises(LedgerUnavailableError) as caught:
        ask("redis://no-such-host.invalid:6379/0", ENQUEUE)

    assert type(caught.value) is LedgerUnavailableError


def test_a_half_open_connection_costs_no_more_than_the_budget_and_is_unclear(ask: Ask) -> None:
    with fake_redis(silent) as url:
        error = raised_by(ask, url, budget_ms=BUDGET_MS)

    assert type(error) is ReplyLostError


def test_a_server_that_hangs_up_instead_of_answering_is_unclear(ask: Ask) -> None:
    with fake_redis(hanging_up) as url:
        error = raised_by(ask, url)

    assert type(error) is ReplyLostError


def test_an_answer_may_take_more_of_the_budget_than_a_step_of_connecting(ask: Ask) -> None:
    def late(_command: Command, connection: socket.socket) -> None:
        threading.Event().wait(1.1)
        connection.sendall(b":1\r\n")

    with fake_redis(late) as url:
        assert ask(url, NUMBER, connects_ms=3000) == 1


def test_half_an_answer_is_unclear(ask: Ask) -> None:
    with fake_redis(answering(b"*2\r\n$2\r\nok")) as url:
        error = raised_by(ask, url, budget_ms=BUDGET_MS)

    assert type(error) is ReplyLostError


def test_a_server_that_freezes_is_unclear_and_then_the_event_is_known(
    ask: Ask, private_server: StartServer
) -> None:
    server = private_server()
    ask(server.url, PEEK)
    pool = make_pool(server.url, budget_ms=PATIENCE_MS)
    ledger = Ledger(pool, budget_ms=PATIENCE_MS)
    ledger.run(ENQUEUE)
    once, again = (
        operations.enqueue([envelope("E2", explicit=explicit)], SETTINGS, now=NOW)
        for explicit in (False, True)
    )

    server.freeze()
    with pytest.raises(ReplyLostError), within_budget():
        ledger.run(once, until=in_a_moment())
    server.thaw()

    assert ask(server.url, again)[0].word in {"ok", "dup"}
    with server.client() as client:
        assert read(client).lanes == {"ann": ["E1", "E2"]}
    pool.disconnect()


async def test_a_request_that_left_in_part_is_unclear_and_no_more_of_it_leaves_later(
    private_server: StartServer,
) -> None:
    server = private_server()
    pool = make_async_pool(server.url, budget_ms=PATIENCE_MS)
    ledger = AsyncLedger(pool, budget_ms=PATIENCE_MS)
    await ledger.run(ENQUEUE)
    more_than_sockets_hold = replace(envelope("E2"), body=b"." * 32_000_000)

    server.freeze()
    with pytest.raises(ReplyLostError):
        await ledger.run(operations.enqueue([more_than_sockets_hold], SETTINGS, now=NOW), until=in_a_moment())
    server.thaw()

    with server.client() as client:
        await asyncio.to_thread(until, lambda: len(client.client_list()) == 1)
        assert read(client).rec.keys() == {"E1"}


async def test_a_cancelled_request_that_left_in_part_leaves_no_further(private_server: StartServer) -> None:
    server = private_server()
    pool = make_async_pool(server.url, budget_ms=PATIENCE_MS)
    ledger = AsyncLedger(pool, budget_ms=PATIENCE_MS)
    await ledger.run(ENQUEUE)
    more_than_sockets_hold = replace(envelope("E2"), body=b"." * 32_000_000)
    server.freeze()
    call = asyncio.create_task(ledger.run(operations.enqueue([more_than_sockets_hold], SETTINGS, now=NOW)))
    await asyncio.sleep(0.1)

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    server.thaw()

    with server.client() as client:
        await asyncio.to_thread(until, lambda: len(client.client_list()) == 1)
        assert read(client).rec.keys() == {"E1"}


# Answers

REFUSALS = {
    "loading its file": b"-LOADING Redis is loading the dataset in memory\r\n",
    "busy with a script": b"-BUSY Redis is busy running a script.\r\n",
    "a replica": b"-READONLY You can't write against a read only replica.\r\n",
    "a replica without its master": b"-MASTERDOWN Link with MASTER is down\r\n",
    "another node of the cluster": b"-MOVED 3999 127.0.0.1:6381\r\n",
    "a slot on its way": b"-ASK 3999 127.0.0.1:6381\r\n",
    "a slot on its way, not whole": b"-TRYAGAIN Multiple keys request during rehashing of slot\r\n",
    "a cluster that is down": b"-CLUSTERDOWN Hash slot not served\r\n",
    "unable to write its file": b"-MISCONF Errors writing to the AOF file: No space left on device\r\n",
    "short of replicas": b"-NOREPLICAS Not enough good replicas to write.\r\n",
    "out of connections": b"-ERR max number of clients reached\r\n",
    "closed to us": b"-NOAUTH Authentication required.\r\n",
}


@pytest.mark.parametrize("reply", REFUSALS.values(), ids=REFUSALS.keys())
def test_a_redis_that_refuses_has_changed_nothing(ask: Ask, reply: bytes) -> None:
    with fake_redis(answering(reply)) as url:
        error = raised_by(ask, url)

    assert type(error) is LedgerUnavailableError
    assert str(error).startswith("Redis refused the request: ")
    assert isinstance(error.__cause__, RedisError)


def test_a_full_redis_says_full(ask: Ask) -> None:
    reply = b"-OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'\r\n"

    with fake_redis(answering(reply)) as url, pytest.raises(LedgerFullError, match="maxmemory"):
        ask(url, ENQUEUE)


BROKEN = {
    "a key of the wrong type": b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n",
    "an error in the script": b"-ERR user_script:52: attempt to perform arithmetic on a nil value\r\n",
    "something never heard of": b"-WHATEVER happened\r\n",
}


@pytest.mark.parametrize("reply", BROKEN.values(), ids=BROKEN.keys())
def test_a_script_that_failed_on_its_way_is_unclear(ask: Ask, reply: bytes) -> None:
    with fake_redis(answering(reply)) as url:
        error = raised_by(ask, url)

    assert type(error) is ReplyLostError
    assert "script failed" in str(error)


def test_a_user_without_the_right_is_named_with_what_is_missing_and_has_changed_nothing(ask: Ask) -> None:
    reply = b"-NOPERM this user has no permissions to run the 'evalsha' command\r\n"

    with fake_redis(answering(reply)) as url:
        error = raised_by(ask, url)

    assert type(error) is ForbiddenError
    assert str(error) == (
        "Redis does not let the user default do this (this user has no permissions to run the 'evalsha'"
        " command): docs/acl.md and deploy/acl/users.template say which rights each user needs"
    )
    assert not isinstance(error, ReplyLostError)


FORBIDDEN = {
    "by Redis 7.0": b"-ERR The user executing the script can't run this command or subcommand\r\n",
    "by later ones and Valkey": b"-ERR ACL failure in script: User x has no permissions\r\n",
}


@pytest.mark.parametrize("reply", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_a_right_that_is_missing_in_mid_script_is_named_and_unclear(ask: Ask, reply: bytes) -> None:
    with fake_redis(answering(reply)) as url:
        error = raised_by(ask, url)

    assert type(error) is ForbiddenMidwayError
    assert isinstance(error, ReplyLostError)
    assert "does not let the user default do this" in str(error)


# Real refusals


def test_a_wrong_password_is_refused_and_not_repeated(ask: Ask, private_server: StartServer) -> None:
    server = private_server(password="letmein")

    with pytest.raises(LedgerUnavailableError) as caught:
        ask(f"redis://:canary-password@127.0.0.1:{server.port}/0", ENQUEUE)

    assert type(caught.value) is LedgerUnavailableError
    assert "canary" not in str(caught.value)
    assert ask(server.url, ENQUEUE)[0].word == "ok"


@pytest.mark.parametrize("on", ["redis7", "valkey9"])
def test_a_replica_refuses_what_writes_and_answers_what_reads(
    on: str, ask: Ask, private_server: StartServer
) -> None:
    server = private_server(on=on)
    with server.client() as client:
        put(client, waiting("ann", "E1"))
        client.replicaof("127.0.0.1", "1")

        with pytest.raises(LedgerUnavailableError) as caught:
            ask(server.url, operations.sweep(SETTINGS, now=NOW))

        assert type(caught.value) is LedgerUnavailableError
        assert ask(server.url, PEEK) == ("E1", "fp-E1")
        assert read(client) == waiting("ann", "E1")
        client.replicaof("NO", "ONE")
    again = operations.enqueue([envelope("E1", explicit=True)], SETTINGS, now=NOW)
    assert ask(server.url, again)[0].word == "dup"


@pytest.mark.parametrize("on", ["redis7", "valkey9"])
def test_a_redis_that_is_busy_with_a_script_works_again_after_it(
    on: str, ask: Ask, private_server: StartServer
) -> None:
    server = private_server(on=on, options={"busy-reply-threshold": "1"})
    hog = threading.Thread(target=_hog, args=(server,))
    hog.start()
    with server.client() as client:
        until(lambda: _is_busy(client))

        with pytest.raises(LedgerUnavailableError) as caught:
            ask(server.url, ENQUEUE)

        assert type(caught.value) is LedgerUnavailableError
        client.script_kill()
    hog.join()
    assert ask(server.url, ENQUEUE)[0].word == "ok"


def _hog(server: RedisServer) -> None:
    with server.client(timeout_s=30) as client, pytest.raises(RedisError):
        client.eval("while true do end", 0)


def _is_busy(client: Redis) -> bool:
    try:
        client.get("x")
    except RedisError as error:
        return "busy" in str(error).lower()
    return False


def test_a_killed_server_works_again_when_it_is_back(private_server: StartServer) -> None:
    server = private_server(options={"appendonly": "yes", "appendfsync": "always"})
    pool = make_pool(server.url, budget_ms=PATIENCE_MS)
    ledger = Ledger(pool, budget_ms=PATIENCE_MS)
    ledger.run(ENQUEUE)

    server.kill()
    with pytest.raises(LedgerUnavailableError):
        ledger.run(PEEK)
    server.start()

    assert ledger.run(PEEK) == ("E1", "fp-E1")
    pool.disconnect()


# Scripts


def test_scripts_that_were_flushed_are_taught_again(ask: Ask, server: RedisServer, redis: Redis) -> None:
    ask(server.url, ENQUEUE)

    redis.script_flush()

    again = operations.enqueue([envelope("E1", explicit=True)], SETTINGS, now=NOW)
    assert ask(server.url, again)[0].word == "dup"
    assert ask(server.url, PEEK) == ("E1", "fp-E1")


def test_a_script_is_taught_once_and_then_called_by_its_digest(
    ask: Ask, server: RedisServer, redis: Redis
) -> None:
    redis.script_flush()
    redis.config_resetstat()

    for _ in range(3):
        ask(server.url, PEEK)

    stats = redis.info("commandstats")
    assert stats["cmdstat_eval_ro"]["calls"] == 1
    assert stats["cmdstat_evalsha_ro"]["calls"] == 3


# The connection afterwards


class LateAnswers:
    """Answer each command with its number; the first only when told to."""

    def __init__(self) -> None:
        self.commands = 0
        self.first_came = threading.Event()
        self.first_may_go = threading.Event()
        self.first_went = threading.Event()

    def __call__(self, _command: Command, connection: socket.socket) -> None:
        self.commands += 1
        number = self.commands
        if number == 1:
            self.first_came.set()
            self.first_may_go.wait(30)
        try:
            connection.sendall(b":%d\r\n" % number)
        finally:
            if number == 1:
                self.first_went.set()


def test_a_late_answer_is_never_taken_for_the_next_ones() -> None:
    play = LateAnswers()
    with fake_redis(play) as url:
        pool = make_pool(url, budget_ms=PATIENCE_MS)
        ledger = Ledger(pool, budget_ms=PATIENCE_MS)

        with pytest.raises(ReplyLostError):
            ledger.run(NUMBER, until=in_a_moment())
        play.first_may_go.set()
        play.first_went.wait(30)

        assert ledger.run(NUMBER) == 2
        pool.disconnect()


async def test_a_late_answer_is_never_taken_for_the_next_ones_in_a_loop() -> None:
    play = LateAnswers()
    with fake_redis(play) as url:
        pool = make_async_pool(url, budget_ms=PATIENCE_MS)
        ledger = AsyncLedger(pool, budget_ms=PATIENCE_MS)

        with pytest.raises(ReplyLostError):
            await ledger.run(NUMBER, until=in_a_moment())
        play.first_may_go.set()
        await asyncio.to_thread(play.first_went.wait, 30)

        assert await ledger.run(NUMBER) == 2
        await pool.disconnect()


async def test_a_cancelled_call_leaves_a_pool_that_works() -> None:
    play = LateAnswers()
    with fake_redis(play) as url:
        pool = make_async_pool(url, budget_ms=PATIENCE_MS)
        ledger = AsyncLedger(pool, budget_ms=PATIENCE_MS)
        call = asyncio.create_task(ledger.run(NUMBER))
        await asyncio.to_thread(play.first_came.wait, 30)

        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        play.first_may_go.set()

        assert await ledger.run(NUMBER) == 2
        assert len(pool._in_use_connections) == 0
        await pool.disconnect()


async def test_a_call_that_is_cancelled_while_it_connects_leaves_a_pool_that_works() -> None:
    with deaf_port() as url:
        pool = make_async_pool(url, budget_ms=PATIENCE_MS)
        call = asyncio.create_task(AsyncLedger(pool, budget_ms=PATIENCE_MS).run(NUMBER))
        await asyncio.sleep(0.01)

        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

        assert len(pool._in_use_connections) == 0
        await pool.disconnect()


async def test_many_calls_share_a_pool(server: RedisServer, redis: Redis) -> None:
    pool = make_async_pool(server.url, budget_ms=PATIENCE_MS)
    ledger = AsyncLedger(pool, budget_ms=PATIENCE_MS)
    envelopes = [envelope(f"E{i}", f"c{i}") for i in range(50)]

    answers = await asyncio.gather(
        *(ledger.run(operations.enqueue([one], SETTINGS, now=NOW)) for one in envelopes)
    )

    assert [one.word for (one,) in answers] == ["ok"] * 50
    assert read(redis).n["waiting"] == 50
    await pool.disconnect()


class Interrupted(redis_py.Connection):
    """A connection whose reader is interrupted once, as Celery's time limit or Ctrl-C would."""

    interrupt = True

    def read_response(self, *args: Any, **given: Any) -> Any:
        if Interrupted.interrupt:
            Interrupted.interrupt = False
            raise KeyboardInterrupt
        return super().read_response(*args, **given)


def test_an_interrupted_call_leaves_no_answer_for_the_next_one(redis: Redis, server: RedisServer) -> None:
    put(redis, waiting("ann", "E1"))
    pool = redis_py.ConnectionPool(
        connection_class=Interrupted, host="127.0.0.1", port=server.port, protocol=2
    )
    pool.connection_kwargs["driver_info"] = None
    ledger = Ledger(pool, budget_ms=PATIENCE_MS)
    Interrupted.interrupt = True

    with pytest.raises(KeyboardInterrupt):
        ledger.run(operations.status(now=NOW))

    assert pool._available_connections[0]._sock is None
    assert ledger.run(PEEK) == ("E1", "fp-E1")
    pool.disconnect()


def test_the_budget_may_be_what_is_left_of_another() -> None:
    with fake_redis(silent) as url:
        pool = make_pool(url, budget_ms=PATIENCE_MS)
        ledger = Ledger(pool, budget_ms=PATIENCE_MS)

        with pytest.raises(ReplyLostError), within_budget():
            ledger.run(ENQUEUE, until=in_a_moment())
        with pytest.raises(LedgerUnavailableError) as caught:
            ledger.run(ENQUEUE, until=time.monotonic_ns() // 1_000_000 - 1)

        assert type(caught.value) is LedgerUnavailableError
        pool.disconnect()


def test_a_plain_command_is_answered_or_refused_in_the_same_words(server: RedisServer, redis: Redis) -> None:
    put(redis, Book(forged={"n": b"boom"}))
    pool = make_pool(server.url, budget_ms=PATIENCE_MS)
    ledger = Ledger(pool, budget_ms=PATIENCE_MS)

    assert ledger.ask("EXISTS", "{shipper:default}:n") == 1
    with pytest.raises(ReplyLostError, match="WRONGTYPE"):
        ledger.ask("HGETALL", "{shipper:default}:n")
    assert ledger.ask("EXISTS", "{shipper:default}:n") == 1
    pool.disconnect()
