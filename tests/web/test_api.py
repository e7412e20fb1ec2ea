"""The JSON API: the same use cases, strict about what it takes, and as its description says."""

from __future__ import annotations

import json
from itertools import count
from threading import BoundedSemaphore
from typing import Any

import pytest
from redis import Redis

from shipper.cli.text import iso
from shipper.inspector import Filter, Inspector, TrailFilter
from shipper.inspector.preview import Quote
from shipper.ledger.ledger import Ledger
from shipper.outcome import State
from shipper.web import quote
from shipper.web.api.description import CALLS
from shipper.web.person import Role
from tests.inspector.story import HOUR, LOST, REFUSED, SETTINGS, Story
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

    assert (chosen["count"], chosen["unclear"], chosen["doubtful"]) == (4, 1, 0)
    assert (job["state"], job["total"], job["rate"]) == ("running", 3, 5.5)
    assert (handled["done"], handled["left"]) == (1, {})
    assert page.get(f"{HERE}/jobs/{job['job']}").json["job"] == job["job"]
    assert post(page, f"jobs/{job['job']}/pause", {}).json["state"] == "paused"
    assert post(page, f"jobs/{job['job']}/cancel", {}).json["state"] == "cancelled"
    assert post(page, f"jobs/{job['job']}/resume", {}).status == 409
    entries = page.get(f"{HERE}/trail?action=discard").json["entries"]
    assert [(each["operator"], each["ids"]) for each in entries] == [("ann", [letters[3]])]


@pytest.fixture
def asked(story: Story, letters: list[str]) -> str:
    """The moment of a choice of the letters; an hour later there is one more."""
    moment = iso(story.now + 1)
    story.passes(HOUR)
    story.enqueue("c-late", "visit")
    story.calls(REFUSED)
    return moment


def test_what_is_done_at_the_moment_of_a_choice_takes_what_was_counted_and_no_more(
    page: Browser, asked: str
) -> None:
    wanted = {"reason": "refused", "since": "1m", "at": asked}

    counted = post(page, "choose", wanted).json
    proposed = post(page, "propose", {**wanted, "renames": {"visit": "stay"}}).json
    lines = post(page, "export", wanted).text.splitlines()
    job = post(page, "redrive", wanted).json
    done = post(page, "discard", {**wanted, "because": "a test's"}).json

    assert (counted["count"], counted["at"]) == (3, asked)
    assert (proposed["fits"], len(lines), job["total"], done["done"]) == (3, 5, 3, 3)
    assert post(page, "choose", {"reason": "refused"}).json["count"] == 1


def test_a_choice_says_the_moment_at_which_it_means_the_same_again(page: Browser, letters: list[str]) -> None:
    first = post(page, "choose", {"all": True}).json

    again = post(page, "choose", {"all": True, "at": first["at"]}).json

    assert again == first


def test_what_is_named_and_became_a_letter_since_is_left(page: Browser, asked: str, ledger: Ledger) -> None:
    late = next(iter(Inspector(ledger, SETTINGS).letters.all(Filter(customer_id="c-late")))).event_id

    done = post(page, "discard", {"ids": [late], "at": asked, "because": "a test's"}).json

    assert (done["done"], done["left"]) == (0, {"later": 1})


@pytest.mark.parametrize("at", ["", "soon", None, 5, "9999999-01-01"])
def test_a_moment_that_is_none_is_refused(page: Browser, at: Any) -> None:
    assert post(page, "choose", {"all": True, "at": at}).status == 400


