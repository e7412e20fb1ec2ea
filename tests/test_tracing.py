"""The spans of a producer: one for each enqueue, whose context travels with what it enqueued."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

import shipper
from shipper.client import _current
from shipper.context import read_context
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import show
from shipper.ledger.pool import make_pool
from shipper.settings import Settings
from shipper.tracing import current_traceparent, ids_of, trace_id_of
from tests.support.servers import RedisServer
from tests.support.spans import Spans, kept_spans, traceparent_of

ROOT: Final = Path(__file__).parents[1]
PATIENCE_MS: Final = 30_000
REVIEW: Final[dict[str, Any]] = {"customerId": "c-42", "events": {"write_review": {"stars": 5}}}
BAD: Final[dict[str, Any]] = {"customerId": "", "events": {"canary": {}}}


@pytest.fixture
def spans() -> Iterator[Spans]:
    with kept_spans() as spans:
        yield spans


@pytest.fixture
def ledger(redis7: RedisServer) -> Iterator[Ledger]:
    with redis7.client() as client:
        client.flushall()
    shipper.configure(Settings(redis_url=redis7.url, enqueue_budget_ms=PATIENCE_MS))
    pool = make_pool(redis7.url, budget_ms=PATIENCE_MS)
    yield Ledger(pool, budget_ms=PATIENCE_MS)
    pool.disconnect()
    shipper.close()
    _current.client = None


def context_of(ledger: Ledger, event_id: str) -> dict[str, str]:
    (shown,) = ledger.run(show([event_id]))
    assert shown is not None
    assert shown.record is not None
    return read_context(shown.record.context)


def test_an_enqueue_is_a_span_and_its_event_carries_it(ledger: Ledger, spans: Spans) -> None:
    with spans.provider.get_tracer("app").start_as_current_span("request"):
        receipt = shipper.enqueue_event(REVIEW)

    span, request = spans.named("enqueue default"), spans.named("request")
    assert (span.kind, span.status.status_code) == (SpanKind.PRODUCER, StatusCode.UNSET)
    assert span.attributes == {
        "messaging.system": "gameball_shipper",
        "messaging.operation.name": "enqueue",
        "messaging.operation.type": "send",
        "messaging.destination.name": "default",
        "messaging.message.id": receipt.event_id,
    }
    assert span.parent == request.get_span_context()
    assert context_of(ledger, receipt.event_id) == {"traceparent": traceparent_of(span)}


def test_a_bulk_is_one_span_that_all_its_events_carry(ledger: Ledger, spans: Spans) -> None:
    receipts = shipper.enqueue_events([REVIEW, {**REVIEW, "customerId": "c-43"}])

    span = spans.named("enqueue default")
    assert span.attributes is not None
    assert span.attributes["messaging.batch.message_count"] == 2
    assert "messaging.message.id" not in span.attributes
    assert [
        context_of(ledger, receipt.event_id) for receipt in receipts if isinstance(receipt, shipper.Receipt)
    ] == [{"traceparent": traceparent_of(span)}] * 2


async def both_ways() -> str:
    receipt = await shipper.aenqueue_event(REVIEW)
    await shipper.aenqueue_events([REVIEW])
    await shipper.aclose()
    return receipt.event_id


def test_the_asynchronous_enqueue_is_a_span_too(ledger: Ledger, spans: Spans) -> None:
    import asyncio  # noqa: PLC0415 - for this test alone

    event_id = asyncio.run(both_ways())

    first, second = spans.ended
    assert (first.name, second.name) == ("enqueue default", "enqueue default")
    assert context_of(ledger, event_id) == {"traceparent": traceparent_of(first)}


def test_a_refused_event_fails_its_span_by_the_kind_of_error_alone(ledger: Ledger, spans: Spans) -> None:
    with pytest.raises(shipper.InvalidEventError):
        shipper.enqueue_event(BAD)

    span = spans.named("enqueue default")
    assert span.attributes is not None
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
    assert span.attributes["error.type"] == "InvalidEventError"
    assert span.events == ()


def test_a_bulk_in_which_one_is_refused_fails_its_span(ledger: Ledger, spans: Spans) -> None:
    shipper.enqueue_events([REVIEW, BAD])

    span = spans.named("enqueue default")
    assert span.attributes is not None
    assert span.attributes["error.type"] == "InvalidEventError"


def test_a_tracer_that_raises_fails_no_enqueue(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> Any:
        raise RuntimeError

    monkeypatch.setattr(trace, "get_tracer", broken)
    monkeypatch.setattr(trace, "get_tracer_provider", object)
    monkeypatch.setattr(trace, "get_current_span", broken)

    receipt = shipper.enqueue_event(REVIEW)

    assert context_of(ledger, receipt.event_id) == {}


def test_without_a_span_no_trace_is_carried() -> None:
    assert current_traceparent() == ""


@pytest.mark.parametrize(
    ("traceparent", "ids"),
    [
        (
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            (0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, 1),
        ),
        ("00-00000000000000000000000000000000-b7ad6b7169203331-01", None),
        ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", None),
        ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", None),
        ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", None),
        ("", None),
    ],
)
def test_a_traceparent_is_read_or_is_none(traceparent: str, ids: tuple[int, int, int] | None) -> None:
    assert ids_of(traceparent) == ids


def test_what_is_no_traceparent_has_no_trace_id() -> None:
    assert trace_id_of("canary") == ""


ENQUEUES: Final = (
    "import sys, shipper\n"
    "try: shipper.enqueue_event({'customerId': 'c', 'events': {'visit': {}}})\n"
    "except shipper.LedgerUnavailableError: print(*sorted(sys.modules))"
)
ABSENT: Final = "import sys; sys.modules['opentelemetry'] = None\n"


def modules_of(program: str) -> set[str]:
    """Return what a program loaded that enqueues, told by the environment to export traces."""
    said = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "SHIPPER_REDIS_URL": "redis://127.0.0.1:1/0", "OTEL_TRACES_EXPORTER": "otlp"},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(said.stdout.split())


def test_an_enqueue_sets_no_tracing_up_and_loads_no_structlog() -> None:
    loaded = modules_of(ENQUEUES)

    # redis-py itself loads OpenTelemetry's metrics where they are installed.
    unwanted = ("opentelemetry.sdk.trace", "opentelemetry.exporter", "structlog", "rich")
    assert "shipper.tracing" in loaded
    assert [name for name in loaded if name.startswith(unwanted)] == []


def test_an_enqueue_needs_no_opentelemetry() -> None:
    loaded = modules_of(ABSENT + ENQUEUES)

    assert "shipper.tracing" in loaded
    assert [name for name in loaded if name.startswith("opentelemetry.")] == []
