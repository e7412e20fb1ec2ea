"""Editing a letter on the page: whatever an event may hold can be edited, however large its form becomes."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from shipper.inspector import Inspector
from shipper.ledger.ledger import Ledger
from shipper.outcome import State
from shipper.settings import Settings
from shipper.web.admission import largest_of
from tests.inspector.story import REFUSED, SETTINGS, Story
from tests.web.asking import Browser

NUMBERS = list(range(10)) * 2_000


def dead(story: Story, metadata: dict[str, Any]) -> str:
    event_id = story.enqueue("c-1", events={"order": metadata})
    story.calls(REFUSED)
    return event_id


def text_in(form: str) -> str:
    """Return what stands in the form's field, with the ends of lines that a browser sends."""
    (text,) = re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", form, re.DOTALL)
    return html.unescape(text).replace("\n", "\r\n")


@pytest.mark.parametrize(
    "metadata", [{"numbers": NUMBERS}, {"note": "\x7f" * 60_000}], ids=["many values", "escapes alone"]
)
def test_the_largest_event_is_edited(
    metadata: dict[str, Any], page: Browser, story: Story, ledger: Ledger
) -> None:
    event_id = dead(story, metadata)
    place = f"/a/default/events/{event_id}/edit"
    text = text_in(page.get(place).text).replace('"order"', '"order_placed"')

    asked = page.post(place, {"events": text})
    (read,) = re.findall(r'name="read" value="([^"]+)"', asked.text)
    done = page.post(place, {"events": text, "read": read, "send": "yes"})

    seen = Inspector(ledger, SETTINGS).event(event_id)
    assert "Send it like this?" in asked.says
    assert done.place.endswith("?told=edited")
    assert (seen.state, seen.events) == (State.WAITING, {"order_placed": metadata})


def test_a_text_stands_on_one_line_only_where_its_lines_are_too_many(page: Browser, story: Story) -> None:
    few, many = dead(story, {"numbers": NUMBERS[:2]}), dead(story, {"numbers": NUMBERS})

    lines = [
        text_in(page.get(f"/a/default/events/{event_id}/edit").text).count("\n") + 1
        for event_id in (few, many)
    ]

    assert lines == [8, 1]


def test_what_is_larger_than_any_event_is_refused_with_another_way(page: Browser, story: Story) -> None:
    event_id, large = dead(story, {"n": 1}), "x" * largest_of(Settings())
    kind = {"content-type": "application/json"}
    body = json.dumps({"events": {"order": {"note": large}}}).encode()

    shown = page.post(f"/a/default/events/{event_id}/edit", {"events": large})
    told = page.ask("POST", f"/api/v1/accounts/default/events/{event_id}/propose", headers=kind, body=body)

    assert (shown.status, told.status) == (413, 413)
    assert "shipper dead edit takes any size" in shown.says
    assert "shipper dead edit takes any size" in told.json["error"]["detail"]
