"""Client: a process' settings and connections, configured once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from weakref import WeakKeyDictionary

from shipper.admission import Answer, admit, adrive, drive
from shipper.clock import monotonic_ms
from shipper.envelope import Envelope
from shipper.errors import Problem, SettingsError
from shipper.ledger.ledger import AsyncLedger, Ledger
from shipper.ledger.pool import (
    AsyncPool,
    AsyncRedis,
    Pool,
    Redis,
    decodes,
    make_async_pool,
    make_pool,
    outlast_forks,
)
from shipper.settings import Settings, load_settings


class Client:
    """Admit envelopes through one pool a process and one an event loop."""

    def __init__(
        self, settings: Settings, *, pool: Pool | None = None, async_pool: AsyncPool | None = None
    ) -> None:
        self.settings = settings
        self._pool = (
            make_pool(settings.redis_url, budget_ms=settings.enqueue_budget_ms)
            if pool is None
            else outlast_forks(pool)
        )
        self._given = async_pool
        self._pools: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncPool] = WeakKeyDictionary()

    def admit(self, envelopes: Sequence[Envelope], *, atomic: bool = False) -> list[Answer]:
        """Accept envelopes of one account in one script call, within the budget."""
        ledger = Ledger(self._pool, envelopes[0].account)
        return drive(ledger, admit(envelopes, self.settings, atomic=atomic), until=self._deadline())

    async def aadmit(self, envelopes: Sequence[Envelope], *, atomic: bool = False) -> list[Answer]:
        """Do the same without blocking the event loop."""
        ledger = AsyncLedger(self._async_pool(), envelopes[0].account)
        return await adrive(ledger, admit(envelopes, self.settings, atomic=atomic), until=self._deadline())

    def close(self) -> None:
        """Close this process' blocking connections."""
        self._pool.disconnect()

    async def aclose(self) -> None:
        """Close the running event loop's connections."""
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.disconnect()

    def _deadline(self) -> int:
        return monotonic_ms() + self.settings.enqueue_budget_ms

    def _async_pool(self) -> AsyncPool:
        if self._given is not None:
            return self._given
        loop = asyncio.get_running_loop()
        if loop not in self._pools:
            budget_ms = self.settings.enqueue_budget_ms
            self._pools[loop] = make_async_pool(self.settings.redis_url, budget_ms=budget_ms)
        return self._pools[loop]


class _Current:
    """This process' client; made from the environment at its first use.

    An instance holds it, not the class: CPython ends what an attribute of a class held before it forgets
    where that was (3.11), and a thread that enqueued meanwhile crashed.
    """

    __slots__ = ("client",)

    def __init__(self) -> None:
        self.client: Client | None = None


_current = _Current()


def configure(
    settings: Settings | None = None,
    *,
    redis: Redis | None = None,
    aredis: AsyncRedis | None = None,
) -> None:
    """Set this process' settings, and the Redis clients whose connections are used instead of own ones.

    Call it once, before the first enqueue; without it the environment is read then. The clients must not
    decode responses. Raises SettingsError with every problem.
    """
    problems = [*_unreadable("redis", redis), *_unreadable("aredis", aredis)]
    if problems:
        raise SettingsError(problems)
    close()
    _current.client = Client(
        settings or load_settings(),
        pool=redis.connection_pool if redis is not None else None,
        async_pool=aredis.connection_pool if aredis is not None else None,
    )


def _unreadable(name: str, client: Redis | AsyncRedis | None) -> list[Problem]:
    if client is None or not decodes(client.connection_pool):
        return []
    return [Problem(name, "decodes responses: give a client made without decode_responses=True")]


def current() -> Client:
    """Return this process' client."""
    client = _current.client
    if client is None:
        client = _current.client = Client(load_settings())
    return client


def close() -> None:
    """Close this process' blocking connections; the next enqueue opens new ones."""
    if (client := _current.client) is not None:
        client.close()


async def aclose() -> None:
    """Close the running event loop's connections: for an app's shutdown."""
    if (client := _current.client) is not None:
        await client.aclose()
