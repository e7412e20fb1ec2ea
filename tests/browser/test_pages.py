"""Every page in a real browser: wide and narrow, light and dark, for people who see, hear or type it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from shipper.inspector import Filter, Inspector
from shipper.ledger.ledger import Ledger
from tests.browser.conftest import OpenBrowser, Seen
from tests.inspector.story import SETTINGS, Story

LOOK: Final = (Path(__file__).parent / "looking.js").read_text()
PLACES: Final = (
    "",
    "?live=off",
    "reasons",
    "letters",
    "letters?reason=refused&code=3009",
    "letters?code=nonsense",
    "letters?customer=nobody",
    "hooks",
    "jobs",
    "trail",
    "pause",
    "resume",
    "redrive?reason=unclear",
    "correct?reason=refused&event=purchase",
    "discard?reason=vague",
    "export?reason=spent",
    "export?reason=aged",
    "import",
    "hooks/retry?all=yes",
    "hooks/discard?all=yes",
    "nowhere",
)


def places_of(ledger: Ledger) -> list[str]:
    """Every page there is, with a dead event, an unclear one, one under way, and a job."""
    inspector = Inspector(ledger, SETTINGS, operator="otto")
    job = inspector.jobs.start(Filter(reason="spent"), rate=5).job
    dead, unclear = (
        inspector.letters.page(Filter(reason=reason), limit=1).letters[0].event_id
        for reason in ("refused", "unclear")
    )
    inspector.letters.discard(inspector.letters.choose(Filter(reason="vague")), because="a test's")
    inspector.pause()
    events = (f"events/{dead}", f"events/{unclear}", f"events/{dead}/edit")
    return [*PLACES, *events, f"jobs/{job}", f"jobs/{job}/cancel"]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_every_page_is_fit_to_be_seen_heard_and_typed(
    scheme: str, width: int, hour: Story, ledger: Ledger, browse: OpenBrowser
) -> None:
    seen = browse(scheme=scheme, width=width)

    found = {place: look_at(seen, place) for place in places_of(ledger)}

    assert {place: wrong for place, wrong in found.items() if wrong} == {}
    # What the server answers with 400 or 404 on purpose is an error to the browser's console.
    assert [said for said in seen.complaints if "status of 40" not in said] == []
    seen.complaints.clear()


def look_at(seen: Seen, place: str) -> list[str]:
    found: list[str] = seen.open(place).evaluate(LOOK)
    return found


def pause_time(page: Page) -> None:
    """Let no time pass on the pages to come but what a test lets pass: no poll comes, no figure ages."""
    page.clock.install(time=0)
    page.clock.pause_at(3600)


def test_a_keyboard_alone_gets_past_the_head_and_to_an_event(hour: Story, browse: OpenBrowser) -> None:
    page = browse().open("letters?reason=unclear")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('td a')"):
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    page.keyboard.press("Enter")
    page.wait_for_url("**/events/*")

    assert outline == "solid"
    expect(page.locator("main")).to_contain_text("Its way")


def test_the_overview_moves_with_the_ledger_and_rests_while_nobody_looks(
    hour: Story, browse: OpenBrowser
) -> None:
    seen = browse()
    pause_time(seen.page)
    page = seen.open()
    waiting = page.locator(".figure:has-text('Waiting') dd").first
    expect(waiting).to_contain_text("0 in flight")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.evaluate("htmx.trigger('#live', 'seen')")
    hour.enqueue("late", "visit")
    page.evaluate("Object.defineProperty(document, 'hidden', {value: false})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    expect(waiting).to_have_text(re.compile("^1"))
    assert len(asked) == 1


def test_figures_that_cannot_be_refreshed_say_how_old_they_are(hour: Story, browse: OpenBrowser) -> None:
    seen = browse(scheme="dark", width=360)
    page, told, heard = seen.page, seen.page.locator("#aged"), seen.page.locator("#aged-said")
    pause_time(page)
    seen.open()
    expect(told).to_be_hidden()

    page.route("**/live", lambda route: route.abort())
    page.clock.fast_forward(6_000)
    expect(told).to_have_text(
        "Not up to date: these figures are 6 seconds old. The page's server does not answer."
    )
    page.clock.fast_forward(180_000)
    expect(told).to_have_text(re.compile("^Not up to date: these figures are 3 minutes old"))
    expect(heard).to_have_text("The figures are no longer up to date. The page's server does not answer.")
    expect(page.get_by_role("link", name="Not live")).to_be_visible()
    assert page.evaluate(LOOK) == []

    page.unroute("**/live")
    page.route("**/live", lambda route: route.fulfill(status=503, body=""))
    page.clock.fast_forward(6_000)
    expect(told).to_contain_text("Redis does not answer the page's server.")

    page.unroute("**/live")
    page.clock.fast_forward(6_000)
    expect(told).to_be_hidden()
    expect(heard).to_have_text("The figures are up to date again.")
    expect(page.get_by_role("link", name=re.compile("^Live"))).to_be_visible()

    page.evaluate("document.addEventListener('htmx:beforeRequest', (event) => event.preventDefault())")
    page.clock.run_for(20_000)
    expect(told).to_have_text(re.compile("^Not up to date: these figures are (19|20|21) seconds old"))
    seen.complaints.clear()  # what failed on purpose


def test_without_script_all_is_read_and_done_too(hour: Story, ledger: Ledger, browse: OpenBrowser) -> None:
    page = browse(script=False).open("reasons")

    page.get_by_role("link", name="See them (vague").click()
    expect(page.locator("table")).to_contain_text("vague 4500")
    page.get_by_role("link", name="Discard all of these").click()
    page.get_by_label("Why").fill("nobody needs them")
    page.get_by_role("button", name="Discard for good").click()

    expect(page.locator("main")).to_contain_text(
        "3 discarded. Their ids stay known until the retention ends."
    )
    assert Inspector(ledger, SETTINGS).letters.page(Filter(reason="vague"), limit=1).letters == ()
