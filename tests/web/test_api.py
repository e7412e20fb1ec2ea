"""The JSON API: the same use cases, strict about what it takes, and as its description says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shipper.inspector import Filter, Inspector, TrailFilter
from shipper.ledger.ledger import Ledger
from shipper.outcome import State
from shipper.web.api.description import CALLS
from shipper.web.person import Role
from tests.inspector.story import LOST, REFUSED, SETTINGS, Story
from tests.web.asking import Answer, Browser
from tests.web.conftest import OPERATOR_TOKEN, TOKENS, Open

HERE = "/api/v1/accounts/default"


def post(browser: Browser, path: str, said: Any, **headers: str) -> Answer:
    kind = {"content-type": "application/json", **headers}
    return browser.ask("POST", f"{HERE}/{path}", headers=kind, body=json.dumps(said).encode())


@pytest.fixture
def letters(story: Story) -> list[str]:
    """Three refused letters and one that is unclear."""
    ids = [story.enqueue(f"c-{i}", "visit", email="ann@example.com", hook="told") for i in range(3)]
    story.calls(REFUSED)
    unclear = story.enqueue("c-9", "visit", on_unclear="park")
    story.calls(LOST)
    return [*ids, unclear]


@pytest.fixture
def four_letters(letters: list[str], ledger: Ledger) -> Inspector:
    return Inspector(ledger, SETTINGS)


def test_letters_come_by_page_with_the_place_of_the_next(page: Browser, letters: list[str]) -> None:
    first = page.get(f"{HERE}/letters?limit=3").json
    rest = page.get(f"{HERE}/letters?limit=3&before={first['next']}").json

    found = [each["event_id"] for each in first["letters"] + rest["letters"]]
    assert sorted(found) == sorted(letters)
    assert (len(first["letters"]), rest["next"]) == (3, None)
    assert first["letters"][0]["ended_at"].startswith("2023-11-14T22:13:20.")


def test_an_event_is_masked_unless_an_operator_asks(
    page: Browser, letters: list[str], ledger: Ledger
) -> None:
    masked = page.get(f"{HERE}/events/{letters[0]}").json
    shown = post(page, f"events/{letters[0]}/unmask", {}).json

    assert (masked["email"], shown["email"]) == ("a***@***", "ann@example.com")
    assert [each.action for each in Inspector(ledger, SETTINGS).trail(TrailFilter())] == ["unmask"]


def test_letters_are_counted_sent_again_and_discarded(
    page: Browser, letters: list[str], ledger: Ledger
) -> None:
    chosen = post(page, "choose", {"all": True}).json
    job = post(page, "redrive", {"reason": "refused", "code": "3009", "rate": 5.5, "because": "why not"}).json
    handled = post(page, "discard", {"ids": [letters[3]], "because": "a test's"}).json

    assert chosen == {"count": 4, "unclear": 1}
    assert (job["state"], job["total"], job["rate"]) == ("running", 3, 5.5)
    assert (handled["done"], handled["left"]) == (1, {})
    assert page.get(f"{HERE}/jobs/{job['job']}").json["job"] == job["job"]
    assert post(page, f"jobs/{job['job']}/pause", {}).json["state"] == "paused"
    assert post(page, f"jobs/{job['job']}/cancel", {}).json["state"] == "cancelled"
    assert post(page, f"jobs/{job['job']}/resume", {}).status == 409
    entries = page.get(f"{HERE}/trail?action=discard").json["entries"]
    assert [(each["operator"], each["ids"]) for each in entries] == [("ann", [letters[3]])]


def test_an_edit_is_proposed_with_its_problems_and_carried_out(
    page: Browser, letters: list[str], ledger: Ledger
) -> None:
    bad = post(page, f"events/{letters[0]}/propose", {"events": {}}).json
    good = post(page, f"events/{letters[0]}/edit", {"events": {"visit": {"page": "/"}}}).json

    assert bad["problems"]
    assert good["result"] == "ok"
    assert good["differences"] == [{"what": "added", "place": "visit.page", "after": "/"}]
    assert Inspector(ledger, SETTINGS).event(letters[0]).state is State.WAITING


@pytest.mark.parametrize(
    ("path", "said", "problem"),
    [
        ("discard", {"because": "x"}, "say which letters"),
        ("discard", {"because": "x", "all": True, "reason": "refused"}, "say which letters"),
        ("discard", {"all": True}, "because is empty"),
        ("redrive", {"reasons": "refused"}, "'reasons' is not taken here"),
        ("redrive", {"reason": 7}, "reason is no text"),
        ("redrive", {"ids": ["x"]}, "'x' is no event id"),
        ("redrive", {"all": True, "rate": 0}, "rate is no number"),
        ("redrive", {"all": True, "rate": float("inf")}, "rate is no number"),
        ("redrive", {"all": "yes"}, "all is neither true nor false"),
        ("redrive", {"all": True, "may_duplicate": 1}, "may_duplicate is neither true nor false"),
        ("hooks/retry", {}, "say which hooks"),
        ("hooks/retry", {"jobs": []}, "jobs is no list"),
        ("hooks/retry", {"jobs": [1]}, "jobs holds what is no text"),
        ("pause", {"for_ms": 0}, "for_ms is no whole number"),
        ("pause", {"for_ms": True}, "for_ms is no whole number"),
        ("events/0000000000000000000000000A/edit", {}, "events is missing"),
        ("pause", [], "The body is no JSON object."),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(
    path: str, said: Any, problem: str, page: Browser, four_letters: Inspector
) -> None:
    answer = post(page, path, said)

    assert answer.status == 400
    assert problem in answer.json["error"]["detail"]
    assert len(four_letters.letters(Filter(), limit=9).letters) == 4
    assert list(four_letters.trail(TrailFilter())) == []


def test_a_body_that_is_no_json_is_refused(page: Browser) -> None:
    kind = {"content-type": "application/json"}

    assert page.ask("POST", f"{HERE}/pause", headers=kind, body=b"{").status == 400
    assert page.ask("POST", f"{HERE}/pause", headers=kind, body=b"[" * 100_000).status == 400
    assert page.ask("POST", f"{HERE}/pause", headers={"content-type": "text/plain"}, body=b"{}").status == 415
    assert page.get("/api/v1/nothing").json["error"]["status"] == 404


def test_a_token_is_enough_for_a_program(open_page: Open, letters: list[str]) -> None:
    browser = open_page(tokens=TOKENS, host="desk.example")

    stranger = browser.get(f"{HERE}/status")
    paused = post(browser, "pause", {"for_ms": 60_000}, authorization=f"Bearer {OPERATOR_TOKEN}")

    assert (stranger.status, stranger.headers["www-authenticate"]) == (401, "Bearer")
    assert (paused.status, paused.json["paused"]) == (200, True)


def test_the_description_names_every_call_and_refers_to_nothing_that_is_missing(page: Browser) -> None:
    said = page.get("/api/v1/openapi.json").json

    text = json.dumps(said)
    named = {(method.upper(), path) for path, found in said["paths"].items() for method in found}
    ids = [found["operationId"] for each in said["paths"].values() for found in each.values()]
    assert said["openapi"] == "3.1.0"
    assert named == {(call.method, call.path) for call in CALLS}
    assert len(ids) == len(set(ids)) == len(CALLS)
    refers = {part.partition('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert refers <= said["components"]["schemas"].keys()
    assert all((call.method == "POST") == (call.needs is Role.OPERATOR) for call in CALLS)
