"""`shipper send`: one event by options, or a file line by line; nothing is sent twice, nothing is hidden."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from shipper import Receipt, new_event_id
from shipper.cli import sending
from shipper.cli.lines import LONGEST, read_lines
from shipper.errors import EnqueueUnclearError, LedgerUnavailableError, ShipperError
from shipper.inspector import Inspector
from shipper.ledger.failure import ReplyLostError
from shipper.ledger.ledger import Ledger
from tests.cli.conftest import Run, objects, one
from tests.inspector.story import SETTINGS
from tests.support.servers import StartServer


@pytest.fixture
def inspector(ledger: Ledger) -> Inspector:
    return Inspector(ledger, SETTINGS)


def visit(customer: str, **beside: Any) -> str:
    return json.dumps({"customerId": customer, "events": {"visit": {}}, **beside})


# One


def test_an_event_is_made_of_options(run: Run, inspector: Inspector) -> None:
    receipt = one(
        run(
            *("send", "--customer", "c-42", "--event", "write_review", "--json"),
            *("--set", "stars=5", "--set", "text=so so", "--set", "sku=007", "--set", "tags=[1,2]"),
            *("--json-metadata", '{"verified": true, "stars": 1}'),
            *("--email", "ann@example.com", "--hook", "told", "--on-unclear", "park", "--solo"),
        )
    )

    assert receipt.keys() == {"event_id", "account", "duplicate"}
    seen = inspector.event(receipt["event_id"])
    assert seen.events == {
        "write_review": {"verified": True, "stars": 5, "text": "so so", "sku": "007", "tags": [1, 2]}
    }
    assert (seen.customer_id, seen.hook, seen.on_unclear, seen.solo) == ("c-42", "told", "park", True)


def test_an_idempotency_key_accepts_once(run: Run) -> None:
    order = ("send", "--customer", "c-1", "--event", "visit", "--idempotency-key", "k-1")

    first, second = one(run(*order, "--json")), one(run(*order, "--json"))

    assert (first["duplicate"], second["duplicate"]) == (False, True)
    assert second["event_id"] == first["event_id"]
    assert run(*order).stdout == f"accepted {first['event_id']} (it had been before)\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--set", "a=null"), "events.visit.a is null: leave it out"),
        (("--email", " "), "email"),
        (("--event-id", "mine"), "event_id is no event id"),
    ],
)
def test_a_bad_event_is_refused_with_every_problem(options: tuple[str, ...], message: str, run: Run) -> None:
    result = run("send", "--customer", "c-1", "--event", "visit", *options, code=1)

    assert message in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--set", "stars"), "'stars' is not of the form key=value"),
        (("--json-metadata", "{"), "is no JSON"),
        (("--json-metadata", "[]"), "is no JSON object"),
        (("--hook", "No!"), "is no name of a completion hook"),
        (("--on-unclear", "maybe"), "'maybe' is not one of"),
    ],
)
def test_bad_options_are_wrong_use(options: tuple[str, ...], message: str, run: Run) -> None:
    result = run("send", "--customer", "c-1", "--event", "visit", *options, code=2)

    assert message in result.stderr


def test_a_warning_of_the_library_is_a_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipper.envelope._warned", set())

    result = run("send", "--customer", "c-1", "--event", "place_order")

    assert result.stderr.startswith("warning: place_order is fired by Gameball's Orders API on its own")


# Many


def test_a_file_is_sent_line_by_line(run: Run, inspector: Inspector, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("".join(f"{visit(f'c-{i}')}\n" for i in range(450)))

    result = run("send", str(file))

    assert result.stdout == "accepted 450, refused 0\n"
    assert result.stderr == ""
    assert inspector.status().accepted == 450


def test_refused_lines_are_told_by_their_numbers_and_the_others_are_sent(
    run: Run, inspector: Inspector
) -> None:
    lines = [
        visit("c-1"),
        "",
        '{"customerId": "c-2"}',
        "not json",
        "[1]",
        '{"customerId": "c-3", "events": {"visit": {"total": NaN}}}',
        '{"customerId": "c-4", "customerId": "c-5", "events": {"visit": {}}}',
        visit("c-6"),
    ]

    result = run("send", "-", given="\n".join(lines), code=1)

    told = [line.partition(": ") for line in result.stderr.splitlines()]
    assert [number for number, _, _ in told] == ["line 3", "line 4", "line 5", "line 6", "line 7"]
    assert [problem.partition(":")[0] for _, _, problem in told] == [
        "events is missing",
        "is no JSON",
        "is no JSON object",
        "holds NaN, which is no number of JSON",
        "has the key 'customerId' twice in an object",
    ]
    assert result.stdout == "accepted 2, refused 5\n"
    assert inspector.status().accepted == 2


def test_in_json_every_line_has_an_object(run: Run) -> None:
    result = run("send", "-", "--json", given=f"{visit('c-1')}\n{{}}\n", code=1)

    accepted, refused = objects(result)
    assert accepted == {
        "line": 1,
        "event_id": accepted["event_id"],
        "account": "default",
        "duplicate": False,
    }
    assert (refused["line"], refused["error"]) == (2, "InvalidEventError")
    assert {"path": "customer_id", "message": "is missing"} in refused["problems"]
    assert result.stderr == ""


def test_a_file_with_keys_or_ids_can_be_sent_twice(run: Run, inspector: Inspector) -> None:
    lines = f"{visit('c-1', idempotency_key='k-1')}\n{visit('c-2', event_id=new_event_id())}\n"

    first, second = run("send", "-", given=lines), run("send", "-", given=lines)

    assert first.stdout == "accepted 2, refused 0\n"
    assert second.stdout == "accepted 2 (2 of them known before), refused 0\n"
    assert inspector.status().accepted == 2


def test_contents_and_keys_are_in_no_message(run: Run) -> None:
    line = json.dumps({"customerId": "c", "events": {"v": {}}, "email": "canary@example.com\n", "x": 1})

    result = run("send", "-", given=line, code=1)

    assert "canary" not in result.output


def test_without_redis_it_stops_and_says_where(
    run: Run, private_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PAUSE_S", 0.0)
    server = private_server()
    server.kill()
    lines = "".join(f"{visit(f'c-{i}')}\n" for i in range(500))

    result = run("send", "-", given=lines, code=1, SHIPPER_REDIS_URL=server.url)

    assert "stopped at line 1: Redis did not take the request" in result.stdout
    assert "send the rest again (tail -n +1)" in result.stdout
    assert "accepted 0, refused 0" in result.stdout


def test_a_full_ledger_stops_it(run: Run) -> None:
    lines = "".join(f"{visit(f'c-{i}')}\n" for i in range(5))

    result = run("send", "-", given=lines, code=1, SHIPPER_BACKLOG_MAX="3")

    assert "accepted 3, refused 0" in result.stdout
    assert "stopped at line 4: the backlog cap is reached" in result.stdout


# A chunk whose answer was lost


class Flaky:
    """Stand in for `enqueue_events`: lose answers, in turn with what is given; remember the ids."""

    def __init__(self, *turns: Exception | None) -> None:
        self.turns = list(turns)
        self.ids: list[list[str]] = []

    def __call__(
        self, events: Iterable[Any], *, event_ids: list[str], **_: Any
    ) -> list[Receipt | ShipperError]:
        self.ids.append(list(event_ids))
        cause = self.turns.pop(0) if self.turns else None
        if cause is None:
            return [Receipt(event_id=event_id, account="default") for event_id in event_ids]
        return [self._unclear(event_id, cause) for event_id in event_ids]

    def _unclear(self, event_id: str, cause: Exception) -> EnqueueUnclearError:
        error = EnqueueUnclearError("may have been accepted", event_id=event_id)
        error.__cause__ = cause
        return error


def send_two(monkeypatch: pytest.MonkeyPatch, flaky: Flaky, *given: str) -> list[sending.Sent]:
    monkeypatch.setattr(sending, "PAUSE_S", 0.0)
    monkeypatch.setattr(sending, "enqueue_events", flaky)
    file = io.BytesIO("\n".join(given or (visit("c-1"), visit("c-2"))).encode())
    return list(sending.send_lines(read_lines(file), {}))


def test_a_lost_answer_is_asked_for_again_with_the_same_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    flaky = Flaky(ReplyLostError("lost"), LedgerUnavailableError("away"))

    sent = send_two(monkeypatch, flaky)

    assert [type(each.answer) for each in sent] == [Receipt, Receipt]
    assert flaky.ids == [flaky.ids[0]] * 3


def test_an_answer_lost_for_good_is_unclear(monkeypatch: pytest.MonkeyPatch) -> None:
    flaky = Flaky(ReplyLostError("lost"), *[LedgerUnavailableError("away")] * 5)

    sent = send_two(monkeypatch, flaky)

    assert [type(each.answer) for each in sent] == [EnqueueUnclearError, EnqueueUnclearError]
    assert len(flaky.ids) == sending.TRIES


def test_what_surely_never_left_is_not_unclear(monkeypatch: pytest.MonkeyPatch) -> None:
    flaky = Flaky(*[LedgerUnavailableError("away")] * 5)

    sent = send_two(monkeypatch, flaky)

    assert [type(each.answer) for each in sent] == [LedgerUnavailableError, LedgerUnavailableError]


def test_an_id_of_the_files_own_stays_unclear(monkeypatch: pytest.MonkeyPatch) -> None:
    flaky = Flaky(*[LedgerUnavailableError("away")] * 5)

    sent = send_two(monkeypatch, flaky, visit("c-1", event_id=new_event_id()))

    assert [type(each.answer) for each in sent] == [EnqueueUnclearError]


# Lines


def test_lines_are_numbered_as_an_editor_does() -> None:
    file = io.BytesIO(b'\xef\xbb\xbf{"a":1}\r\n\n  \n{"b":"\xc3\xa9"}')

    lines = list(read_lines(file))

    assert [(line.number, line.event) for line in lines] == [(1, {"a": 1}), (4, {"b": "é"})]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"\xff\xfe", "is not UTF-8"),
        (b"[" * 100_000, "is nested too deep"),
        (b"null", "is no JSON object"),
        (b"{} {}", "is no JSON: Extra data: line 1 column 4 (char 3)"),
        (b'{"a": Infinity}', "holds Infinity, which is no number of JSON"),
        (b'{"a": {"b": 1, "b": 2}}', "has the key 'b' twice in an object"),
    ],
)
def test_a_line_that_is_no_event_says_why(text: bytes, problem: str) -> None:
    (line,) = read_lines(io.BytesIO(text))

    assert (line.event, line.problem) == (None, problem)


def test_a_line_without_end_is_skipped_not_kept() -> None:
    file = io.BytesIO(b'{"a":1}\n' + b"x" * (3 * LONGEST) + b'\n{"b":2}\n')

    lines = list(read_lines(file))

    assert [(line.number, line.event, line.size) for line in lines] == [
        (1, {"a": 1}, 8),
        (2, None, 3 * LONGEST + 1),
        (3, {"b": 2}, 8),
    ]
    assert lines[1].problem == f"is longer than {LONGEST} bytes"


def test_a_stray_key_in_redis_is_not_touched(run: Run, redis: Redis) -> None:
    redis.set("theirs", "1")

    run("send", "--customer", "c-1", "--event", "visit")

    assert redis.get("theirs") == b"1"
