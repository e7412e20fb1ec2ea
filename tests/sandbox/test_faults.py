"""Faults: which calls they strike, what the client gets, and whether the call was applied."""

from __future__ import annotations

import socket
import time
import zlib
from typing import Any, Final

import pytest
import requests

from tests.support.sandbox import Sandbox, has_something

BODY: Final = b'{"customerId":"c-1","events":{"write_review":{}}}'
CALL: Final = (
    b"POST /api/v4.0/integrations/events HTTP/1.1\r\nHost: sandbox\r\nAPIKey: key\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
)
SUCCESS: Final = '{"success":true,"message":"Events have been tracked successfully."}'
MIB: Final = 1024 * 1024

ANSWERS: Final[list[tuple[dict[str, Any], int, str, bool]]] = [
    # what the fault does, status, what the body begins with, whether the call was applied
    ({"status": 500}, 500, '{"code": 5000, "type": "SERVER_ERROR"', False),
    ({"status": 500, "when": "after"}, 500, '{"code": 5000', True),
    ({"status": 503}, 503, '{"code": 5003', False),
    ({"status": 502}, 502, "", False),
    ({"status": 502, "html": "<h1>Bad Gateway</h1>"}, 502, "<h1>Bad Gateway</h1>", False),
    ({"status": 400, "empty": True}, 400, "", False),
    ({"status": 400, "code": 4500}, 400, '{"code": 4500, "type": "GENERAL_ERROR"', False),
    ({"code": 1000}, 401, '{"code": 1000, "type": "AUTHENTICATION_ERROR"', False),
    ({"code": 9004, "when": "after"}, 422, '{"code": 9004, "type": "TRANSACTION_ERROR"', True),
    ({"status": 202, "empty": True}, 202, "", True),
    ({"status": 204}, 204, "", True),
    ({"status": 204, "oversize": 100}, 204, "", True),
    ({"status": 204, "wrong_body": "short"}, 204, "", True),
    ({"status": 502, "drip": 1}, 502, "", False),
    ({"status": 202}, 202, SUCCESS, True),
    ({"status": 200, "when": "before"}, 200, SUCCESS, False),
    ({"status": 200, "code": 2000}, 200, '{"success": false, "code": 2000', True),
    ({"body": {"success": True, "gameballStatus": "disabled"}}, 200, '{"success": true, "gameba', True),
    ({"body": "as it is"}, 200, "as it is", True),
    ({"body": None}, 200, "null", True),
    ({"body": "\ud800"}, 200, "\N{REPLACEMENT CHARACTER}", True),
    ({"wrong_body": "success_false", "when": "before"}, 200, '{"success":false', False),
    ({"wrong_body": "not_json"}, 200, "This is not JSON {", True),
    ({"wrong_body": "list"}, 200, "[true]", True),
    ({"wrong_body": "truncated"}, 200, SUCCESS[:33], True),
    ({"status": 500, "wrong_body": "truncated"}, 500, '{"code": 5000', False),
    ({"delay_ms": 1}, 200, SUCCESS, True),
    ({"delay_ms": 1, "when": "before"}, 200, SUCCESS, True),
    ({"delay_ms": 1, "status": 500}, 500, '{"code": 5000', False),
    ({"drip": 100_000}, 200, SUCCESS, True),
    ({"oversize": 100_000}, 200, SUCCESS, True),
]


def raw_call(sandbox: Sandbox, call: bytes = CALL) -> bytes:
    """Send a call and return all bytes until the server ends the connection; a reset raises."""
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=10) as connection:
        connection.sendall(call)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.mark.parametrize(("do", "status", "body", "applied"), ANSWERS, ids=[str(row[0]) for row in ANSWERS])
