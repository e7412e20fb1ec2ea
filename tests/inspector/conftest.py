"""A ledger, its story and its inspector, on an emptied server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from shipper.inspector import Inspector
from shipper.ledger.ledger import Ledger
from shipper.ledger.pool import make_pool
from tests.inspector.story import SETTINGS, Story
from tests.support.servers import RedisServer


@pytest.fixture
def ledger(server: RedisServer, redis: Redis) -> Iterator[Ledger]:
    pool = make_pool(server.url, budget_ms=15_000)
    yield Ledger(pool)
    pool.disconnect()


@pytest.fixture
def story(ledger: Ledger) -> Story:
    return Story(ledger)


@pytest.fixture
def inspector(ledger: Ledger) -> Inspector:
    return Inspector(ledger, SETTINGS)
