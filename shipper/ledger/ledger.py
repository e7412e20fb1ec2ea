"""Carry out operations on Redis: one script call each, within a budget, blocking or not.

The only place that talks to the server. It uses redis-py's connections but not its command layer: that
one resends commands by itself, and what an enqueue may promise depends on knowing whether the request
left, was answered, or neither.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import redis
import redis.asyncio
from hiredis import pack_command
from redis.exceptions import NoScriptError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from shipper.clock import monotonic_ms
from shipper.ledger.failure import (
    REFUSALS,
    ReplicasBehindError,
    meaning_of,
    nothing_left,
    replicas_behind,
    reply_lost,
)
from shipper.ledger.keys import key_of
from shipper.ledger.operations import Operation
from shipper.ledger.pool import AsyncPool, Pool
from shipper.ledger.scripts import Script, load

T = TypeVar("T")


Connection = redis.Connection
AsyncConnection = redis.asyncio.connection.AbstractConnection

LATE_MS: Final = 120
"""Redis looks ten times a second (`hz`) which WAITs have run out: so long before our own end, theirs is."""


class Ledger:
    """The durable book of one account's events."""

    def __init__(self, pool: Pool, account: str = "default", *, budget_ms: int = 5000) -> None:
        self.account = account
        self.pool = pool
        self.budget_ms = budget_ms

    def run(self, operation: Operation[T], *, until: int | None = None) -> T:
        """Carry an operation out before `until` (monotonic ms), or within the budget.

        Raise LedgerFullError, LedgerUnavailableError (nothing was changed), ReplyLostError or, of an
        operation that waits for replicas, ReplicasBehindError.
        """
        script, replicas = load(operation.script), operation.replicas
        until = until or monotonic_ms() + self.budget_ms
        connection = _connect(self.pool)
        try:
            try:
                reply = _ask(connection, evalsha(script, self.account, operation), until, replicas)
            except NoScriptError:
                if replicas:
                    connection.disconnect()  # the WAIT sent with it may hold this one up
                reply = _ask(connection, evaluate(script, self.account, operation), until, replicas)
            answer = operation.read(reply)
            if replicas:
                _hear_replicas(connection, replicas, answer, until)
        except (ResponseError, *REFUSALS) as error:
            connection.disconnect()  # a replica or a loading server is not the one to ask again
            raise meaning_of(error, user=self.pool.connection_kwargs.get("username")) from error
        except BaseException:
            connection.disconnect()  # a time limit or Ctrl-C may come between the request and its answer
            raise
        finally:
            self.pool.release(connection)
        return answer

    def ask(self, *command: str | int) -> Any:
        """Send one plain command that only reads (HSCAN, ZRANGE ...); raise as `run` does."""
        connection = _connect(self.pool)
        try:
            return _ask(connection, command, monotonic_ms() + self.budget_ms)
        except (ResponseError, *REFUSALS) as error:
            connection.disconnect()
            raise meaning_of(error, user=self.pool.connection_kwargs.get("username")) from error
        except BaseException:
            connection.disconnect()
            raise
        finally:
            self.pool.release(connection)


class AsyncLedger:
    """The same book, for an event loop."""

    def __init__(self, pool: AsyncPool, account: str = "default", *, budget_ms: int = 5000) -> None:
        self.account = account
        self.pool = pool
        self.budget_ms = budget_ms

    async def run(self, operation: Operation[T], *, until: int | None = None) -> T:
        """Carry an operation out; raise as `Ledger.run` does. Cancelling it drops the connection."""
        script, replicas = load(operation.script), operation.replicas
        until = until or monotonic_ms() + self.budget_ms
        connection = await _aconnect(self.pool, until)
        try:
            try:
                reply = await _aask(connection, evalsha(script, self.account, operation), until, replicas)
            except NoScriptError:
                if replicas:
                    await connection.disconnect(nowait=True)
                reply = await _aask(connection, evaluate(script, self.account, operation), until, replicas)
            answer = operation.read(reply)
            if replicas:
                await _ahear_replicas(connection, replicas, answer, until)
        except (ResponseError, *REFUSALS) as error:
            await connection.disconnect(nowait=True)
            raise meaning_of(error, user=self.pool.connection_kwargs.get("username")) from error
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        finally:
            await self.pool.release(connection)
        return answer