def test_a_fault_answers_as_it_was_asked_to(
    sandbox: Sandbox, do: dict[str, Any], status: int, body: str, applied: bool
) -> None:
    sandbox.add_fault(do)

    answer = sandbox.track()

    assert answer.status_code == status
    assert answer.text.startswith(body)
    assert bool(answer.text) is bool(body)
    assert len(sandbox.accepted()) == applied
    assert sandbox.ledger() == ({"c-1": {"points": 10, "events": 1, "calls": 1}} if applied else {})
    assert sandbox.stats()["by_status"] == {str(status): 1}


@pytest.mark.parametrize(("when", "applied"), [("before", 0), ("after", 1), (None, 0)])
def test_a_reset_reaches_the_client_as_one_whether_applied_or_not(
    sandbox: Sandbox, when: str | None, applied: int
) -> None:
    sandbox.add_fault({"reset": True} if when is None else {"reset": True, "when": when})

    with pytest.raises(ConnectionResetError):
        raw_call(sandbox)

    assert len(sandbox.accepted()) == applied
    assert sandbox.stats()["by_status"] == {"reset": 1}


@pytest.mark.parametrize(("when", "applied"), [("before", 0), ("after", 1)])
def test_a_close_is_the_end_of_the_stream_without_an_answer(
    sandbox: Sandbox, when: str, applied: int
) -> None:
    sandbox.add_fault({"close": True, "when": when})

    received = raw_call(sandbox)

    assert received == b""
    assert len(sandbox.accepted()) == applied
    assert sandbox.stats()["by_status"] == {"closed": 1}


def test_the_second_call_of_a_kept_alive_connection_can_be_applied_and_closed(sandbox: Sandbox) -> None:
    sandbox.add_fault({"close": True, "when": "after"}, {"every": 2, "first": 1})

    received = raw_call(sandbox, CALL + CALL)

    assert received.count(b"HTTP/1.1 200 OK") == 1
    assert len(sandbox.accepted()) == 2


def test_a_short_body_ends_before_its_length(sandbox: Sandbox) -> None:
    sandbox.add_fault({"wrong_body": "short"})

    received = raw_call(sandbox)

    head, _, body = received.partition(b"\r\n\r\n")
    assert b"content-length: 133" in head
    assert body == SUCCESS[:33].encode()


def test_a_drip_takes_its_time(sandbox: Sandbox) -> None:
    sandbox.add_fault({"drip": 500})
    start = time.monotonic()

    answer = sandbox.track()

    assert answer.text == SUCCESS
    assert time.monotonic() - start >= len(SUCCESS) / 500 - 0.05


def test_an_answer_can_be_larger_than_any_memory_and_ends_when_the_client_has_gone(sandbox: Sandbox) -> None:
    sandbox.add_fault({"oversize": 10**15})

    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=10) as connection:
        connection.sendall(CALL)
        received = b""
        while len(received) < MIB:
            received += connection.recv(MIB)
        sandbox.clear_faults()
        others = sandbox.track("c-2")

    assert b"content-length: 1000000000000000" in received
    assert others.status_code == 200
    assert sandbox.track("c-1").status_code == 200


def test_a_gzip_bomb_unpacks_to_a_gigabyte(sandbox: Sandbox) -> None:
    sandbox.add_fault({"wrong_body": "gzip_bomb"})

    with requests.post(
        f"{sandbox.url}/api/v4.0/integrations/events",
        data=BODY,
        headers={"APIKey": "key", "Content-Type": "application/json"},
        stream=True,
        timeout=10,
    ) as answer:
        packed = answer.raw.read(decode_content=False)

    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(packed) < 2 * MIB
    unpacker = zlib.decompressobj(31)
    found = sum(len(unpacker.decompress(packed[start : start + 1024])) for start in range(0, 16 * 1024, 1024))
    assert found > 8 * MIB


