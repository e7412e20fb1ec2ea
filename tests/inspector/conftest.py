"""A ledger, its story and its inspector, on an emptied server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from redis import Redis

from shipper.inspector import Inspector
from shipper.ledger.ledger import Ledger
from shipper.ledger.pool import make_pool
from tests.inspector.story import HOUR, SETTINGS, Story
from tests.support.servers import RedisServer

PATIENCE_MS: Final = 30_000
"""No test here is about an answer that is late because the machine is."""


@pytest.fixture
def ledger(server: RedisServer, redis: Redis) -> Iterator[Ledger]:
    pool = make_pool(server.url, budget_ms=PATIENCE_MS)
    yield Ledger(pool, budget_ms=PATIENCE_MS)
    pool.disconnect()


@pytest.fixture(autouse=True)
def _nothing_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody delivers what a job sends, so that on a slow machine it would wait for itself."""
    monkeypatch.setattr("shipper.ledger.operations.job.LATE_MS", HOUR)


@pytest.fixture
def story(ledger: Ledger) -> Story:
    return Story(ledger)


@pytest.fixture
def inspector(ledger: Ledger) -> Inspector:
    return Inspector(ledger, SETTINGS)
