"""Make connection pools with our own timeouts; redis-py's defaults wait for seconds and resend writes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any, Final
from weakref import WeakSet

import redis
import redis.asyncio
from redis._parsers import _HiredisParser
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from shipper.clock import monotonic_ms
from shipper.errors import Problem, SettingsError
from shipper.settings import NO_URL

Pool = redis.ConnectionPool
AsyncPool = redis.asyncio.ConnectionPool
Redis = redis.Redis
AsyncRedis = redis.asyncio.Redis

_QUIET: Final = MaintNotificationsConfig(enabled=False)
_STEPS: Final = 3
"""Connecting, AUTH and SELECT each may take a third of the budget, so that their sum keeps it."""
MOST_CONNECTIONS: Final = 10_000
"""Threads that may ask at once: as many as Redis lets in by default. redis-py refuses the 101st, unasked."""
_lasting: Final[WeakSet[Pool]] = WeakSet()
"""Pools that a forked child may go on with."""


class PunctualParser(_HiredisParser):
    """Read an answer within its timeout as a whole. To redis-py it holds for each read: a drip never ends."""

    _until = 0

    def read_response(self, *given: Any, **named: Any) -> Any:
        """Read one answer; `timeout`, in seconds, is for all of it. Without one the socket's own holds."""
        timeout = named.get("timeout")
        seconds = timeout if isinstance(timeout, (int, float)) else self._socket_timeout
        self._until = monotonic_ms() + int(seconds * 1000)
        return super().read_response(*given, **named)

    def read_from_socket(self, *_: Any, **__: Any) -> Any:
        """Wait for the next piece as long as there is time.

        As a rule in turns of the socket's own timeout: to set another and set it back takes two system calls.
        """
        while True:
            left = (self._until - monotonic_ms()) / 1000
            if left <= 0:
                raise RedisTimeoutError("the answer was not whole in time")
            if left < self._socket_timeout:
                return super().read_from_socket(timeout=left)  # type: ignore[no-untyped-call]
            if super().read_from_socket(raise_on_timeout=False):  # type: ignore[no-untyped-call]
                return True


class PromptPool(Pool):
    """Give and take connections without redis-py's telemetry and events, which nobody here listens to.

    They cost an enqueue 10 of its 100 µs. Whatever is not the plain case is left to redis-py.
    """

    def get_connection(self, *given: Any, **named: Any) -> Any:
        """Return the connection that was used last, unless it has to be opened or mended."""
        self._checkpid()
        with self._lock:
            idle = self._available_connections
            if idle and _is_quiet(idle[-1]):
                connection = idle.pop()
                self._in_use_connections.add(connection)
                return connection
        return super().get_connection(*given, **named)

    def release(self, connection: Any) -> None:
        """Take a connection back."""
        self._checkpid()
        with self._lock:
            taken = self._in_use_connections
            if connection in taken and connection.pid == self.pid and not connection.should_reconnect():
                taken.remove(connection)
                self._available_connections.append(connection)
                return
        super().release(connection)


class PatientPool(AsyncPool):
    """Let callers wait for a connection while all are in use, as long as they like: redis-py refuses them.

    Without its telemetry, as `PromptPool`.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._free = asyncio.Semaphore(self.max_connections)

    async def get_connection(self, *_: Any, **__: Any) -> Any:
        """Return a connection that is open, once there is one to have."""
        await self._free.acquire()
        try:
            connection = self.get_available_connection()  # type: ignore[no-untyped-call]
        except BaseException:
            self._free.release()
            raise
        try:
            await self.ensure_connection(connection)
        except BaseException:
            await self.release(connection)
            raise
        return connection

    async def release(self, connection: Any) -> None:
        """Take a connection back."""
        try:
            await super().release(connection)
        finally:
            self._free.release()


def outlast_forks(pool: Pool) -> Pool:
    """Let forked children use the pool, even if a thread of their parent held its locks at that moment."""
    _lasting.add(pool)
    return pool


def _renew_locks() -> None:
    for pool in _lasting:
        pool._lock, pool._fork_lock = RLock(), RLock()  # noqa: SLF001 - redis-py waits for the old ones


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)


def _is_quiet(connection: Any) -> bool:
    """Tell whether a connection is open and nothing has come that nobody asked for, not even its end."""
    try:
        return connection.is_connected and not connection._parser.can_read(0)  # noqa: SLF001 - `can_read` connects
    except (RedisError, OSError):
        return False


def make_pool(url: str, *, budget_ms: int) -> Pool:
    """Return a pool for threads, safe across forks, whose connections open within `budget_ms` or fail.

    Raise SettingsError for a URL that redis-py cannot use.
    """
    seconds = budget_ms / _STEPS / 1000
    with _usable():
        pool = PromptPool.from_url(
            url,
            protocol=2,  # RESP3 would cost a HELLO more for each connection
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            **_keepalive(url),
            retry=Retry(NoBackoff(), 0),
            driver_info=None,  # CLIENT SETINFO would cost two round trips more
            maint_notifications_config=_QUIET,
            parser_class=PunctualParser,
            max_connections=MOST_CONNECTIONS,
        )
        _check(pool)
    return outlast_forks(pool)


def make_async_pool(url: str, *, budget_ms: int) -> AsyncPool:
    """Return the same for one event loop."""
    seconds = budget_ms / _STEPS / 1000
    with _usable():
        pool = PatientPool.from_url(
            url,
            protocol=2,
            socket_timeout=None,  # AsyncLedger has a deadline; redis-py's wait_for may swallow a cancellation
            socket_connect_timeout=seconds,
            **_keepalive(url),
            retry=redis.asyncio.retry.Retry(NoBackoff(), 0),
            driver_info=None,
        )
        _check(pool)
    return pool


def _check(pool: Pool | AsyncPool) -> None:
    """Refuse options that redis-py's URL lets through, before an event is accepted and nobody can say so."""
    if decodes(pool):
        raise SettingsError([Problem("SHIPPER_REDIS_URL", "has decode_responses: leave it out")])
    try:
        pool.connection_class(**pool.connection_kwargs)
    except TypeError:
        raise SettingsError(
            [Problem("SHIPPER_REDIS_URL", "has an option that redis-py does not know")]
        ) from None


def decodes(pool: Pool | AsyncPool) -> bool:
    """Tell whether answers come as text: the ledger's are bytes, and what was accepted would raise."""
    return bool(pool.connection_kwargs.get("decode_responses"))


def _keepalive(url: str) -> dict[str, bool]:
    """Ask for keepalive where there is any: redis-py refuses the option for a socket file."""
    return {} if url.startswith("unix:") else {"socket_keepalive": True}


@contextmanager
def _usable() -> Iterator[None]:
    try:
        yield
    except ValueError:
        # redis-py's message may repeat the URL, and that may hold a password.
        raise SettingsError([Problem("SHIPPER_REDIS_URL", NO_URL)]) from None
