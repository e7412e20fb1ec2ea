"""The example apps as real server processes: what they answer for is in the ledger."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Final

import pytest

from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import show, status
from tests.examples.conftest import StartApp

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
NOBODY: Final = "redis://127.0.0.1:1/0"

pytestmark = pytest.mark.parametrize("server", ["redis7"], indirect=True)


def flask(port: int) -> list[str]:
    return ["-m", "flask", "--app", str(EXAMPLES / "flask_app.py"), "run", "--port", str(port)]


def fastapi(port: int) -> list[str]:
    return ["-m", "uvicorn", "--app-dir", str(EXAMPLES), "fastapi_app:app", "--port", str(port)]


def django(port: int) -> list[str]:
    return [str(EXAMPLES / "django_app.py"), "runserver", f"127.0.0.1:{port}", "--noreload"]


def body_of(ledger: Ledger, event_id: str) -> dict[str, Any]:
    (shown,) = ledger.run(show([event_id]))
    assert shown is not None
    assert shown.record is not None
    return {**shown.record.event, "hook": shown.record.hook}


def accepted(ledger: Ledger) -> int:
    return ledger.run(status()).counters.get("accepted", 0)


def test_the_flask_app_answers_once_the_event_is_in_the_ledger(start_app: StartApp, ledger: Ledger) -> None:
    app = start_app(flask)

    answer = app.post("/reviews/7", data={"customer": "c-42", "stars": "5"})
    again = app.post("/reviews/7", data={"customer": "c-42", "stars": "5"})
    bad = app.post("/reviews/8", data={"stars": "5"})

    assert answer.status_code == 202
    assert body_of(ledger, answer.json()["event_id"]) == {
        "customerId": "c-42",
        "events": {"write_review": {"stars": 5}},
        "hook": "review_sent",
    }
    assert again.json() == answer.json()
    assert (bad.status_code, bad.json()) == (422, {"problems": ["customer_id is empty"]})
    assert accepted(ledger) == 1


def test_the_fastapi_app_answers_once_the_event_is_in_the_ledger(start_app: StartApp, ledger: Ledger) -> None:
    app = start_app(fastapi)

    answer = app.post("/reviews/7", json={"customer": "c-42", "stars": 5})
    again = app.post("/reviews/7", json={"customer": "c-42", "stars": 5})
    bad = app.post("/reviews/8", json={"customer": "", "stars": 5})
    exit_code = app.stop()

    assert answer.status_code == 202
    assert body_of(ledger, answer.json()["event_id"]) == {
        "customerId": "c-42",
        "events": {"write_review": {"stars": 5}},
        "hook": "review_sent",
    }
    assert again.json() == answer.json()
    assert (bad.status_code, bad.json()) == (422, {"problems": ["customer_id is empty"]})
    assert accepted(ledger) == 1
    assert exit_code == 0
    assert "Application shutdown complete" in app.log


def test_the_id_of_a_request_travels_with_what_the_fastapi_app_enqueues(
    start_app: StartApp, ledger: Ledger
) -> None:
    app = start_app(fastapi)

    answer = app.post(
        "/reviews/7", json={"customer": "c-42", "stars": 5}, headers={"X-Request-ID": "r-17 | x"}
    )

    (shown,) = ledger.run(show([answer.json()["event_id"]]))
    assert shown is not None
    assert shown.record is not None
    assert shown.record.context == "request_id=r-17%20%7C%20x"


@pytest.mark.parametrize(("serve", "payload"), [(flask, "data"), (fastapi, "json")])
def test_an_app_without_its_ledger_asks_to_be_called_again(
    serve: Any, payload: str, start_app: StartApp
) -> None:
    app = start_app(serve, redis_url=NOBODY)

    answer = app.post("/reviews/7", **{payload: {"customer": "c-42", "stars": 5}})

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


@pytest.mark.parametrize(("serve", "payload"), [(flask, "data"), (fastapi, "json")])
def test_an_app_answers_409_to_a_review_that_was_told_otherwise(
    serve: Any, payload: str, start_app: StartApp, ledger: Ledger
) -> None:
    app = start_app(serve)

    first = app.post("/reviews/7", **{payload: {"customer": "c-42", "stars": 5}})
    other = app.post("/reviews/7", **{payload: {"customer": "c-42", "stars": 1}})

    assert (other.status_code, other.json()["event_id"]) == (409, first.json()["event_id"])
    assert accepted(ledger) == 1


@pytest.mark.parametrize(("serve", "payload"), [(flask, "data"), (fastapi, "json")])
def test_an_app_with_a_fault_of_its_own_does_not_ask_to_be_called_again(
    serve: Any, payload: str, start_app: StartApp
) -> None:
    app = start_app(serve, redis_url="http://no-redis.example.com")

    answer = app.post("/reviews/7", **{payload: {"customer": "c-42", "stars": 5}})

    assert (answer.status_code, "Retry-After" in answer.headers) == (500, False)


def test_the_django_app_enqueues_what_it_commits_and_nothing_it_rolls_back(
    start_app: StartApp, ledger: Ledger
) -> None:
    app = start_app(django)

    rolled_back = app.post("/reviews", data={"customer": "c-41", "stars": "9"})
    before = accepted(ledger)
    committed = app.post("/reviews", data={"customer": "c-42", "stars": "5"})

    assert (rolled_back.status_code, before) == (422, 0)
    assert committed.status_code == 201
    assert body_of(ledger, committed.json()["event_id"]) == {
        "customerId": "c-42",
        "events": {"write_review": {"stars": 5}},
        "hook": "review_sent",
    }
    assert accepted(ledger) == 1


def test_the_django_app_enqueues_later_what_an_outage_kept_out(
    start_app: StartApp, ledger: Ledger, tmp_path: Path
) -> None:
    cut_off = start_app(django, redis_url=NOBODY)
    kept = cut_off.post("/reviews", data={"customer": "c-42", "stars": "5"})
    cut_off.stop()
    app = start_app(django)

    first = app.post("/reviews/missing")
    second = app.post("/reviews/missing")

    assert (kept.status_code, kept.json()["event_id"]) == (201, "")
    assert body_of(ledger, first.json()["enqueued"][0])["customerId"] == "c-42"
    assert second.json() == {"enqueued": [], "refused": {}}
    assert accepted(ledger) == 1


def test_a_review_that_changed_since_it_was_told_does_not_keep_the_later_ones_of_the_django_app(
    start_app: StartApp, ledger: Ledger, tmp_path: Path
) -> None:
    told = (app := start_app(django)).post("/reviews", data={"customer": "c-1", "stars": "5"}).json()
    app.stop()
    cut_off = start_app(django, redis_url=NOBODY)
    cut_off.post("/reviews", data={"customer": "c-42", "stars": "5"})
    cut_off.stop()
    with sqlite3.connect(tmp_path / "reviews.sqlite3") as reviews:
        reviews.execute("UPDATE reviews_review SET event_id = '', stars = 1 WHERE customer = 'c-1'")

    answer = start_app(django).post("/reviews/missing").json()

    assert [body_of(ledger, event_id)["customerId"] for event_id in answer["enqueued"]] == ["c-42"]
    assert answer["refused"] == {"1": [f"told as {told['event_id']}, with other content"]}


def test_a_review_that_cannot_be_told_does_not_keep_the_later_ones_of_the_django_app(
    start_app: StartApp, ledger: Ledger
) -> None:
    cut_off = start_app(django, redis_url=NOBODY)
    for customer in (" ", "c-42"):
        cut_off.post("/reviews", data={"customer": customer, "stars": "5"})
    cut_off.stop()
    app = start_app(django)

    answer = app.post("/reviews/missing").json()

    assert [body_of(ledger, event_id)["customerId"] for event_id in answer["enqueued"]] == ["c-42"]
    assert answer["refused"] == {"1": ["customer_id is blank"]}
