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
from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from shipper.clock import monotonic_ms
from shipper.errors import LedgerFullError, LedgerUnavailableError
from shipper.ledger.keys import key_of
from shipper.ledger.operations import Operation
from shipper.ledger.pool import AsyncPool, Pool
from shipper.ledger.scripts import Script, load

T = TypeVar("T")


Connection = redis.Connection
AsyncConnection = redis.asyncio.connection.AbstractConnection

REFUSALS: Final = (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    NoPermissionError,
    ReadOnlyError,
    TryAgainError,
)
"""Answers with which Redis says that it did not run the script; some are connection errors to redis-py."""
REFUSED_WITH: Final = ("BUSY", "MISCONF", "NOREPLICAS", "max number of clients", "Protocol error: unauth")


class ReplyLostError(LedgerUnavailableError):
    """Say that the request left and its answer did not come: it may have been carried out."""


class Ledger:
    """The durable book of one account's events."""

    def __init__(self, pool: Pool, account: str = "default", *, budget_ms: int = 5000) -> None:
        self.account = account
        self.pool = pool
        self.budget_ms = budget_ms

    def run(self, operation: Operation[T], *, until: int | None = None) -> T:
        """Carry an operation out before `until` (monotonic ms), or within the budget.

        Raise LedgerFullError, LedgerUnavailableError (nothing was changed) or ReplyLostError.
        """
        script = load(operation.script)
        until = until or monotonic_ms() + self.budget_ms
        connection = _connect(self.pool)
        try:
            try:
                reply = _ask(connection, evalsha(script, self.account, operation), until)
            except NoScriptError:
                reply = _ask(connection, evaluate(script, self.account, operation), until)
        except (ResponseError, *REFUSALS) as error:
            connection.disconnect()  # a replica or a loading server is not the one to ask again
            raise _meaning_of(error) from error
        except BaseException:
            connection.disconnect()  # a time limit or Ctrl-C may come between the request and its answer
            raise
        finally:
            self.pool.release(connection)
        return operation.read(reply)

    def ask(self, *command: str | int) -> Any:
        """Send one plain command that only reads (HSCAN, ZRANGE ...); raise as `run` does."""
        connection = _connect(self.pool)
        try:
            return _ask(connection, command, monotonic_ms() + self.budget_ms)
        except (ResponseError, *REFUSALS) as error:
            connection.disconnect()
            raise _meaning_of(error) from error
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
        script = load(operation.script)
        until = until or monotonic_ms() + self.budget_ms
        connection = await _aconnect(self.pool, until)
        try:
            with _nothing_leaves_later(connection):
                try:
                    reply = await _aask(connection, evalsha(script, self.account, operation), until)
                except NoScriptError:
                    reply = await _aask(connection, evaluate(script, self.account, operation), until)
        except (ResponseError, *REFUSALS) as error:
            await connection.disconnect(nowait=True)
            raise _meaning_of(error) from error
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        finally:
            await self.pool.release(connection)
        return operation.read(reply)


def evalsha(script: Script, account: str, operation: Operation[Any]) -> tuple[Any, ...]:
    """Return the command that runs a script Redis has seen before."""
    return (
        "EVALSHA_RO" if script.reads_only else "EVALSHA",
        script.sha,
        len(script.keys),
        *(key_of(account, key) for key in script.keys),
        *operation.args,
    )


def evaluate(script: Script, account: str, operation: Operation[Any]) -> tuple[Any, ...]:
    """Return the command that teaches Redis a script and runs it."""
    return ("EVAL_RO" if script.reads_only else "EVAL", script.text, *evalsha(script, account, operation)[2:])


def _connect(pool: Pool) -> Connection:
    with _nothing_left():
        connection: Connection = pool.get_connection()
        return connection


async def _aconnect(pool: AsyncPool, until: int) -> redis.asyncio.connection.AbstractConnection:
    with _nothing_left():
        async with asyncio.timeout(_seconds_left(until)):
            connection: AsyncConnection = await pool.get_connection()
            return connection


def _ask(connection: Connection, command: tuple[Any, ...], until: int) -> Any:
    with _nothing_left():
        timeout = _seconds_left(until)
        connection.send_packed_command(connection.pack_command(*command), check_health=False)
    with _reply_lost():
        return connection.read_response(timeout=timeout)


async def _aask(
    connection: redis.asyncio.connection.AbstractConnection, command: tuple[Any, ...], until: int
) -> Any:
    with _nothing_left():
        timeout = _seconds_left(until)
        packed = connection.pack_command(*command)
    with _reply_lost():  # already while it is written: how much of its buffer has left, asyncio does not tell
        async with asyncio.timeout(timeout):
            await connection.send_packed_command(packed, check_health=False)
        async with asyncio.timeout(_seconds_left(until)):
            return await connection.read_response()


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


@contextmanager
def _nothing_left() -> Iterator[None]:
    """A request that did not leave whole was not carried out: Redis runs no half command."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise LedgerUnavailableError(f"Redis did not take the request: {error}") from error


@contextmanager
def _reply_lost() -> Iterator[None]:
    try:
        yield
    except REFUSALS:
        raise
    except (RedisConnectionError, RedisTimeoutError, OSError) as error:
        if str(error).startswith(REFUSED_WITH):  # too many clients: a connection error to redis-py
            raise LedgerUnavailableError(f"Redis refused the request: {error}") from error
        raise ReplyLostError(f"Redis took the request, and its answer did not come: {error}") from error


def _meaning_of(error: RedisError) -> LedgerUnavailableError | LedgerFullError:
    """Turn Redis' refusal into ours."""
    if isinstance(error, OutOfMemoryError):
        return LedgerFullError(
            "Redis is full (maxmemory): nothing was accepted; free memory or raise maxmemory"
        )
    if isinstance(error, REFUSALS) or str(error).startswith(REFUSED_WITH):
        return LedgerUnavailableError(f"Redis refused the request: {error}")
    return ReplyLostError(f"the ledger's script failed: {error}")
