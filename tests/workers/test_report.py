"""What is written down of a landing, for the ledger and for the log."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shipper.ledger.operations import ClaimedCall, ClaimedEvent
from shipper.ledger.record import Record, Tried
from shipper.outcome import DELIVERED, SOLO, UNCLEAR, Dead, Free, Outcome, Reason, Retry, Verdict
from shipper.settings import Settings
from tests.workers.far_end import ACCEPTED, CLOSED, UNAVAILABLE, refused
from workers.flight import Landing
from workers.report import log_call, settled_call, word_of
from workers.verdict import Answer, Loss, judge

HOUR_MS = 3_600_000
NOW = 1_790_000_000_000
SETTINGS = Settings(max_attempts=4, max_age_ms=72 * HOUR_MS, backoff_base_ms=1, backoff_cap_ms=1)


def claimed(event_id: str = "E1", *, tried: Tried | None = None, **record: Any) -> ClaimedEvent:
    stored = {
        "lane": "lane-1",
        "accepted_at": NOW - 1000,
        "key_hash": "",
        "fingerprint": "fp",
        "names": ("n",),
        "signature": "s",
        "park": False,
        "solo": False,
        "hook": "",
        "head_len": 27,
        "body": b'{"customerId":"canary@x","events":{"secret":{}}}',
        **record,
    }
    before = tried or Tried()
    return ClaimedEvent(event_id=event_id, number=before.number + 1, tried=before, record=Record(**stored))


def landing(answer: Answer, *events: ClaimedEvent) -> Landing:
    return Landing(
        account="default",
        call=ClaimedCall(lane="lane-1", token="t-1", events=events or (claimed(),)),
        claimed_at=NOW,
        sent_at=NOW + 5,
        took_ms=42,
        answer=answer,
        judgement=judge(answer),
    )


def outcome_of(answer: Answer, *events: ClaimedEvent) -> Outcome:
    settled = settled_call(landing(answer, *events), SETTINGS, worker="w:1")
    return settled.events[0].outcome


def history(answer: Answer, *events: ClaimedEvent) -> dict[str, Any] | None:
    line = settled_call(landing(answer, *events), SETTINGS, worker="w:1").events[0].line
    return json.loads(line) if line else None


def test_a_call_is_settled_with_its_lane_token_verdict_and_events() -> None:
    settled = settled_call(landing(refused(3009), claimed("E1"), claimed("E2")), SETTINGS, worker="w:1")

    assert (settled.lane, settled.token, settled.verdict, settled.hold_ms) == (
        "lane-1",
        "t-1",
        Verdict.PERMANENT,
        0,
    )
    assert [(event.event_id, event.outcome, event.code) for event in settled.events] == [
        ("E1", SOLO, 3009),
        ("E2", SOLO, 3009),
    ]


def test_a_throttled_call_says_for_how_long() -> None:
    throttled = Answer(status=429, retry_after="7", received_at=NOW)

    assert settled_call(landing(throttled), SETTINGS, worker="w:1").hold_ms == 7000


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (claimed(), Retry(delay_ms=0)),
        (claimed(tried=Tried(number=9, charged=3)), Dead(reason=Reason.SPENT)),
        (claimed(accepted_at=NOW - 72 * HOUR_MS), Dead(reason=Reason.AGED)),
        (claimed(accepted_at=NOW - 72 * HOUR_MS + 1), Retry(delay_ms=0)),
        (claimed(accepted_at=NOW - 99 * HOUR_MS, tried=Tried(since=NOW - HOUR_MS)), Retry(delay_ms=0)),
        (
            claimed(accepted_at=NOW - 99 * HOUR_MS, tried=Tried(since=NOW - 73 * HOUR_MS)),
            Dead(reason=Reason.AGED),
        ),
    ],
    ids=["fresh", "last attempt", "too old", "not yet too old", "redriven lately", "redriven long ago"],
)
def test_what_an_event_has_used_up_decides(
    event: ClaimedEvent, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.retry.backoff_ms", lambda *args, **kwargs: 0)

    assert outcome_of(UNAVAILABLE, event) == outcome


def test_the_policy_of_each_event_decides_what_a_lost_answer_means() -> None:
    parked, other = claimed("E1", park=True), claimed("E2")

    settled = settled_call(landing(CLOSED, parked, other), SETTINGS, worker="w:1")

    assert settled.events[0].outcome == UNCLEAR
    assert isinstance(settled.events[1].outcome, Retry)


def test_a_failed_attempt_leaves_a_line_in_the_history() -> None:
    event = claimed(tried=Tried(number=4))

    assert history(refused(3009), event) == {
        "at": NOW + 5,
        "number": 5,
        "worker": "w:1",
        "claimed": NOW,
        "verdict": "permanent",
        "outcome": "dead: refused",
        "took_ms": 42,
        "status": 422,
        "code": 3009,
        "request_id": "req-1",
        "answer": '{"code": 3009, "type": "x", "message": "no such event", "requestId": "req-1"}',
    }


def test_a_line_says_with_how_many_the_event_travelled_and_when_it_is_tried_again() -> None:
    line = history(UNAVAILABLE, claimed("E1"), claimed("E2"))

    assert line is not None
    assert (line["of"], line["outcome"]) == (2, "retry")
    assert line["delay_ms"] in {0, 1}


def test_a_lost_answer_says_how_it_was_lost() -> None:
    line = history(CLOSED)

    assert line is not None
    assert (line["verdict"], line["answer"]) == ("unclear", "the connection was closed")


def test_a_delivered_event_leaves_no_line_unless_a_hook_is_to_be_told_of_it() -> None:
    with_hook = history(ACCEPTED, claimed(hook="told"))

    assert history(ACCEPTED) is None
    assert with_hook is not None
    assert (with_hook["outcome"], with_hook["status"]) == ("delivered", 200)


def test_a_call_that_never_left_leaves_no_line() -> None:
    assert history(Answer(lost=Loss.UNSENT, detail="claimed 300 ms ago")) is None


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (DELIVERED, ("delivered", None)),
        (Retry(delay_ms=7), ("retry", 7)),
        (Free(delay_ms=8), ("free", 8)),
        (SOLO, ("solo", 0)),
        (Dead(reason=Reason.SPENT), ("dead: spent", None)),
        (UNCLEAR, ("unclear", None)),
    ],
)
def test_each_outcome_has_a_word(outcome: Outcome, word: tuple[str, int | None]) -> None:
    assert word_of(outcome) == word


def test_a_call_is_one_line_of_the_log_and_tells_nothing_of_the_customer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    came = landing(refused(3009), claimed("E1"), claimed("E2"))
    settled = settled_call(came, SETTINGS, worker="w:1")

    log_call("default", "w:1", came, settled, ["ok", "ok"])

    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.shipper_fields == {  # type: ignore[attr-defined]
        "event": "delivery.settled",
        "account": "default",
        "worker": "w:1",
        "lane": "lane-1",
        "verdict": "permanent",
        "outcomes": {"E1": "solo", "E2": "solo"},
        "attempts": [1, 1],
        "status": 422,
        "code": 3009,
        "request_id": "req-1",
        "took_ms": 42,
        "settled": ["ok"],
    }
    assert "canary" not in caplog.text
    assert "secret" not in caplog.text
    assert "no such event" not in caplog.text


@pytest.mark.parametrize(
    ("answer", "level"),
    [(ACCEPTED, "INFO"), (Answer(lost=Loss.UNSENT), "INFO"), (UNAVAILABLE, "WARNING"), (CLOSED, "WARNING")],
)
def test_only_what_went_wrong_is_a_warning(
    answer: Answer, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    came = landing(answer)

    log_call("default", "w:1", came, settled_call(came, SETTINGS, worker="w:1"), ["ok"])

    assert [record.levelname for record in caplog.records] == [level]


def test_a_dead_letter_is_told_by_the_field_that_the_answer_names_and_by_the_kind_of_answer() -> None:
    first, second, other = (
        settled_call(landing(Answer(status=422, body=body)), SETTINGS, worker="w:1").events[0]
        for body in (
            b'{"code":3003,"message":"events.buy.total of \\"ann\\" must be a number","requestId":"r1"}',
            b'{"code":3003,"message":"events.buy.total of \\"bob\\" must be a number","requestId":"r2"}',
            b'{"code":3009,"message":"inactive customer"}',
        )
    )

    assert first.outcome == Dead(reason=Reason.REFUSED)
    assert (first.field, second.field, other.field) == ("total", "total", "-")
    assert first.kind == second.kind != other.kind


def test_what_was_lost_names_no_field_however_it_is_told() -> None:
    parked = claimed(park=True)
    lost = Answer(lost=Loss.UNCLEAR, detail="curl 56: Recv failure for 'email' is missing")

    event = settled_call(landing(lost, parked), SETTINGS, worker="w:1").events[0]

    assert event.outcome == UNCLEAR
    assert event.field == "-"
    assert len(event.kind) == 11


def test_what_is_no_dead_letter_is_not_told_apart() -> None:
    event = settled_call(landing(UNAVAILABLE), SETTINGS, worker="w:1").events[0]

    assert (event.field, event.kind) == ("-", "none")