def test_headers_and_retry_after_are_sent(sandbox: Sandbox) -> None:
    sandbox.add_fault({"status": 503, "retry_after": 7, "headers": {"X-Trace": "t"}}, {"first": 1})
    sandbox.add_fault({"status": 429, "retry_after": "Wed, 21 Oct 2026 07:28:00 GMT"}, {"first": 1})
    sandbox.add_fault({"status": 302, "headers": {"Location": "http://other.test/"}})

    first, second = sandbox.track(), sandbox.track()
    third = sandbox.ask(
        "POST",
        "/api/v4.0/integrations/events",
        data=BODY,
        headers={"APIKey": "key", "Content-Type": "application/json"},
        allow_redirects=False,
    )

    assert (first.headers["Retry-After"], first.headers["X-Trace"]) == ("7", "t")
    assert second.headers["Retry-After"] == "Wed, 21 Oct 2026 07:28:00 GMT"
    assert (third.status_code, third.headers["Location"]) == (302, "http://other.test/")


@pytest.mark.parametrize(
    ("match", "struck"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"first": 2}, [1, 2]),
        ({"every": 2}, [2, 4, 6]),
        ({"every": 2, "first": 1}, [2]),
        ({"event": "odd"}, [1, 3, 5]),
        ({"event": "odd", "every": 2}, [3]),
        ({"customer": "c-4"}, [4]),
        ({"customer": "c-4", "event": "odd"}, []),
        ({"share": 0}, []),
        ({"share": 1}, [1, 2, 3, 4, 5, 6]),
    ],
)
def test_a_fault_strikes_the_calls_that_match(
    sandbox: Sandbox, match: dict[str, Any], struck: list[int]
) -> None:
    sandbox.add_fault({"status": 500}, match)

    statuses = {
        number: sandbox.track(f"c-{number}", {"odd" if number % 2 else "even": {}, "any": {}}).status_code
        for number in range(1, 7)
    }

    assert [number for number, status in statuses.items() if status == 500] == struck
    assert sandbox.faults()[0]["struck"] == len(struck)


def test_a_share_is_drawn_by_the_seed(sandbox: Sandbox) -> None:
    rows = []
    for _ in range(2):
        sandbox.reset()
        sandbox.add_fault({"status": 500}, {"share": 0.5})
        rows.append("".join(str(sandbox.track().status_code)[0] for _ in range(16)))

    assert rows == ["2252255222552525"] * 2


def test_the_first_fault_that_strikes_has_the_call(sandbox: Sandbox) -> None:
    sandbox.add_fault({"status": 500}, {"first": 1})
    second = sandbox.add_fault({"status": 503})

    statuses = [sandbox.track().status_code, sandbox.track().status_code]
    sandbox.remove_fault(second)
    statuses.append(sandbox.track().status_code)

    assert statuses == [500, 503, 200]


def test_a_fault_spares_calls_that_gameball_refuses_anyway(sandbox: Sandbox) -> None:
    sandbox.add_fault({"status": 500}, {"first": 1})

    statuses = [sandbox.post("{}").status_code, sandbox.post(BODY, headers={}).status_code]
    struck_before = sandbox.faults()[0]["struck"]
    statuses.append(sandbox.track().status_code)

    assert statuses == [400, 401, 500]
    assert struck_before == 0


def test_a_delay_before_holds_back_the_applying_and_a_delay_after_only_the_answer(sandbox: Sandbox) -> None:
    sandbox.add_fault({"delay_ms": 60_000, "when": "before"}, {"customer": "c-1"})
    sandbox.add_fault({"delay_ms": 60_000, "when": "after"}, {"customer": "c-2"})

    with sandbox.unanswered("c-1") as first, sandbox.unanswered("c-2") as second:
        sandbox.wait_until(lambda: [fault["struck"] for fault in sandbox.faults()] == [1, 1])
        sandbox.wait_until(sandbox.accepted)
        answered = [has_something(first), has_something(second)]

    assert answered == [False, False]
    assert [line["customerId"] for line in sandbox.accepted()] == ["c-2"]