def test_a_dry_run_tells_what_letters_would_earn_and_a_budget_holds_them(
    open_page: Open, letters: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shipper.web.serve.quoter_of", lambda *_: lambda _: Quote(kind="earns", points=40))
    browser = open_page()

    seen = post(browser, "preview", {"all": True}).json
    drawn = post(browser, "preview", {"reason": "refused", "sample": 1}).json
    over = post(browser, "redrive", {"all": True, "points_budget": 119})
    likely = post(browser, "redrive", {"reason": "refused", "points_budget": 50, "sample": 1})
    begun = browser.get(f"{HERE}/jobs").json["jobs"]
    within = post(browser, "redrive", {"all": True, "points_budget": 120})

    assert (seen["asked"], seen["left_out"], seen["points"], seen["sampled"]) == (3, 1, 120, False)
    assert (drawn["asked"], drawn["points_in_all"], drawn["sampled"]) == (1, 120, True)
    assert (over.status, over.json["error"]["detail"]) == (
        409,
        "nothing was sent: it would earn 120 points, more than the budget of 119",
    )
    assert "120 points (likely, by the sample)" in likely.json["error"]["detail"]
    assert begun == []
    assert (within.status, within.json["total"]) == (200, 4)


def test_gameball_is_asked_for_one_person_after_the_other(
    page: Browser, letters: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quote, "PATIENCE_S", 0.01)

    with quote._ASKING:
        answer = post(page, "preview", {"all": True})

    assert (answer.status, "somebody else is asking" in answer.text) == (409, True)


def test_few_wait_for_a_preview_and_the_page_answers_all_others(
    page: Browser, letters: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quote, "_WAITING", BoundedSemaphore(1))

    with quote._ASKING, quote._WAITING:
        answer = post(page, "preview", {"all": True})

    assert (answer.status, "somebody else is asking" in answer.text) == (409, True)


def test_a_gameball_that_answers_too_slowly_is_not_asked_for_ever(
    open_page: Open, letters: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = count(step=50_000)
    asked: list[bytes] = []

    def ask(body: bytes) -> Quote:
        asked.append(body)
        next(now)
        return Quote(kind="nothing")

    monkeypatch.setattr("shipper.web.serve.quoter_of", lambda *_: ask)
    browser = open_page(clock=lambda: next(now))

    answer = post(browser, "preview", {"all": True})

    assert (answer.status, "Gameball answers too slowly" in answer.text) == (400, True)
    assert len(asked) == 1


def test_blanks_around_a_name_or_an_id_count(page: Browser, story: Story) -> None:
    for customer, name in [(" c-1", "visit"), ("c-1", "purchase "), ("c-1", "purchase"), ("c-2", "purchase")]:
        story.enqueue(customer, name)
        story.calls(REFUSED)

    by_customer = post(page, "choose", {"customer": " c-1"}).json
    by_name = post(page, "choose", {"reason": "refused", "event": "purchase "}).json
    listed = page.get(f"{HERE}/letters?event=purchase%20").json["letters"]

    assert (by_customer["count"], by_name["count"]) == (1, 1)
    assert [each["event_names"] for each in listed] == [["purchase "]]


def test_an_edit_is_proposed_with_its_problems_and_carried_out(
    page: Browser, letters: list[str], ledger: Ledger
) -> None:
    bad = post(page, f"events/{letters[0]}/propose", {"events": {}}).json
    change = {"events": {"visit": {"page": "/"}}, "mark": bad["mark"]}
    good = post(page, f"events/{letters[0]}/edit", change).json

    assert bad["problems"]
    assert good["result"] == "ok"
    assert good["differences"] == [{"what": "added", "place": "visit.page", "after": "/"}]
    assert Inspector(ledger, SETTINGS).event(letters[0]).state is State.WAITING


def test_an_edit_of_what_was_sent_again_since_it_was_read_changes_nothing(
    page: Browser, story: Story, ledger: Ledger, redis: Redis
) -> None:
    inspector = Inspector(ledger, SETTINGS)
    event_id = story.enqueue("c-1", "visit", on_unclear="park")
    story.calls(LOST)
    read = page.get(f"{HERE}/events/{event_id}").json
    inspector.letters.redrive(inspector.letters.choose([event_id]), may_duplicate=True)
    story.now = redis.time()[0] * 1000 + HOUR
    story.calls(LOST)
    change = {"events": {"visit": {"n": 1}}, "mark": read["mark"], "may_duplicate": True}

    stale = post(page, f"events/{event_id}/edit", change).json
    blind = post(page, f"events/{event_id}/edit", {"events": {"visit": {"n": 1}}})

    assert (stale["result"], inspector.event(event_id).state) == ("changed", State.UNCLEAR)
    assert (blind.status, blind.json["error"]["detail"]) == (400, "mark is missing")
    fresh = page.get(f"{HERE}/events/{event_id}").json
    assert post(page, f"events/{event_id}/edit", change | {"mark": fresh["mark"]}).json["result"] == "ok"


@pytest.mark.parametrize(
    ("path", "said", "problem"),
    [
        ("discard", {"because": "x"}, "say which letters"),
        ("discard", {"because": "x", "all": True, "reason": "refused"}, "say which letters"),
        ("discard", {"all": True}, "because is empty"),
        ("discard", {"reason": "refused", "customer": "", "because": "x"}, "customer is empty: say which"),
        ("discard", {"reason": "refused", "customer": "  ", "because": "x"}, "or leave customer out"),
        ("redrive", {"reason": "refused", "customer": None}, "customer is empty"),
        ("redrive", {"reason": "refused", "event": ""}, "event is empty"),
        ("choose", {"reason": "refused", "text": " "}, "text is empty"),
        ("choose", {"reason": "refused", "ids": []}, "ids is empty"),
        ("redrive", {"reasons": "refused"}, "'reasons' is not taken here"),
        ("redrive", {"reason": 7}, "reason is no text"),
        ("redrive", {"event": "\ud800"}, "event holds half of a character"),
        ("choose", {"customer": "caf\udce9"}, "customer holds half of a character"),
        ("redrive", {"ids": ["x"]}, "'x' is no event id"),
        ("redrive", {"all": True, "rate": 0}, "rate is no number"),
        ("redrive", {"all": True, "rate": float("inf")}, "holds Infinity, which is no number of JSON"),
        ("redrive", {"all": "yes"}, "all is neither true nor false"),
        ("redrive", {"all": True, "may_duplicate": 1}, "may_duplicate is neither true nor false"),
        ("redrive", {"all": True, "sample": 5}, "sample goes with points_budget"),
        ("redrive", {"all": True, "points_budget": -1}, "points_budget is no whole number"),
        ("preview", {}, "say which letters"),
        ("preview", {"all": True, "sample": 501}, "sample is no whole number from 1 to 500"),
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
    assert len(four_letters.letters.page(Filter(), limit=9).letters) == 4
    assert list(four_letters.trail(TrailFilter())) == []


@pytest.mark.parametrize(
    ("events", "problem"),
    [
        ('{"visit": {"n": 1, "n": 2}}', "The body has the key 'n' twice in an object."),
        (f'{{"visit": {{"n": {"[" * 700}{"]" * 700}}}}}', "The body is nested too deep."),
        ('{"visit": {"n": NaN}}', "The body holds NaN, which is no number of JSON."),
        ('{"visit": {"n": 1}', "The body is no JSON: "),
    ],
)
def test_an_edit_is_read_as_strictly_as_on_the_page(
    events: str, problem: str, page: Browser, letters: list[str], ledger: Ledger
) -> None:
    kind, body = {"content-type": "application/json"}, f'{{"events": {events}}}'.encode()

    answer = page.ask("POST", f"{HERE}/events/{letters[0]}/propose", headers=kind, body=body)

    assert answer.status == 400
    assert answer.json["error"]["detail"].startswith(problem)


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