def evalsha(script: Script, account: str, operation: Operation[Any]) -> tuple[Any, ...]:
    """Return the command that runs a script Redis has seen before."""
    return (
        "EVALSHA_RO" if script.reads_only else "EVALSHA",
        script.sha,
        1,
        key_of(account, script.keys[0]),
        *operation.args,
    )


def evaluate(script: Script, account: str, operation: Operation[Any]) -> tuple[Any, ...]:
    """Return the command that teaches Redis a script and runs it."""
    return ("EVAL_RO" if script.reads_only else "EVAL", script.text, *evalsha(script, account, operation)[2:])


def _connect(pool: Pool) -> Connection:
    with nothing_left():
        connection: Connection = pool.get_connection()
        return connection


async def _aconnect(pool: AsyncPool, until: int) -> redis.asyncio.connection.AbstractConnection:
    with nothing_left():
        async with asyncio.timeout(_seconds_left(until)):
            connection: AsyncConnection = await pool.get_connection()
            return connection


def _ask(connection: Connection, command: tuple[Any, ...], until: int, replicas: int = 0) -> Any:
    with nothing_left():
        timeout = _seconds_left(until)
        if not connection.is_connected:
            connection.connect()
        packed = _packed(command, replicas, until)
    with reply_lost() if replicas else nothing_left():  # the script may have left whole, and its WAIT not
        connection.send_packed_command(packed, check_health=False)
    with reply_lost():
        return connection.read_response(timeout=timeout)


def _hear_replicas(connection: Connection, wanted: int, answer: Any, until: int) -> None:
    with replicas_behind(wanted, answer):
        _check_acknowledged(connection.read_response(timeout=_seconds_left(until)), wanted, answer)


async def _aask(connection: AsyncConnection, command: tuple[Any, ...], until: int, replicas: int) -> Any:
    with nothing_left():
        timeout = _seconds_left(until)
        if not connection.is_connected:
            async with asyncio.timeout(timeout):
                await connection.connect()
        packed = _packed(command, replicas, until)
    # Lost already while it is written: how much of its buffer has left, asyncio does not tell.
    with _nothing_leaves_later(connection), reply_lost():
        async with asyncio.timeout(timeout):
            await connection.send_packed_command(packed, check_health=False)
        async with asyncio.timeout(_seconds_left(until)):
            return await connection.read_response()


async def _ahear_replicas(connection: AsyncConnection, wanted: int, answer: Any, until: int) -> None:
    with replicas_behind(wanted, answer):
        async with asyncio.timeout(_seconds_left(until)):
            acknowledged = await connection.read_response()
        _check_acknowledged(acknowledged, wanted, answer)


def _packed(command: tuple[Any, ...], replicas: int, until: int) -> list[bytes]:
    """Return what is written: the command, and behind it in the same write WAIT, where anybody is waited for.

    hiredis at first hand: redis-py's way to it takes twice as long as the packing.
    """
    packed = pack_command(command)
    if replicas:
        left_ms = until - monotonic_ms()
        wait: tuple[Any, ...] = ("WAIT", replicas, max(left_ms - LATE_MS, left_ms // 2, 1))
        packed += pack_command(wait)
    return [packed]


def _check_acknowledged(acknowledged: int, wanted: int, answer: Any) -> None:
    if acknowledged < wanted:
        message = f"{acknowledged} of {wanted} replica(s) acknowledged it in time"
        raise ReplicasBehindError(message, answer=answer)


def _seconds_left(until: int) -> float:
    left = until - monotonic_ms()
    if left <= 0:
        raise RedisTimeoutError("the budget of the call is used up")
    return left / 1000


@contextmanager
def _nothing_leaves_later(connection: AsyncConnection) -> Iterator[None]:
    """Drop what asyncio has buffered of a request that failed.

    Closing would still send it: long after the caller was answered, and may have enqueued it anew.
    """
    # Read before anything is sent, for redis-py closes and forgets its writer when sending fails.
    writer = connection._writer  # noqa: SLF001 - redis-py has no way to abort
    try:
        yield
    except (ResponseError, *REFUSALS):
        raise
    except BaseException:
        if writer is not None:
            writer.transport.abort()
        raise
