"""A ledger whose scripts a test may exchange, on one of the shared servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shipper.ledger.ledger import Ledger
from shipper.ledger.pool import make_pool
from shipper.ledger.scripts import sources
from tests.simulator.mutation import LOADER, PATIENCE_MS, loader
from tests.support.servers import RedisServer


@pytest.fixture
def ledger(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """The ledger on the server that the test's parameter names."""
    server: RedisServer = request.getfixturevalue(request.param)
    monkeypatch.setattr(LOADER, loader(sources()))
    pool = make_pool(server.url, budget_ms=PATIENCE_MS)
    yield Ledger(pool, budget_ms=PATIENCE_MS)
    pool.disconnect()
