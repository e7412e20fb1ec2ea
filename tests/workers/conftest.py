"""An account on an emptied shared Redis: its ledger, its events, its far end."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Flag

import pytest
from redis import Redis

from shipper.ledger.ledger import Ledger
from shipper.ledger.pool import make_pool
from shipper.settings import Settings
from tests.support.servers import RedisServer
from tests.workers.desk import QUICK, Desk
from tests.workers.far_end import FarEnd
from workers.pump import Pump, Station
from workers.sky import ThreadSky
from workers.slots import Slots


@pytest.fixture
def server(redis7: RedisServer) -> RedisServer:
    """One server is enough here: the ledger's own tests run on both."""
    return redis7


@pytest.fixture(autouse=True)
def _connections_that_outlive_a_stall() -> Iterator[None]:
    """Keep idle connections for longer than the machine may stall: tests count them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workers.wire.IDLE_S", 60)
        yield


@pytest.fixture
def settings() -> Settings:
    return QUICK


@pytest.fixture
def ledger(server: RedisServer, redis: Redis) -> Iterator[Ledger]:
    pool = make_pool(server.url, budget_ms=3000)
    yield Ledger(pool)
    pool.disconnect()


@pytest.fixture
def desk(ledger: Ledger, settings: Settings) -> Desk:
    return Desk(ledger, settings)


@pytest.fixture
def far_end() -> FarEnd:
    return FarEnd()


@pytest.fixture
def station(ledger: Ledger, settings: Settings, far_end: FarEnd) -> Iterator[Station]:
    with ThreadPoolExecutor(16) as executor:
        yield Station(
            ledger=ledger,
            sky=ThreadSky(far_end.gameball, executor),
            settings=settings,
            worker="w:1",
            stopping=Flag(),
            slots=Slots(1000),
        )


@pytest.fixture
def pump(station: Station) -> Pump:
    return Pump(station)
