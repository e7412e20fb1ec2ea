"""Editing many on the page: what shall differ, an example and the counts, and what became of them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from shipper.inspector import Inspector, TrailFilter
from shipper.ledger.ledger import Ledger
from tests.inspector.story import LOST, REFUSED, SETTINGS, Story
from tests.web.asking import Answer
from tests.web.conftest import Open

PAGE = "/a/default/correct"
CURE = {
    "what1": "rename",
    "at1": "order_placed",
    "to1": "purchase",
    "what2": "number",
    "at2": "purchase.total",
}


@pytest.fixture
def broken(story: Story) -> list[str]:
    """Letters of a deploy that renamed an event, and one that the cure does not fit."""
    ids = [story.enqueue(f"c-{i}", events={"order_placed": {"total": f"{i}.5"}}) for i in range(3)]
    ids.append(story.enqueue("c-3", events={"order_placed": {"total": "three"}}))
    story.calls(REFUSED)
    return ids


@pytest.fixture
def inspector(ledger: Ledger) -> Inspector:
    return Inspector(ledger, SETTINGS)


def form_of(answer: Answer) -> dict[str, Any]:
    """What the page's form would send unchanged: its hidden fields."""
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', answer.text))


def test_what_was_chosen_is_asked_about_with_its_name_filled_in(open_page: Open, broken: list[str]) -> None:
    page = open_page().get(f"{PAGE}?event=order_placed")

    assert "Edit 4 events" in page.says
    assert 'name="at1" value="order_placed"' in page.text
    assert form_of(page)["event"] == "order_placed"


def test_an_event_that_ends_in_a_blank_is_renamed(
    open_page: Open, inspector: Inspector, story: Story
) -> None:
    event_id = story.enqueue("c-1", "purchase ")
    story.calls(REFUSED)
    browser = open_page()
    asked = browser.get(f"{PAGE}?event=purchase%20")

    cure = {"what1": "rename", "at1": "purchase ", "to1": "purchase"}
    shown = browser.post(PAGE, form_of(asked) | cure)
    browser.post(PAGE, form_of(shown) | {"send": "yes", "rate": "50"})

    assert 'name="at1" value="purchase "' in asked.text
    assert inspector.event(event_id).events == {"purchase": {}}


def test_many_are_changed_after_an_example_and_the_counts(
    open_page: Open, inspector: Inspector, broken: list[str]
) -> None:
    browser = open_page()
    asked = form_of(browser.get(f"{PAGE}?event=order_placed"))
    shown = browser.post(PAGE, asked | CURE)
    unchanged = inspector.event(broken[0]).events

    done = browser.post(PAGE, form_of(shown) | {"send": "yes", "rate": "50", "because": "the deploy"})

    assert "Send 3 events like this?" in shown.says
    assert '"0.5"' in shown.says
    assert "1 letter will stay dead 1: purchase.total is no text of a number" in shown.says
    assert unchanged == {"order_placed": {"total": "0.5"}}
    assert (done.status, done.place) == (303, "/a/default/reasons?told=corrected_left.3.1")
    assert [inspector.event(each).events for each in (broken[2], broken[3])] == [
        {"purchase": {"total": 2.5}},
        {"order_placed": {"total": "three"}},
    ]
    (entry,) = inspector.trail(TrailFilter(action="edit"))
    assert entry.about.startswith("the deploy: rename order_placed to purchase, 1 made a number: ")


def test_one_may_go_back_to_what_was_written(open_page: Open, broken: list[str]) -> None:
    browser = open_page()
    asked = form_of(browser.get(f"{PAGE}?event=order_placed"))
    shown = browser.post(PAGE, asked | CURE)

    again = browser.post(PAGE, form_of(shown) | {"back": "yes"})

    assert 'name="to1" value="purchase"' in again.text
    assert '<option value="number" selected>' in again.text


