"""Thirty hostile texts in every field that others fill: nothing runs, breaks, or is reordered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import FilePayload, Page

from shipper.envelope import seal
from shipper.errors import InvalidEventError
from shipper.inspector import Filter, Inspector
from shipper.inspector.export_file import Head, _sealed, write_export
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import ClaimedEvent
from shipper.outcome import Dead, Reason, Verdict
from tests.browser.conftest import OpenBrowser, Seen
from tests.browser.payloads import HOSTILE
from tests.inspector.story import SETTINGS, Answer, Story

UNSEEN = "\x00\x07\x1b\x7f\u202e\u2066\u2028\u2029\ufeff\u200b\U000e0041"
"""What may stand on no page: a person would not see it, or see something else."""
GROWN = "document.querySelectorAll('main :is(iframe, img, style, link, base, script, [onload])').length"


@pytest.fixture
def story(ledger: Ledger) -> Story:
    return Story(ledger)


def tell(story: Story) -> list[str]:
    """Let events die of the texts, which are their names, customers and contents where the rules let them."""
    said = {_accept(story, group): group for group in _groups(5)}

    def end(event: ClaimedEvent) -> Answer:
        return Answer(
            verdict=Verdict.PERMANENT,
            outcome=Dead(reason=Reason.REFUSED),
            status=400,
            code=3003,
            request_id=said[event.event_id][0][:200],
            answer="\n".join(said[event.event_id]),
        )

    story.calls(end)
    return list(said)


def _groups(size: int) -> list[tuple[str, ...]]:
    return [HOSTILE[i : i + size] for i in range(0, len(HOSTILE), size)]


def _accept(story: Story, group: tuple[str, ...]) -> str:
    """Accept an event with these texts in as many places as the rules let them be in."""
    events: dict[str, Any] = {}
    for i, text in enumerate(group):
        tries = [(text, {text: [text, {text: text}]}), (f"e{i}", {text: text}), (f"e{i}", {"k": text})]
        name, metadata = next((t for t in tries if _is_sound("c", dict([t]))), (f"e{i}", {}))
        events[name] = metadata
    customer = next((text for text in group if _is_sound(text, {"e": {}})), "c")
    return story.enqueue_many([(customer, events)], hook="told", email="ann@example.com")[0]


def _is_sound(customer: str, events: dict[str, Any]) -> bool:
    try:
        seal({"customerId": customer, "events": events}, settings=SETTINGS)
    except InvalidEventError:
        return False
    return True


def test_texts_of_others_stay_texts_on_every_page(story: Story, ledger: Ledger, browse: OpenBrowser) -> None:
    ids = tell(story)
    story.hooks_fail(" ".join(HOSTILE[:28]))
    inspector = Inspector(ledger, SETTINGS, operator=HOSTILE[3])
    inspector.letters.discard(inspector.letters.choose([ids.pop()]), because=HOSTILE[0] + HOSTILE[23])
    inspector.jobs.start(Filter(reason="refused"), rate=5, because=HOSTILE[2])
    seen = browse()

    places = ["", "reasons", "letters", "hooks", "trail", "jobs", *_of(ids)]
    found = {place: _grown(seen, place) for place in places}

    assert {place: wrong for place, wrong in found.items() if wrong} == {}
    assert len(ids) == 5


def test_texts_in_an_address_stay_texts_too(story: Story, browse: OpenBrowser) -> None:
    tell(story)
    seen = browse()

    found = {place: _grown(seen, place) for group in _groups(5) for place in _asking(group)}

    assert {place: wrong for place, wrong in found.items() if wrong} == {}
    # What is refused is answered with 400, which the browser tells its console.
    assert [said for said in seen.complaints if "status of 40" not in said] == []
    seen.complaints.clear()


def test_texts_in_a_file_stay_texts_too(story: Story, browse: OpenBrowser) -> None:
    seen = browse()
    page = seen.page

    found: dict[str, str] = {}
    for i, text in enumerate([" ".join(HOSTILE[:14]), " ".join(HOSTILE[14:28])] * 2):
        seen.open("import")
        file = FilePayload(name="a.jsonl", mimeType="text/plain", buffer=_file(text, in_head=i < 2))
        page.get_by_label("An export").set_input_files(file)
        page.get_by_role("button", name="Only check").click()
        page.wait_for_url("**/import?check=yes")
        found[text] = _wrong(page)
        assert ("Letters of" if i < 2 else "Nothing was taken in") in page.inner_text("main")

    assert {text: wrong for text, wrong in found.items() if wrong} == {}
    assert [said for said in seen.complaints if "status of 40" not in said] == []
    seen.complaints.clear()


def _file(text: str, *, in_head: bool) -> bytes:
    """Write an export that says a text: as the account it came from, or where a number belongs."""
    if in_head:
        return b"".join(write_export(Head(account=text, exported_at=1, masked=False), []))
    head = next(write_export(Head(account="x", exported_at=1, masked=False), []))
    return head + _sealed({"kind": "end", "letters": text})


def _of(ids: list[str]) -> Iterator[str]:
    for event_id in ids:
        yield f"events/{event_id}"
        yield f"events/{event_id}/edit"


def _asking(group: tuple[str, ...]) -> Iterator[str]:
    names = ("customer", "event", "text", "field", "told")
    said = dict(zip(names, (text[:500] for text in group), strict=True))
    yield f"letters?{urlencode(said)}"
    yield f"redrive?{urlencode(said)}"
    yield f"correct?{urlencode(said)}"


def _grown(seen: Seen, place: str) -> str:
    return _wrong(seen.open(place))


def _wrong(page: Page) -> str:
    if page.evaluate("window.pwned") is not None:
        return "it ran"
    if page.evaluate(GROWN):
        return "it became an element"
    text = page.evaluate("document.querySelector('main').innerText")
    unseen = [char for char in UNSEEN if char in text]
    return f"it shows {unseen!a}" if unseen else ""
