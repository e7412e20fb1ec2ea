"""A ledger on each shared server in turn, emptied for every test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

import pytest
from redis import Redis

from shipper.ledger.ledger import Ledger
from shipper.ledger.pool import Pool, make_pool
from tests.ledger.scene import Scene
from tests.support.servers import RedisServer

PATIENCE_MS: Final = 30_000
"""No test here is about an answer that is late because the machine is."""


class LedgerOf(Protocol):
    """Make the ledger of an account on a server."""

    def __call__(self, account: str = "default", *, on: RedisServer) -> Ledger: ...


@pytest.fixture(scope="session")
def shared_client(server: RedisServer) -> Iterator[Redis]:
    """One client for all tests on a server: more than a thousand would each connect anew."""
    with server.client() as client:
        yield client


@pytest.fixture(scope="session")
def shared_pool(server: RedisServer) -> Iterator[Pool]:
    """One pool for all ledgers on a server."""
    pool = make_pool(server.url, budget_ms=PATIENCE_MS)
    yield pool
    pool.disconnect()


@pytest.fixture
def redis(shared_client: Redis) -> Redis:
    """A client of the shared server, emptied."""
    shared_client.flushall()
    return shared_client


@pytest.fixture
def ledger(shared_pool: Pool, redis: Redis) -> Ledger:
    """The ledger of the account `default` on an empty server."""
    return Ledger(shared_pool, budget_ms=PATIENCE_MS)


@pytest.fixture
def ledger_of() -> Iterator[LedgerOf]:
    """Ledgers on servers of one's own."""
    pools = []

    def make(account: str = "default", *, on: RedisServer) -> Ledger:
        pool = make_pool(on.url, budget_ms=PATIENCE_MS)
        pools.append(pool)
        return Ledger(pool, account, budget_ms=PATIENCE_MS)

    yield make
    for pool in pools:
        pool.disconnect()


@pytest.fixture
def scene(ledger: Ledger, redis: Redis) -> Scene:
    """The account `default` in use, on an empty server."""
    return Scene(ledger=ledger, redis=redis)
