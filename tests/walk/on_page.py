"""On the page: a person with a browser finds the three reasons and puts each right at `shipper web`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.servers import HOST
from tests.support.web import WebServer
from tests.walk.album import Album
from tests.walk.shop import INACTIVE, OPERATOR, RENAMED, TEST_SHOP, Cause, Shop

WIDTH: Final = 1280
NARROW: Final = 390
SECONDS: Final = 60.0

Say = Callable[[str], object]


def walk_on_page(shop: Shop, chromium: Browser, album: Album, *, rate: int, say: Say = str) -> None:
    """Put everything right, at `rate` events a second; nothing may go wrong in the browser unseen."""
    with _site(shop) as base, _window(chromium, base) as page:
        page.goto(f"{base}/a/default/")
        album.page("walk-overview", page)
        page.get_by_role("link", name="Reasons").first.click()
        for cause in (RENAMED, INACTIVE, TEST_SHOP):
            expect(_card(page, cause)).to_contain_text(f"{shop.count(cause):,}")
        album.page("walk-reasons", page)
        _dark_and_narrow(chromium, base, album)

        say(f"edit {shop.count(RENAMED):,} of {RENAMED.event}")
        _edit_one(page, shop)
        _edit_the_rest(page, shop, album, rate)

        say(f"send {shop.count(INACTIVE):,} of {INACTIVE.event} again at {rate}/s")
        shop.activate()
        _redrive(page, shop, album, rate)

        say(f"discard {shop.count(TEST_SHOP):,} of {TEST_SHOP.event}")
        _discard(page, shop, album)

        say("wait until everything has ended")
        shop.stage.until_at_rest(within_s=600)
        page.get_by_role("link", name="Audit log").click()
        album.page("walk-trail", page, whole=False)
        page.get_by_role("link", name="Overview").first.click()
        album.page("walk-end", page)


def _edit_one(page: Page, shop: Shop) -> None:
    """Try the cure on the newest letter, and see that Gameball takes it."""
    _card(page, RENAMED).get_by_role("link", name="Newest").click()
    page.get_by_role("link", name="Edit and send").click()
    text = page.get_by_label("What it says")
    said = text.input_value().replace(RENAMED.event, "purchase")
    text.fill(re.sub(r'"total": "([0-9.]+)"', r'"total": \1', said))
    page.get_by_role("button", name="See the difference").click()
    page.get_by_role("button", name="Send it").click()
    expect(page.get_by_role("status")).to_have_text("Changed, and sent again under the same id.")
    shop.tried = page.url.split("/")[-1].partition("?")[0]
    shop.stage.until_state(shop.tried, "delivered")


def _edit_the_rest(page: Page, shop: Shop, album: Album, rate: int) -> None:
    left = shop.count(RENAMED) - 1
    page.get_by_role("link", name="Reasons").first.click()
    _card(page, RENAMED).get_by_role("link", name="Edit all").click()
    expect(page.locator("h1")).to_have_text(f"Edit {left:,} events")
    page.get_by_label("Becomes").nth(0).fill("purchase")
    page.get_by_label("What", exact=True).nth(1).select_option("number")
    page.get_by_label("Where").nth(1).fill("purchase.total")
    album.page("walk-edit", page)
    page.get_by_role("button", name="See the difference").click()
    expect(page.locator("h1")).to_have_text(f"Send {left:,} events like this?", timeout=SECONDS * 1000)
    page.get_by_label("Events a second").fill(str(rate))
    page.get_by_label("Why").fill("deploy 4711 renamed it")
    album.page("walk-edit-confirm", page)
    page.get_by_role("button", name="Send them").click()
    expect(page.get_by_role("status")).to_have_text(
        f"{left:,} changed, and sent again under the same ids.", timeout=SECONDS * 1000
    )


def _redrive(page: Page, shop: Shop, album: Album, rate: int) -> None:
    total = shop.count(INACTIVE)
    _card(page, INACTIVE).get_by_role("link", name="Send again").click()
    page.get_by_label("Events a second").fill(str(rate))
    page.get_by_label("Why").fill("customers activated")
    album.page("walk-redrive", page)
    page.get_by_role("button", name="Send again").click()
    expect(page.locator("h1")).to_have_text(f"Sending {total:,} events again")
    job = page.url.split("/")[-1]
    seconds = SECONDS + 4 * (shop.letters / rate)
    shop.stage.until(lambda: _sent(page, job) >= total // 3, within_s=seconds)
    album.page("walk-job", page)
    expect(page.locator("#far .state")).to_have_text("done", timeout=seconds * 1000)


def _sent(page: Page, job: str) -> int:
    """Ask the page how far its job is, as a program would; the page itself is left to its own looking."""
    answer = page.request.get(f"{page.url.partition('/a/')[0]}/api/v1/accounts/default/jobs/{job}")
    sent: int = answer.json()["sent"]
    return sent


def _discard(page: Page, shop: Shop, album: Album) -> None:
    count = shop.count(TEST_SHOP)
    page.get_by_role("link", name="Reasons").first.click()
    _card(page, TEST_SHOP).get_by_role("link", name="Discard").click()
    expect(page.locator("h1")).to_have_text(f"Discard {count:,} events?")
    page.get_by_label("Why").fill("events of the test shop")
    album.page("walk-discard", page)
    page.get_by_role("button", name="Discard for good").click()
    expect(page.get_by_role("status")).to_contain_text(f"{count:,} discarded.", timeout=SECONDS * 1000)


def _card(page: Page, cause: Cause) -> Locator:
    return page.locator("li.reason").filter(has_text=cause.event)


def _dark_and_narrow(chromium: Browser, base: str, album: Album) -> None:
    with _window(chromium, base, width=NARROW, dark=True) as page:
        page.goto(f"{base}/a/default/reasons")
        album.page("walk-narrow", page, whole=False)


@contextmanager
def _site(shop: Shop) -> Iterator[str]:
    folder = shop.stage.folder / "page"
    folder.mkdir()
    pace = {f"SHIPPER_{name.upper()}": str(value) for name, value in shop.pace.items()}
    environment = {"SHIPPER_REDIS_URL": shop.stage.server.url, "SHIPPER_OPERATOR": OPERATOR, **pace}
    with WebServer(lambda port: ("-m", "shipper", "web", "--port", str(port)), folder, environment) as server:
        yield f"http://{HOST}:{server.port}"


@contextmanager
def _window(chromium: Browser, base: str, *, width: int = WIDTH, dark: bool = False) -> Iterator[Page]:
    """Open a window; at its end nothing may have been complained of, or asked of another host."""
    context = chromium.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    context.set_default_timeout(SECONDS * 1000)
    complaints: list[str] = []
    page = context.new_page()
    page.on("console", lambda said: complaints.append(f"console: {said.type} {said.text}"))
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on(
        "request",
        lambda asked: None if asked.url.startswith(base) else complaints.append(f"asked {asked.url}"),
    )
    yield page
    context.close()
    assert complaints == []
