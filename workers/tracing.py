"""Tracing: the OpenTelemetry spans of a worker: one for each POST, one for each run of a hook.

An observer: it is asked after the ledger is settled, and whatever it raises is dropped. Where nobody
takes spans it does nothing; `collector` sets OpenTelemetry up where that is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from shipper.context import read_context
from shipper.ledger.operations import ClaimedEvent
from shipper.outcome import Verdict
from shipper.tracing import SYSTEM, TRACEPARENT, Traced, ids_of, is_traced
from workers.flight import Landing
from workers.verdict import Loss

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Link, Span, SpanContext

MOST_IDS: Final = 8
"""Ids of events that the span of a call names."""

_NOT_POSTED: Final = frozenset({Loss.UNSENT, Loss.KEYS, Loss.LOCKED, Loss.DAMAGED})
_WELL: Final = frozenset({Verdict.ACCEPTED, Verdict.ALREADY_APPLIED})

Attributes = dict[str, str | int | Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracing:
    """Make the spans of an account's calls and hooks."""

    account: str = "default"
    url: str = ""
    """Where events are posted to; it holds no secret."""
    worker: str = ""

    def landed(self, landing: Landing) -> None:
        """Make the span of a call that has landed, unless nothing was posted."""
        if is_traced() and landing.answer.lost not in _NOT_POSTED:
            with suppress(Exception):
                self._post(landing)

    def hook(self, name: str, context: Mapping[str, str], event_id: str) -> HookSpan:
        """Return the span of a hook, to be entered while it runs: the app's own spans stand below it."""
        return HookSpan(self, name, context, event_id)

    def _post(self, landing: Landing) -> None:
        from opentelemetry.trace import SpanKind, StatusCode, get_tracer  # noqa: PLC0415 - loaded already

        here = _place_of(landing.call.events)
        if here is None:
            return
        parent, links = here
        begun = landing.sent_at * 1_000_000
        span = get_tracer("shipper").start_span(
            "POST /integrations/events",
            context=parent,
            kind=SpanKind.CLIENT,
            links=_links_to(links),
            start_time=begun,
            attributes=self._of_call(landing),
        )
        if wrong := _error_of(landing):
            span.set_attribute("error.type", wrong)
            span.set_status(StatusCode.ERROR)
        span.end(begun + landing.took_ms * 1_000_000)

    def _of_call(self, landing: Landing) -> Attributes:
        judgement, events, far = landing.judgement, landing.call.events, urlsplit(self.url)
        found: Attributes = {
            "http.request.method": "POST",
            "url.full": self.url,
            "server.address": far.hostname or "",
            "server.port": far.port or (443 if far.scheme == "https" else 80),
            "shipper.account": landing.account,
            "shipper.worker": self.worker,
            "shipper.verdict": judgement.verdict.value,
            "shipper.events": len(events),
            "shipper.event_ids": [event.event_id for event in events[:MOST_IDS]],
        }
        if judgement.status is not None:
            found["http.response.status_code"] = judgement.status
        if landing.alone and events[0].number > 1:
            found["http.request.resend_count"] = events[0].number - 1
        if judgement.code is not None:
            found["gameball.code"] = judgement.code
        if judgement.request_id:
            found["gameball.request_id"] = judgement.request_id
        return found


class HookSpan(Traced):
    """Span one run of a hook."""

    __slots__ = ("_context", "_event_id", "_name", "_of")

    def __init__(self, of: Tracing, name: str, context: Mapping[str, str], event_id: str) -> None:
        self._of = of
        self._name = name
        self._context = context
        self._event_id = event_id

    def start(self) -> Span:
        """Start the span of a consumer, in the trace of its event's enqueue."""
        from opentelemetry.trace import SpanKind, get_tracer  # noqa: PLC0415 - loaded already

        ids = ids_of(self._context.get(TRACEPARENT, ""))
        attributes: Attributes = {
            "messaging.system": SYSTEM,
            "messaging.operation.name": "tell",
            "messaging.operation.type": "process",
            "messaging.destination.name": self._of.account,
            "shipper.hook": self._name,
        }
        if self._event_id:
            attributes["messaging.message.id"] = self._event_id
        return get_tracer("shipper").start_span(
            f"tell {self._name}",
            context=_remote(ids) if ids else _nowhere(),
            kind=SpanKind.CONSUMER,
            attributes=attributes,
        )


def _place_of(events: Sequence[ClaimedEvent]) -> tuple[Context, list[tuple[int, int, int]]] | None:
    """Return the parent of a call's span and what it links to; None where no producer keeps its trace.

    Events of one enqueue have one parent. A call that joins several has none: it is a trace of its own that
    links to theirs.
    """
    traced = [ids_of(read_context(event.record.context).get(TRACEPARENT, "")) for event in events]
    known = list(dict.fromkeys(ids for ids in traced if ids))
    if len(known) == 1 and None not in traced:
        return _remote(known[0]), []
    if known and not any(flags & 1 for _, _, flags in known):
        return None
    return _nowhere(), known


def _nowhere() -> Context:
    from opentelemetry.context import Context  # noqa: PLC0415 - loaded already

    return Context()


def _remote(ids: tuple[int, int, int]) -> Context:
    from opentelemetry.trace import NonRecordingSpan, set_span_in_context  # noqa: PLC0415 - loaded already

    return set_span_in_context(NonRecordingSpan(_span_context(ids)), _nowhere())


def _links_to(known: Sequence[tuple[int, int, int]]) -> list[Link]:
    from opentelemetry.trace import Link  # noqa: PLC0415 - loaded already

    return [Link(_span_context(ids)) for ids in known]


def _span_context(ids: tuple[int, int, int]) -> SpanContext:
    from opentelemetry.trace import SpanContext, TraceFlags  # noqa: PLC0415 - loaded already

    trace_id, span_id, flags = ids
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))


def _error_of(landing: Landing) -> str:
    """Name what went wrong with a call, in words of a closed vocabulary; empty for a success."""
    judgement = landing.judgement
    if landing.answer.lost is not None:
        return landing.answer.lost.value
    if judgement.verdict in _WELL:
        return ""
    status = judgement.status or 0
    return str(status) if status >= 400 else judgement.verdict.value