def test_a_call_that_was_under_way_at_a_reset_is_not_applied(sandbox: Sandbox) -> None:
    sandbox.add_fault({"delay_ms": 2000, "when": "before"})
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=10) as connection:
        connection.sendall(CALL)
        sandbox.wait_until(lambda: sandbox.faults()[0]["struck"])

        sandbox.reset()
        received = connection.recv(1024)

    assert received == b""
    assert sandbox.accepted() == []
    assert sandbox.stats()["calls"] == 0


def test_a_client_that_hung_up_before_its_reset_does_no_harm(sandbox: Sandbox) -> None:
    sandbox.add_fault({"reset": True, "when": "after", "delay_ms": 60_000}, {"first": 1})

    with sandbox.unanswered("c-1"):
        sandbox.wait_until(sandbox.accepted)
    sandbox.wait_until(lambda: sandbox.stats()["by_status"] == {"reset": 1})

    assert sandbox.track().status_code == 200


def test_a_call_whose_client_hangs_up_within_the_body_is_none(sandbox: Sandbox) -> None:
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=10) as connection:
        connection.sendall(CALL[:-5])

    answer = sandbox.track("c-2")

    assert answer.status_code == 200
    assert sandbox.stats()["calls"] == 1


@pytest.mark.parametrize(
    ("found", "path", "message"),
    [
        ({}, "do", "Field required"),
        ({"do": {"status": 99}}, "do.status", "Input should be greater than or equal to 200"),
        ({"do": {"statsu": 500}}, "do.statsu", "Extra inputs are not permitted"),
        ({"do": {}, "match": {"share": 2}}, "match.share", "Input should be less than or equal to 1"),
        ({"do": {"wrong_body": "x"}}, "do.wrong_body", "Input should be 'success_false', 'not_json'"),
        (
            {"do": {"html": "x", "empty": True}},
            "do",
            "only one of body, html, empty and wrong_body can be sent",
        ),
        ({"do": {"reset": True, "close": True}}, "do", "only one of reset and close can happen"),
        ({"do": {"reset": True, "status": 500}}, "do", "nothing is answered where reset or close happens"),
        ({"do": {"headers": {"X": "a\r\nb"}}}, "do.headers", "header 'X' cannot be sent"),
        (
            {"do": {"headers": {"Content-Length": "1"}}},
            "do.headers",
            "header 'Content-Length' cannot be sent",
        ),
        ({"do": {"headers": {"X": "\N{PARTY POPPER}"}}}, "do.headers", "header 'X' cannot be sent"),
        ({"do": {"headers": {"": "x"}}}, "do.headers", "header '' cannot be sent"),
        ({"do": {"retry_after": "a\nb"}}, "do.retry_after", r"'a\nb' cannot be sent"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_with_its_path(
    sandbox: Sandbox, found: dict[str, Any], path: str, message: str
) -> None:
    answer = sandbox.ask("POST", "/admin/faults", json=found)

    problems = answer.json()["problems"]
    assert answer.status_code == 400
    assert path in [problem["path"] for problem in problems]
    assert any(message in problem["message"] for problem in problems)
    assert sandbox.faults() == []


def test_what_is_no_json_or_no_fault_is_told_so(sandbox: Sandbox) -> None:
    no_json = sandbox.ask("POST", "/admin/faults", data="{")
    no_fault = sandbox.ask("DELETE", "/admin/faults/77")

    assert no_json.status_code == 400
    assert no_json.json()["problems"][0]["message"].startswith("the body is not JSON")
    assert no_fault.status_code == 404


def test_faults_can_be_there_from_the_start(planned_sandbox: Sandbox) -> None:
    statuses = [planned_sandbox.track(events={"bad": {}}).status_code, planned_sandbox.track().status_code]

    found = planned_sandbox.faults()

    assert statuses == [400, 200]
    assert found == [{"id": 1, "matched": 1, "struck": 1, "match": {"event": "bad"}, "do": {"code": 2000}}]
