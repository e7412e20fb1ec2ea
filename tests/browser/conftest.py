"""A real browser at the real server; skipped, with the reason, where there is no Chromium."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Dialog, Error, Page, expect
from redis import Redis

from shipper.ledger.ledger import Ledger
from shipper.ledger.pool import make_pool
from shipper.server import listen, url_of
from shipper.settings import Settings
from shipper.web.app import web_app
from shipper.web.serve import site_of
from tests.browser.ledgers import an_hour
from tests.inspector.story import Story
from tests.support.chromium import NO_BROWSER, chromium_path, open_chromium
from tests.support.servers import HOST, RedisServer
from tests.support.waiting import LIMIT_SECONDS, until

LIMIT_MS: Final = 1000 * LIMIT_SECONDS
expect.set_options(timeout=LIMIT_MS)


@dataclass(slots=True)
class Seen:
    """One page in a browser, and what went wrong on it: what a user would never be told."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def open(self, place: str = "") -> Page:
        self.page.goto(f"{self.base}/a/default/{place}")
        return self.page


OpenBrowser = Callable[..., Seen]


@pytest.fixture
def server(redis7: RedisServer) -> RedisServer:
    """One server is enough here: what it holds is read by the inspector, which is tested on both."""
    return redis7


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Start one for a module: while playwright runs, its loop is in the way of others' in this thread."""
    path = chromium_path()
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail(NO_BROWSER)
        pytest.skip(NO_BROWSER)
    try:
        with open_chromium(path) as browser:
            yield browser
    except Error as error:
        pytest.skip(f"Chromium does not start: {error}")


@pytest.fixture
def ledger(server: RedisServer, redis: Redis) -> Iterator[Ledger]:
    pool = make_pool(server.url, budget_ms=15_000)
    yield Ledger(pool)
    pool.disconnect()


@pytest.fixture
def hour(ledger: Ledger) -> Story:
    """An hour of a shop with letters of every kind."""
    story = an_hour(ledger, events=60)
    story.hooks_fail("ValueError: no review 981 of ann.4@example.com")
    return story


@pytest.fixture
def base(server: RedisServer, redis: Redis) -> Iterator[str]:
    """The page's address; it is served from a thread of its own, as `shipper web` serves it."""
    listener = listen(HOST, 0)
    site = site_of(Settings(redis_url=server.url), local="ann")
    config = uvicorn.Config(web_app(site), lifespan="off", ws="none", log_config=None, access_log=False)
    serving = uvicorn.Server(config)
    thread = threading.Thread(target=serving.run, args=([listener],), daemon=True)
    thread.start()
    until(lambda: serving.started)
    yield url_of(listener)
    serving.should_exit = True
    thread.join(LIMIT_SECONDS)
    for each in site.inspectors("ann").values():
        each._ledger.pool.disconnect()


def _dismiss(dialog: Dialog, complaints: list[str]) -> None:
    complaints.append(f"dialog: {dialog.message}")
    dialog.dismiss()


@pytest.fixture
def browse(chromium: Browser, base: str) -> Iterator[OpenBrowser]:
    """Open a browser window; at its end nothing may have run, broken, or gone to another host."""
    opened: list[tuple[BrowserContext, Seen]] = []

    def open_(*, scheme: str = "light", width: int = 1280, script: bool = True) -> Seen:
        options: dict[str, Any] = {"color_scheme": scheme, "reduced_motion": "reduce"}
        context = chromium.new_context(
            viewport={"width": width, "height": 800}, java_script_enabled=script, **options
        )
        context.set_default_timeout(LIMIT_MS)
        seen = Seen(page=context.new_page(), base=base)
        page, complaints = seen.page, seen.complaints
        page.on("console", lambda said: complaints.append(f"console: {said.type} {said.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: _dismiss(dialog, complaints))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith(base) else complaints.append(f"asked {asked.url}"),
        )
        opened.append((context, seen))
        return seen

    yield open_
    found = [complaint for _, seen in opened for complaint in seen.complaints]
    for context, _ in opened:
        context.close()
    assert found == []
