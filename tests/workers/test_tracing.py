"""The spans of a worker, and the context that stands in its lines: of calls, and of hooks."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from threading import Event as Flag
from typing import Any, Final

import pytest
import structlog
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from shipper import hooks
from shipper.context import carried
from shipper.hooks import completion_hook
from shipper.ledger.operations import ClaimedCall
from shipper.ledger.record import Tried
from tests.support.spans import Spans, kept_spans, traceparent_of
from tests.workers.desk import Desk
from tests.workers.far_end import ACCEPTED, CLOSED, UNAVAILABLE, refused
from tests.workers.test_report import NOW, claimed
from workers.collector import flush_traces, open_tracing
from workers.completion import Counter, Teller
from workers.flight import Landing
from workers.pump import Pump
from workers.tracing import Tracing
from workers.verdict import Answer, Loss, judge

FIRST: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SECOND: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
UNSAMPLED: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
TRACING: Final = Tracing(url="https://api.example.com/api/v4.0/integrations/events", worker="w:1")


@pytest.fixture
def spans() -> Iterator[Spans]:
    with kept_spans() as spans:
        yield spans


def landing(answer: Answer, *traceparents: str, number: int = 1) -> Landing:
    events = [
        claimed(
            f"E{i}",
            tried=Tried(number=number - 1),
            context=f"traceparent={traceparent}" if traceparent else "request_id=r-1",
        )
        for i, traceparent in enumerate(traceparents, start=1)
    ]
    return Landing(
        account="default",
        call=ClaimedCall(lane="lane-1", token="t-1", events=tuple(events)),
        claimed_at=NOW,
        sent_at=NOW + 5,
        took_ms=42,
        answer=answer,
        judgement=judge(answer),
    )


# Calls


def test_a_call_of_one_event_is_a_span_below_its_enqueue(spans: Spans) -> None:
    TRACING.landed(landing(ACCEPTED, FIRST))

    span = spans.named("POST /integrations/events")
    assert span.parent is not None
    assert f"00-{span.parent.trace_id:032x}-{span.parent.span_id:016x}-01" == FIRST
    assert (span.kind, span.links, span.status.status_code) == (SpanKind.CLIENT, (), StatusCode.UNSET)
    assert (span.start_time, span.end_time) == ((NOW + 5) * 1_000_000, (NOW + 47) * 1_000_000)
    assert span.attributes == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "url.full": "https://api.example.com/api/v4.0/integrations/events",
        "server.address": "api.example.com",
        "server.port": 443,
        "shipper.account": "default",
        "shipper.worker": "w:1",
        "shipper.verdict": "accepted",
        "shipper.events": 1,
        "shipper.event_ids": ("E1",),
    }


def test_a_call_that_joins_requests_is_a_trace_of_its_own_that_links_to_theirs(spans: Spans) -> None:
    TRACING.landed(landing(ACCEPTED, SECOND, FIRST, "", FIRST))

    span = spans.named("POST /integrations/events")
    assert span.parent is None
    assert [traceparent_of(link) for link in span.links] == [SECOND, FIRST]
    assert span.attributes is not None
    assert span.attributes["shipper.events"] == 4


def test_events_of_one_enqueue_have_their_call_below_it(spans: Spans) -> None:
    TRACING.landed(landing(ACCEPTED, FIRST, FIRST))

    span = spans.named("POST /integrations/events")
    assert span.parent is not None
    assert span.parent.span_id == 0xB7AD6B7169203331


def test_without_a_trace_a_call_begins_one(spans: Spans) -> None:
    TRACING.landed(landing(ACCEPTED, ""))

    span = spans.named("POST /integrations/events")
    assert (span.parent, span.links) == (None, ())


@pytest.mark.parametrize("traceparents", [(UNSAMPLED,), (UNSAMPLED, SECOND), (UNSAMPLED, "")])
def test_a_call_whose_producers_keep_no_trace_has_no_span(
    traceparents: tuple[str, ...], spans: Spans
) -> None:
    TRACING.landed(landing(ACCEPTED, *traceparents))

    assert spans.ended == []


@pytest.mark.parametrize("loss", [Loss.UNSENT, Loss.KEYS, Loss.LOCKED, Loss.DAMAGED])
def test_what_was_never_posted_has_no_span(loss: Loss, spans: Spans) -> None:
    TRACING.landed(landing(Answer(lost=loss), FIRST))

    assert spans.ended == []


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (refused(3009), {"error.type": "422", "gameball.code": 3009, "gameball.request_id": "req-1"}),
        (UNAVAILABLE, {"error.type": "503"}),
        (CLOSED, {"error.type": "unclear"}),
        (Answer(lost=Loss.NOT_SENT), {"error.type": "not_sent"}),
        (Answer(status=302), {"error.type": "credentials"}),
    ],
)
def test_a_call_that_failed_says_as_what_and_never_in_gameballs_words(
    answer: Answer, wrong: dict[str, Any], spans: Spans
) -> None:
    TRACING.landed(landing(answer, FIRST, number=3))

    span = spans.named("POST /integrations/events")
    assert span.attributes is not None
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
    told = {name: value for name, value in span.attributes.items() if name in wrong}
    assert told == wrong
    assert span.attributes["http.request.resend_count"] == 2
    assert "no such event" not in str(span.to_json())


@pytest.mark.parametrize("context", ["traceparent=%", "traceparent=00-1-2-3", "&&=", "traceparent"])
def test_a_forged_context_costs_no_more_than_its_trace(context: str, spans: Spans) -> None:
    TRACING.landed(landing(ACCEPTED, context))

    assert spans.named("POST /integrations/events").parent is None


def test_a_tracer_that_raises_stops_no_pump(
    pump: Pump, desk: Desk, monkeypatch: pytest.MonkeyPatch, spans: Spans
) -> None:
    monkeypatch.setattr(spans.provider, "get_tracer", None)
    monkeypatch.setattr(trace, "get_tracer", None)
    event_id = desk.enqueue("c-1")

    pump.run()

    assert desk.state(event_id) == "delivered"


def test_a_pump_makes_a_span_and_a_line_with_the_context_for_each_call(
    pump: Pump, desk: Desk, spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    desk.enqueue("c-1", "a", context=f"traceparent={FIRST}&request_id=r-1")
    desk.enqueue("c-1", "b", context=f"traceparent={FIRST}&request_id=r-2")

    pump.run()

    spans.named("POST /integrations/events")
    assert [fields["context"] for fields in facts(caplog, "delivery.settled")] == [
        {"trace_id": ["0af7651916cd43dd8448eb211c80319c"], "request_id": ["r-1", "r-2"]}
    ]


def facts(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    told = [getattr(record, "shipper_fields", {}) for record in caplog.records]
    return [fields for fields in told if fields.get("event") == event]


# Hooks

End = Callable[[Callable[[], object]], str]


@pytest.fixture
def ended(desk: Desk, pump: Pump, monkeypatch: pytest.MonkeyPatch) -> End:
    """Let an event end whose hook does something."""
    monkeypatch.setattr(hooks, "_registry", {})

    def end(does: Callable[[], object]) -> str:
        completion_hook("noted")(lambda response, error: does())
        event_id = desk.enqueue("c-1", hook="noted", context=f"traceparent={FIRST}&request_id=r-1")
        pump.run()
        return event_id

    return end


@pytest.fixture
def counter(desk: Desk) -> Counter:
    return Counter(ledger=desk.ledger, settings=desk.settings, stopping=Flag(), tracing=TRACING)


def test_a_hook_runs_with_the_context_of_its_events_enqueue(
    ended: End, counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    seen: list[Any] = []
    ended(lambda: seen.extend((structlog.contextvars.get_contextvars(), carried(("request_id",)))))

    Teller(counter).run()

    assert seen == [{"request_id": "r-1"}, "request_id=r-1"]
    assert structlog.contextvars.get_contextvars() == {}
    (told,) = facts(caplog, "hook.told")
    assert told["context"] == {
        "trace_id": ["0af7651916cd43dd8448eb211c80319c"],
        "request_id": ["r-1"],
    }


def test_a_hook_is_a_span_below_the_enqueue_and_above_its_own_spans(
    ended: End, counter: Counter, spans: Spans
) -> None:
    event_id = ended(lambda: spans.provider.get_tracer("app").start_span("mail").end())

    Teller(counter).run()

    span, own = spans.named("tell noted"), spans.named("mail")
    assert span.parent is not None
    assert (span.kind, span.parent.span_id) == (SpanKind.CONSUMER, 0xB7AD6B7169203331)
    assert own.parent == span.get_span_context()
    assert span.attributes == {
        "messaging.system": "gameball_shipper",
        "messaging.operation.name": "tell",
        "messaging.operation.type": "process",
        "messaging.destination.name": "default",
        "messaging.message.id": event_id,
        "shipper.hook": "noted",
    }


def test_a_hook_that_raises_fails_its_span_by_the_kind_of_error_alone(
    ended: End, counter: Counter, spans: Spans
) -> None:
    def fail() -> None:
        raise RuntimeError("canary")

    ended(fail)

    Teller(counter).run()

    span, *_ = (span for span in spans.ended if span.name == "tell noted")
    assert span.attributes is not None
    assert (span.status.status_code, span.attributes["error.type"]) == (StatusCode.ERROR, "RuntimeError")
    assert "canary" not in str(span.to_json())


# Setting it up


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was set as the provider of the process."""
    found: list[Any] = []
    monkeypatch.setattr(trace, "set_tracer_provider", found.append)
    return found


