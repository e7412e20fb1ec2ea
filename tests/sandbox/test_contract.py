"""What the sandbox answers to good and bad calls, asked over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.sandbox import Sandbox, has_something

GOOD: Final = '{"customerId": "c-1", "events": {"write_review": {"stars": 5}}}'
KEYS: Final = {"APIKey": "key", "SecretKey": "secret"}

REFUSED_BODIES: Final[dict[str, tuple[str | bytes, str]]] = {
    "nothing": ("", "The body is not JSON: Expecting value: line 1 column 1 (char 0)."),
    "not JSON": ("{", "The body is not JSON"),
    "not UTF-8": (b'{"customerId": "\xff"}', "The body is not JSON"),
    "a list": ("[]", "The body is not an object."),
    "NaN": ('{"customerId": "c", "events": {"e": {"n": NaN}}}', "NaN is no JSON number"),
    "a name twice": ('{"customerId": "c", "events": {"e": {}, "e": {}}}', "an object has a name twice"),
    "too deep": ("[" * 100_000, "The body is not JSON: it is nested too deeply."),
    "no customer": ('{"events": {"e": {}}}', "customerId is missing."),
    "an empty customer": ('{"customerId": "", "events": {"e": {}}}', "customerId is missing."),
    "a number as customer": ('{"customerId": 7, "events": {"e": {}}}', "customerId is not a text."),
    "a long customer": (
        json.dumps({"customerId": "c" * 101, "events": {"e": {}}}),
        "customerId is 101 characters long; at most 100 are allowed.",
    ),
    "no events": ('{"customerId": "c"}', "events is missing or empty."),
    "empty events": ('{"customerId": "c", "events": {}}', "events is missing or empty."),
    "a list of events": ('{"customerId": "c", "events": ["e"]}', "events is not an object."),
    "an empty name": ('{"customerId": "c", "events": {"": {}}}', "events has an empty name."),
    "null metadata": ('{"customerId": "c", "events": {"e": null}}', "events.e is not an object."),
    "a null email": (
        '{"customerId": "c", "events": {"e": {}}, "email": null}',
        "email is not a text, or empty.",
    ),
    "an empty mobile": (
        '{"customerId": "c", "events": {"e": {}}, "mobile": ""}',
        "mobile is not a text, or empty.",
    ),
    "several": ('{"events": {}}', "customerId is missing. events is missing or empty."),
}

KEY_TABLE: Final = [
    # version, headers, status, code
    ("v4.0", {"APIKey": "right"}, 200, None),
    ("v4.0", {"APIKey": "right", "SecretKey": "wrong"}, 200, None),
    ("v4.0", {"APIKey": "wrong"}, 401, 1000),
    ("v4.0", {}, 401, 1000),
    ("v4.1", {"APIKey": "right", "SecretKey": "hidden"}, 200, None),
    ("v4.1", {"APIKey": "right"}, 401, 1001),
    ("v4.1", {"APIKey": "right", "SecretKey": "wrong"}, 401, 1006),
    ("v4.1", {"APIKey": "wrong", "SecretKey": "hidden"}, 401, 1000),
]


@pytest.fixture(scope="module")
def locked_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("locked")
    with Sandbox(folder, api_key="right", secret_key="hidden", per_30_seconds=len(KEY_TABLE)) as sandbox:
        yield sandbox


def test_a_good_call_is_applied_and_told_so(sandbox: Sandbox) -> None:
    body = '{"customerId": "c-1", "email": "a@b.co", "mobile": "+2010", "events": {"a": {"x": 1}, "b": {}}}'

    answer = sandbox.post(body)

    assert answer.status_code == 200
    assert answer.json() == {"success": True, "message": "Events have been tracked successfully."}
    assert sandbox.ledger() == {"c-1": {"points": 20, "events": 2, "calls": 1}}


@pytest.mark.parametrize("name", REFUSED_BODIES)
def test_a_bad_body_is_refused_with_every_problem_named(sandbox: Sandbox, name: str) -> None:
    body, message = REFUSED_BODIES[name]

    answer = sandbox.post(body)

    assert (answer.status_code, answer.json()["code"]) == (400, 2000)
    assert message in answer.json()["message"]
    assert sandbox.ledger() == {}


def test_a_customer_id_of_a_hundred_characters_is_taken(sandbox: Sandbox) -> None:
    customer_id = "\N{PARTY POPPER}" * 100

    answer = sandbox.track(customer_id)

    assert answer.status_code == 200
    assert sandbox.ledger() == {customer_id: {"points": 10, "events": 1, "calls": 1}}


def test_a_failure_has_the_five_fields_of_gameball(sandbox: Sandbox) -> None:
    first, second = (sandbox.post("{}").json() for _ in range(2))

    assert first.pop("requestId") != second.pop("requestId")
    assert first == second
    assert first == {
        "code": 2000,
        "type": "REQUEST_ERROR",
        "message": "customerId is missing. events is missing or empty.",
        "documentationUrl": "https://docs.gameball.co/api-reference/overview/status-error-codes",
    }


@pytest.mark.parametrize(("version", "headers", "status", "code"), KEY_TABLE)
def test_the_keys_are_checked(
    locked_sandbox: Sandbox, version: str, headers: dict[str, str], status: int, code: int | None
) -> None:
    answer = locked_sandbox.post(GOOD, version=version, headers=headers)

    assert (answer.status_code, answer.json().get("code")) == (status, code)


@pytest.mark.parametrize(
    ("version", "headers", "status"),
    [
        ("v4.0", {"APIKey": "any"}, 200),
        ("v4.0", {}, 401),
        ("v4.1", {"APIKey": "any", "SecretKey": "any"}, 200),
    ],
)
def test_without_configured_keys_any_key_is_taken_but_none_is_not(
    sandbox: Sandbox, version: str, headers: dict[str, str], status: int
) -> None:
    answer = sandbox.post(GOOD, version=version, headers=headers)

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("method", "path", "status", "content_type"),
    [
        ("GET", "/api/v4.0/integrations/events", 405, None),
        ("POST", "/api/v4.2/integrations/events", 404, "text/html; charset=utf-8"),
        ("GET", "/", 404, "text/html; charset=utf-8"),
    ],
)
def test_a_wrong_address_is_answered_as_by_a_gateway(
    sandbox: Sandbox, method: str, path: str, status: int, content_type: str | None
) -> None:
    answer = sandbox.ask(method, path, data=GOOD, headers=KEYS)

    assert (answer.status_code, answer.headers.get("Content-Type")) == (status, content_type)


def test_a_call_that_is_not_json_by_its_type_is_refused(sandbox: Sandbox) -> None:
    answer = sandbox.post(GOOD, headers={**KEYS, "Content-Type": "text/plain"})

    assert (answer.status_code, answer.json()["code"]) == (415, 3013)


def test_a_body_over_a_mebibyte_is_refused_as_by_a_firewall(sandbox: Sandbox) -> None:
    body = GOOD + " " * 1024 * 1024

    answer = sandbox.post(body)

    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert sandbox.ledger() == {}


def test_two_calls_of_one_customer_at_a_time_are_one_too_many(sandbox: Sandbox) -> None:
    sandbox.add_fault({"delay_ms": 60_000, "when": "before"}, {"first": 1})

    with sandbox.unanswered("c-1") as first:
        sandbox.wait_until(lambda: sandbox.faults()[0]["struck"] == 1)
        second = sandbox.track("c-1")
        other = sandbox.track("c-2")
        answered = has_something(first)

    assert (second.status_code, second.json()["code"]) == (422, 2001)
    assert other.status_code == 200
    assert not answered
    assert sandbox.ledger() == {"c-2": {"points": 10, "events": 1, "calls": 1}}
    assert sandbox.stats()["overlaps"] == 1
    assert sandbox.stats()["highest_concurrency"] == 2


def test_a_customer_is_free_again_when_the_client_of_an_applied_call_has_gone(sandbox: Sandbox) -> None:
    sandbox.add_fault({"delay_ms": 60_000, "when": "after"}, {"first": 1})

    with sandbox.unanswered("c-1"):
        sandbox.wait_until(sandbox.accepted)
    sandbox.wait_until(lambda: sandbox.track("c-1").status_code == 200)

    assert sandbox.ledger() == {"c-1": {"points": 20, "events": 2, "calls": 2}}
