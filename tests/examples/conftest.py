"""An app of `examples/` as a real server process, and the ledger it enqueues into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from redis import Redis

from shipper.ledger.ledger import Ledger
from shipper.ledger.pool import make_pool
from tests.support.servers import RedisServer
from tests.support.web import WebServer

StartApp = Callable[..., WebServer]


@pytest.fixture
def ledger(server: RedisServer, redis: Redis) -> Iterator[Ledger]:
    """The book of the account `default`, empty."""
    pool = make_pool(server.url, budget_ms=5000)
    yield Ledger(pool)
    pool.disconnect()


@pytest.fixture
def start_app(ledger: Ledger, server: RedisServer, tmp_path: Path) -> Iterator[StartApp]:
    """Start an app by python's arguments for a port; `redis_url` is of the empty ledger unless given."""
    with ExitStack() as stack:

        def start(arguments: Callable[[int], list[str]], redis_url: str = server.url) -> WebServer:
            return stack.enter_context(WebServer(arguments, tmp_path, {"SHIPPER_REDIS_URL": redis_url}))

        yield start
