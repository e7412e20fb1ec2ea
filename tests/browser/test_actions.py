"""What an operator does on the page, click by click: the three cures of the desk, and the holds."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from shipper.inspector import Filter, Inspector, TrailFilter
from shipper.ledger.ledger import Ledger
from shipper.outcome import State
from tests.browser.conftest import OpenBrowser
from tests.browser.test_pages import LOOK
from tests.inspector.story import SETTINGS, Story


def acts(inspector: Inspector) -> list[tuple[str, str, int]]:
    """What the audit log says, newest first."""
    return [(each.operator, each.action, each.count) for each in inspector.trail(TrailFilter())]


def test_one_reason_is_cured_by_editing(hour: Story, ledger: Ledger, browse: OpenBrowser) -> None:
    inspector = Inspector(ledger, SETTINGS)
    page = browse().open("reasons")

    page.get_by_role("link", name="Newest").first.click()
    page.get_by_role("link", name="Edit and send").click()
    text = page.get_by_label("What it says")
    text.fill(text.input_value().replace('"12.50 EUR"', "12.5"))
    page.get_by_role("button", name="See the difference").click()
    expect(page.locator(".diff")).to_contain_text("12.50 EUR")
    page.get_by_role("button", name="Send it").click()

    expect(page.get_by_role("status")).to_have_text("Changed, and sent again under the same id.")
    seen = inspector.event(page.url.split("/")[-1].partition("?")[0])
    assert (seen.state, seen.events) == (
        State.WAITING,
        {"purchase": {"total": 12.5, "items": ["a-17", "b-3"]}},
    )
    assert acts(inspector)[0] == ("ann", "edit", 1)


def test_an_edit_that_breaks_a_rule_is_told_with_what_was_written(hour: Story, browse: OpenBrowser) -> None:
    seen = browse()
    page = seen.open("letters?reason=vague")
    page.locator("td a.id").first.click()
    page.get_by_role("link", name="Edit and send").click()

    page.get_by_label("What it says").fill('{"visit": {"page": NaN}}')
    page.get_by_role("button", name="See the difference").click()

    expect(page.get_by_role("alert")).to_contain_text("NaN")
    assert page.get_by_label("What it says").input_value() == '{"visit": {"page": NaN}}'
    seen.complaints.clear()  # the answer's 400


def test_one_reason_is_sent_again_as_a_job_that_can_be_held(
    hour: Story, ledger: Ledger, browse: OpenBrowser
) -> None:
    inspector = Inspector(ledger, SETTINGS)
    page = browse().open("letters?reason=unclear")

    page.get_by_role("link", name="Send all of these again").click()
    expect(page.locator("legend")).to_have_text("6 of them are unclear")
    page.get_by_label("Send those too").check()
    page.get_by_label("Events a second").fill("50")
    page.get_by_role("button", name="Send again").click()
    expect(page.locator("h1")).to_have_text("Sending 6 events again")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#far .state")).to_have_text("paused")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#far .state")).to_have_text("running")
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("button", name="Cancel the job").click()

    expect(page.locator("#far .state")).to_have_text("cancelled")
    (job,) = inspector.jobs.all()
    assert (job.total, job.rate, job.may_duplicate, job.state) == (6, 50, True, "cancelled")
    assert [what for _, what, _ in acts(inspector)] == ["job.cancel", "job.resume", "job.pause", "job.start"]


def test_one_reason_is_discarded_with_why(hour: Story, ledger: Ledger, browse: OpenBrowser) -> None:
    inspector = Inspector(ledger, SETTINGS)
    page = browse().open("reasons")

    page.get_by_role("link", name=re.compile("Discard")).nth(1).click()
    expect(page.locator("h1")).to_have_text("Discard 12 events?")
    page.get_by_label("Why").fill("closed accounts")
    page.get_by_role("button", name="Discard for good").click()

    expect(page.get_by_role("status")).to_have_text(
        "12 discarded. Their ids stay known until the retention ends."
    )
    assert acts(inspector)[0] == ("ann", "discard", 12)
    assert inspector.letters.page(Filter(code="3009"), limit=1).letters == ()
    page.get_by_role("link", name="Audit log").click()
    expect(page.locator("tbody tr").first).to_contain_text("closed accounts")


def test_letters_leave_in_a_file_and_come_back_from_it(
    hour: Story, ledger: Ledger, browse: OpenBrowser, tmp_path: Path
) -> None:
    inspector = Inspector(ledger, SETTINGS)
    seen = browse()
    page = seen.open("letters?code=3009")

    page.get_by_role("link", name="Export them").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    download.value.save_as(tmp_path / "letters.jsonl")
    page.get_by_role("link", name="Back to the letters").click()
    page.get_by_role("link", name="Import").click()
    page.get_by_label("An export").set_input_files(tmp_path / "letters.jsonl")
    page.get_by_role("button", name="Only check").click()
    expect(page.locator("h1")).to_have_text("The file is whole: 12 letters")
    page.get_by_role("link", name="Take it in").click()
    page.get_by_label("An export").set_input_files(tmp_path / "letters.jsonl")
    page.get_by_role("button", name="Take them in").click()

    expect(page.locator("h1")).to_have_text("0 of 12 letters taken in")
    expect(page.locator("tbody tr").first).to_contain_text("known here")
    assert page.evaluate(LOOK) == []
    assert acts(inspector) == [("ann", "export", 12)]
    assert download.value.suggested_filename.startswith("default-letters-")


def test_an_account_is_paused_and_resumed(hour: Story, ledger: Ledger, browse: OpenBrowser) -> None:
    inspector = Inspector(ledger, SETTINGS)
    page = browse().open("")

    page.get_by_role("link", name="Pause…").click()
    page.get_by_label("For how long").fill("10m")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status")).to_contain_text("Paused.")
    assert inspector.status().paused
    page.get_by_role("link", name="Resume…").click()
    page.get_by_role("button", name="Resume").click()

    expect(page.get_by_role("status")).to_contain_text("Resumed.")
    assert not inspector.status().paused


def test_hooks_are_tried_again_and_discarded(hour: Story, ledger: Ledger, browse: OpenBrowser) -> None:
    inspector = Inspector(ledger, SETTINGS)
    page = browse().open("hooks")
    failed = inspector.status().hooks_failed

    page.get_by_role("link", name="Try again…").first.click()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("status")).to_contain_text("1 to be tried again")
    page.get_by_role("link", name="Discard all…").click()
    page.get_by_role("button", name="Discard for good").click()

    expect(page.get_by_role("status")).to_contain_text(f"{failed - 1} discarded")
    assert inspector.status().hooks_failed == 0


def test_personal_data_is_shown_to_an_operator_who_asks_and_that_is_written_down(
    hour: Story, ledger: Ledger, browse: OpenBrowser
) -> None:
    page = browse().open("letters?code=3009")
    page.locator("td a.id").first.click()
    expect(page.locator("main")).to_contain_text("a***@***")

    page.get_by_role("button", name="Show personal data").click()

    expect(page.locator("main")).to_contain_text("+4915112345678")
    assert acts(Inspector(ledger, SETTINGS))[0] == ("ann", "unmask", 1)
