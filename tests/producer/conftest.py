"""A producer for each test: this process configured for a server, and a ledger to look into."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from redis import Redis

import shipper
from shipper.client import _current
from shipper.ledger.ledger import Ledger
from shipper.ledger.pool import make_pool
from shipper.settings import Settings
from tests.producer.book import PATIENT_MS, Book, OpenBook, Produce
from tests.support.servers import RedisServer


@pytest.fixture
def produce() -> Iterator[Produce]:
    def configure(url: str, **settings: Any) -> None:
        shipper.configure(Settings(redis_url=url, **{"enqueue_budget_ms": PATIENT_MS, **settings}))

    yield configure
    shipper.close()
    _current.client = None


@pytest.fixture
def server(redis7: RedisServer) -> RedisServer:
    """One server is enough here: the ledger's own tests run on both."""
    return redis7


@pytest.fixture
def book(server: RedisServer, redis: Redis, open_book: OpenBook) -> Book:
    """The book of the shared server, emptied."""
    return open_book(server)


@pytest.fixture
def open_book() -> Iterator[OpenBook]:
    with ExitStack() as stack:

        def open_(server: RedisServer) -> Book:
            pool = make_pool(server.url, budget_ms=15_000)
            stack.callback(pool.disconnect)
            return Book(Ledger(pool))

        yield open_
