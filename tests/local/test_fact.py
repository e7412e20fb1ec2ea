from __future__ import annotations

import json
from typing import Any

import pytest

from shipper.local.fact import Fact, fact_of

CALL: dict[str, Any] = {
    "time": "2026-01-01T00:00:00.000+00:00",
    "level": "warning",
    "logger": "workers.report",
    "event": "delivery.settled",
    "account": "default",
    "worker": "host:17",
    "lane": "xIU0hfK6lTQaSNcCMtkQNA",
    "verdict": "permanent",
    "outcomes": {"01A": "solo", "01B": "solo", "01C": "delivered"},
    "attempts": [1, 1, 1],
    "status": 422,
    "code": 3003,
    "took_ms": 23,
    "settled": ["ok"],
}


def test_a_line_of_json_is_a_fact_with_its_level_and_fields() -> None:
    line = json.dumps(
        {"time": "t", "level": "error", "logger": "x", "event": "worker.gives_up", "why": "deaf"}
    )

    fact = fact_of("worker-1", line)

    assert fact == Fact(process="worker-1", event="worker.gives_up", level="error", fields={"why": "deaf"})


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (json.dumps(CALL), "delivery.settled permanent: 2 solo, 1 delivered 422 3003 23 ms"),
        (
            json.dumps(
                {"event": "delivery.settled", "verdict": "unclear", "took_ms": 5, "note": "reset by peer"}
            ),
            "delivery.settled unclear:  5 ms (reset by peer)",
        ),
        (
            json.dumps({"event": "lease.expired", "account": "default", "lanes": 3}),
            "lease.expired lanes=3",
        ),
        (
            json.dumps({"event": "lease.expired", "account": "shop-eu", "lanes": 3}),
            "lease.expired account=shop-eu lanes=3",
        ),
        (
            json.dumps({"event": "ledger.unavailable", "error": "Redis did not take it"}),
            'ledger.unavailable error="Redis did not take it"',
        ),
        (
            json.dumps({"event": "pump.failed", "exception": "Traceback …\n  File x\nValueError: no"}),
            "pump.failed (ValueError: no)",
        ),
        ("celery@host v5.7.0 (rubber)", "celery@host v5.7.0 (rubber)"),
        ('{"event": 1}', '{"event": 1}'),
        ('{"half": ', '{"half": '),
        ("\x1b[2Jgone\x07", " [2Jgone "),
    ],
)
def test_a_line_is_shown_short_and_steers_no_terminal(line: str, text: str) -> None:
    fact = fact_of("worker-1", line)

    assert fact is not None
    assert fact.text == text


def test_celerys_word_on_every_wake_up_is_no_fact() -> None:
    line = json.dumps(
        {"level": "info", "logger": "celery.app.trace", "event": "Task shipper.deliver[1] succeeded"}
    )

    assert fact_of("worker-1", line) is None