OTLP: Final = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}


@pytest.mark.parametrize(
    ("environ", "asked"),
    [
        ({}, False),
        (OTLP, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "console, otlp"}, True),
        ({**OTLP, "OTEL_TRACES_EXPORTER": "none"}, False),
        ({**OTLP, "OTEL_SDK_DISABLED": "true"}, False),
    ],
)
def test_a_worker_exports_where_the_environment_asks_for_it(
    environ: dict[str, str], asked: bool, opened: list[Any]
) -> None:
    open_tracing(environ)

    assert bool(opened) is asked
    for provider in opened:
        provider.shutdown()


def test_the_service_is_named_unless_somebody_did(opened: list[Any]) -> None:
    open_tracing(OTLP)

    (provider,) = opened
    assert provider.resource.attributes["service.name"] == "gameball-shipper"
    provider.shutdown()


def test_a_provider_that_the_app_has_set_is_left(spans: Spans, opened: list[Any]) -> None:
    open_tracing(OTLP)

    assert opened == []


@pytest.mark.parametrize(
    ("name", "given", "why"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "'grpc': only http/protobuf is spoken"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json", "'http/json': only http/protobuf is spoken"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "'zipkin': only otlp is known"),
    ],
)
def test_what_a_worker_cannot_do_is_told_and_stops_nothing(
    name: str, given: str, why: str, opened: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    open_tracing({**OTLP, name: given})

    assert opened == []
    (told,) = facts(caplog, "traces.off")
    assert told["why"] == f"ValueError: {name} is {why}"


def test_without_the_extra_a_worker_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)

    open_tracing(OTLP)

    (told,) = facts(caplog, "traces.off")
    assert told["why"] == "OpenTelemetry is missing: pip install 'gameball-shipper[otel]'"


def test_a_collector_that_hangs_holds_up_no_end(spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    may_end = Flag()
    monkeypatch.setattr("workers.collector.FLUSH_S", 0.05)
    monkeypatch.setattr(spans.provider, "force_flush", lambda: may_end.wait(10))

    flush_traces()

    assert not may_end.is_set()
    may_end.set()
