"""The log of accepted calls: what a line holds, paging, and that it outlives the sandbox."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from shipper.clock import now_ms
from tests.support.sandbox import Sandbox


def test_a_line_holds_the_call_as_it_was_posted(sandbox: Sandbox) -> None:
    events = {
        "write_review": {"text": "שלום \N{PARTY POPPER}", "stars": 4.5, "tags": ["a", True, 7]},
        "b": {},
    }
    before = now_ms()
    sandbox.track("c-1", events, email="a@b.co", mobile="+2010")

    (line,) = sandbox.accepted()

    assert before <= line.pop("at_ms") <= now_ms()
    assert line.pop("requestId").endswith(f":{line.pop('call_id'):08}")
    assert line == {
        "seq": 1,
        "customerId": "c-1",
        "email": "a@b.co",
        "mobile": "+2010",
        "events": events,
    }


def test_a_line_can_hold_what_is_no_unicode(sandbox: Sandbox) -> None:
    body = r'{"customerId": "c-\ud800", "events": {"e": {"lone": "\ud800"}}}'

    answer = sandbox.post(body)

    assert answer.status_code == 200
    assert sandbox.accepted()[0]["events"] == {"e": {"lone": "\ud800"}}
    assert sandbox.ledger() == {"c-\ud800": {"points": 10, "events": 1, "calls": 1}}


def test_the_log_is_read_in_pages(sandbox: Sandbox) -> None:
    for number in range(5):
        sandbox.track(f"c-{number}")

    page = sandbox.ask("GET", "/admin/accepted", params={"after": 2, "limit": 2})
    rest = sandbox.ask("GET", "/admin/accepted", params={"after": 5})

    assert page.headers["Content-Type"] == "application/x-ndjson"
    assert [json.loads(line)["customerId"] for line in page.text.splitlines()] == ["c-2", "c-3"]
    assert rest.text == ""
    assert [line["seq"] for line in sandbox.accepted(after=3)] == [4, 5]


@pytest.mark.parametrize("parameters", [{"after": "-1"}, {"after": "x"}, {"limit": "1.5"}])
def test_a_page_that_is_no_number_is_refused(sandbox: Sandbox, parameters: dict[str, str]) -> None:
    answer = sandbox.ask("GET", "/admin/accepted", params=parameters)

    ((name, value),) = parameters.items()
    assert answer.status_code == 400
    assert answer.json() == {"problems": [{"path": name, "message": f"is {value!r}, not a whole number"}]}


def test_what_was_applied_is_known_after_the_sandbox_was_killed_before_it_answered(tmp_path: Path) -> None:
    with Sandbox(tmp_path) as sandbox, ThreadPoolExecutor() as threads:
        sandbox.add_fault({"delay_ms": 60_000, "when": "after"})
        call = threads.submit(sandbox.track, "c-1")
        sandbox.wait_until(lambda: sandbox.log_path.stat().st_size)

        sandbox.kill()
        assert isinstance(call.exception(), requests.ConnectionError)
        sandbox.start()
        sandbox.track("c-1")

        assert [line["seq"] for line in sandbox.accepted()] == [1, 2]
        assert sandbox.ledger() == {"c-1": {"points": 20, "events": 2, "calls": 2}}


def test_a_line_that_was_torn_is_cut_off(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    whole = '{"seq":1,"at_ms":1,"call_id":1,"requestId":"r","customerId":"c-1","events":{"e":{}}}\n'
    sandbox.log_path.write_text(f'{whole}{{"seq":2,"at_m')

    with sandbox:
        sandbox.track("c-2")
        found = [(line["seq"], line["customerId"]) for line in sandbox.accepted()]

    assert found == [(1, "c-1"), (2, "c-2")]


def test_a_reset_forgets_everything_and_keeps_the_plan(planned_sandbox: Sandbox) -> None:
    planned_sandbox.add_fault({"status": 503}, {"first": 1})
    for name in ("bad", "view", "view"):
        planned_sandbox.track("c-1", {name: {}})

    planned_sandbox.reset()

    assert planned_sandbox.accepted() == []
    assert planned_sandbox.ledger() == {}
    assert planned_sandbox.faults() == [
        {"id": 1, "matched": 0, "struck": 0, "match": {"event": "bad"}, "do": {"code": 2000}}
    ]
    assert planned_sandbox.stats() == {
        "seed": 1,
        "calls": 0,
        "accepted": 0,
        "events": 0,
        "by_status": {},
        "max_per_second": 0,
        "max_per_30_seconds": 0,
        "overlaps": 0,
        "highest_concurrency": 0,
    }
