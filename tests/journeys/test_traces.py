"""From a request to its POST: one trace, and one request id in every line, over real processes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from tests.support.collector import Collector
from tests.support.spans import Spans, kept_spans
from tests.support.stage import Stage

HOOKS: Final = """
import sys
from pathlib import Path
import structlog
from shipper import completion_hook

SAID = Path(__file__).with_name("said.txt")

@completion_hook("noted")
def noted(response, error):
    SAID.write_text(" ".join([str(structlog.contextvars.get_contextvars()), *sys.modules]))
"""
POST: Final = "POST /integrations/events"
AWAY: Final = "http://127.0.0.1:1"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        yield collector


@pytest.fixture
def app(collector: Collector) -> Iterator[Spans]:
    """A web app that exports its spans, and has bound the id of its request."""
    with kept_spans() as spans, structlog.contextvars.bound_contextvars(request_id="r-1"):
        spans.provider.add_span_processor(
            SimpleSpanProcessor(OTLPSpanExporter(endpoint=f"{collector.url}/v1/traces"))
        )
        yield spans


@pytest.mark.parametrize("pool", [(), ("-P", "prefork", "-c", "2")], ids=["threads", "prefork"])
def test_a_request_its_enqueue_its_post_and_its_hook_are_one_trace_and_have_one_request_id(
    pool: tuple[str, ...], stage: Stage, app: Spans, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")  # so that all spans are still there at the end
    worker = stage.worker(*pool, hooks=HOOKS)

    with app.provider.get_tracer("app").start_as_current_span("request"):
        event_id = stage.enqueue("c-1", hook="noted")

    stage.until(lambda: stage.count("hooks_told") == 1)
    worker.terminate()

    assert worker.wait() == 0
    ((request,), (enqueued,), (posted,), (told,)) = map(
        collector.named, ("request", "enqueue default", POST, "tell noted")
    )
    assert {span["trace_id"] for span in (request, enqueued, posted, told)} == {request["trace_id"]}
    assert enqueued["parent"] == request["span_id"]
    assert posted["parent"] == told["parent"] == enqueued["span_id"]
    assert posted["service"] == told["service"] == "gameball-shipper"
    assert posted["attributes"]["http.response.status_code"] == 200
    assert posted["attributes"]["url.full"] == f"{stage.sandbox.url}/api/v4.0/integrations/events"
    assert request["begun"] - 1_000_000_000 < posted["begun"] < told["begun"] + 1_000_000_000
    context = {"trace_id": [request["trace_id"]], "request_id": ["r-1"]}
    (settled,), (line,) = worker.told("delivery.settled"), worker.told("hook.told")
    assert (settled["context"], settled["outcomes"]) == (context, {event_id: "delivered"})
    assert (line["context"], line["event_id"]) == (context, event_id)
    assert (worker.folder / "said.txt").read_text().startswith("{'request_id': 'r-1'} ")


def test_a_collector_that_is_away_delays_neither_a_delivery_nor_the_end(
    stage: Stage, app: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", AWAY)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    worker = stage.worker()
    for number in range(20):
        stage.enqueue(f"c-{number}")

    counters = stage.until_at_rest()
    worker.terminate()

    assert counters["delivered"] == 20
    assert worker.wait(within_s=8) == 0
    assert len(worker.told("delivery.settled")) == 20


def test_a_worker_that_nobody_asks_for_traces_sets_none_up(stage: Stage) -> None:
    worker = stage.worker(hooks=HOOKS)
    stage.enqueue("c-1", hook="noted")

    stage.until(lambda: stage.count("hooks_told") == 1)

    context, _, modules = (worker.folder / "said.txt").read_text().partition(" ")
    # redis-py itself loads OpenTelemetry's metrics where they are installed.
    unwanted = ("opentelemetry.sdk.trace", "opentelemetry.exporter", "google.protobuf")
    assert context == "{}"
    assert "workers.tracing" in modules.split()
    assert [name for name in modules.split() if name.startswith(unwanted)] == []
