"""The page on an emptied server, within this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from pydantic import SecretStr
from redis import Redis

from shipper.clock import monotonic_ms
from shipper.inspector import Inspector
from shipper.ledger.ledger import Ledger
from shipper.ledger.pool import make_pool
from shipper.settings import Settings
from shipper.web.app import web_app
from shipper.web.serve import site_of
from tests.inspector.story import Story
from tests.support.servers import RedisServer
from tests.web.asking import Browser

VIEWER_TOKEN = "v" * 24
OPERATOR_TOKEN = "o" * 24
TOKENS = f"vera:viewer:{VIEWER_TOKEN},otto:operator:{OPERATOR_TOKEN}"


@pytest.fixture
def server(redis7: RedisServer) -> RedisServer:
    """One server is enough here: what it holds is read by the inspector, which is tested on both."""
    return redis7


@pytest.fixture
def ledger(server: RedisServer, redis: Redis) -> Iterator[Ledger]:
    pool = make_pool(server.url, budget_ms=15_000)
    yield Ledger(pool)
    pool.disconnect()


@pytest.fixture
def story(ledger: Ledger) -> Story:
    return Story(ledger)


Open = Callable[..., Browser]


@pytest.fixture
def open_page(server: RedisServer, redis: Redis) -> Iterator[Open]:
    """Open the page with these settings, as a browser that has not signed in."""
    opened: list[Inspector] = []

    def open_(
        *,
        tokens: str = "",
        accounts: tuple[str, ...] = ("default",),
        host: str = "",
        redis_url: str = "",
        proxies: tuple[str, ...] = (),
        clock: Callable[[], int] = monotonic_ms,
    ) -> Browser:
        settings = Settings(
            redis_url=redis_url or server.url,
            accounts=accounts,
            web_tokens=SecretStr(tokens),
            web_proxies=proxies,
        )
        site = site_of(settings, local="ann", clock=clock)
        browser = Browser(web_app(site))
        opened.extend(site.inspectors("ann").values())
        return Browser(browser.app, host=host) if host else browser

    yield open_
    for each in opened:
        each._ledger.pool.disconnect()


@pytest.fixture
def page(open_page: Open) -> Browser:
    """The page of one account on loopback: whoever opens it is an operator."""
    return open_page()