MISTAKES = {
    "nothing is said": ({}, "say what shall be different"),
    "a place is missing": ({"what1": "rename", "to1": "purchase"}, "Rename the event: say where"),
    "a value is missing": ({"what1": "set", "at1": "order_placed.total"}, "Set a property: say where"),
    "a value is no JSON": (
        {"what1": "set", "at1": "order_placed.total", "to1": "twelve"},
        "Text stands in quotes of its own",
    ),
    "a place is there twice": (
        {"what1": "unset", "at1": "order_placed.a", "what2": "unset", "at2": "order_placed.a"},
        "is there twice",
    ),
    "what is no word of ours": ({"what1": "drop", "at1": "<b>x</b>"}, "say what shall become of it"),
}


@pytest.mark.parametrize(("given", "told"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_and_nothing_is_changed(
    open_page: Open, inspector: Inspector, broken: list[str], given: dict[str, str], told: str
) -> None:
    browser = open_page()
    asked = form_of(browser.get(f"{PAGE}?event=order_placed"))

    said = browser.post(PAGE, {**asked, "what1": "", "at1": "", **given})

    assert said.status == 400
    assert told in said.says
    assert inspector.status().dead == 4


def test_unclear_ones_go_only_if_a_person_says_so(
    open_page: Open, inspector: Inspector, story: Story
) -> None:
    story.enqueue("c-1", "order_placed", on_unclear="park")
    story.calls(LOST)
    browser = open_page()
    asked = form_of(browser.get(f"{PAGE}?event=order_placed"))
    shown = browser.post(PAGE, asked | {"what1": "rename", "at1": "order_placed", "to1": "purchase"})
    send = form_of(shown) | {"send": "yes", "rate": "50"}

    kept = browser.post(PAGE, send)
    sent = browser.post(PAGE, send | {"may_duplicate": "yes"})

    assert "1 of them is unclear" in shown.says
    assert kept.place == "/a/default/reasons?told=nothing"
    assert sent.place == "/a/default/reasons?told=corrected.1"
    assert inspector.status().waiting == 1


def test_a_form_that_names_no_letters_changes_none(
    open_page: Open, inspector: Inspector, broken: list[str]
) -> None:
    said = open_page().post(PAGE, CURE | {"send": "yes", "rate": "50"})

    assert said.status == 400
    assert inspector.status().dead == 4


def test_the_same_is_done_by_a_program(open_page: Open, inspector: Inspector, broken: list[str]) -> None:
    browser = open_page()
    said = {"event": "order_placed", "renames": {"order_placed": "purchase"}, "numbers": ["purchase.total"]}

    def ask(path: str, more: dict[str, Any]) -> Any:
        kind = {"content-type": "application/json"}
        path = f"/api/v1/accounts/default/{path}"
        return browser.ask("POST", path, headers=kind, body=json.dumps(said | more).encode()).json

    tried = ask("propose", {})
    done = ask("edit", {"rate": 100, "because": "the deploy"})

    assert (tried["fits"], tried["left"], tried["event_id"]) == (3, {"invalid": 1}, broken[0])
    assert tried["problems"] == {"purchase.total is no text of a number": 1}
    assert (done["done"], done["left"]) == (3, {"invalid": 1})
    assert inspector.event(broken[1]).events == {"purchase": {"total": 1.5}}


@pytest.mark.parametrize(
    "change",
    [{}, {"renames": {"a": 1}}, {"moves": []}, {"numbers": "a"}, {"sets": [1]}, {"unsets": [1]}],
    ids=str,
)
def test_a_program_that_says_no_change_is_refused(
    open_page: Open, inspector: Inspector, broken: list[str], change: dict[str, Any]
) -> None:
    body = json.dumps({"all": True, **change}).encode()
    kind = {"content-type": "application/json"}

    said = open_page().ask("POST", "/api/v1/accounts/default/edit", headers=kind, body=body)

    assert said.status == 400
    assert inspector.status().dead == 4


def test_more_than_a_browser_could_wait_for_are_left_to_the_command_line(
    open_page: Open, inspector: Inspector, broken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shipper.web.pages.correct.MOST", 3)
    browser = open_page()

    said = browser.post(PAGE, form_of(browser.get(f"{PAGE}?event=order_placed")) | CURE)

    assert said.status == 400
    assert "shipper dead edit takes any number" in said.says
    assert inspector.status().dead == 4
