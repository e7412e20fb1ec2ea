"""Tracing: the OpenTelemetry spans of a producer, where the app itself has set OpenTelemetry up.

An enqueue never imports it. Whatever a tracer raises, the enqueue goes on untraced.
"""

from __future__ import annotations

import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from opentelemetry.trace import Span

TRACEPARENT: Final = "traceparent"
SYSTEM: Final = "gameball_shipper"
"""What OpenTelemetry calls a messaging system."""

_API: Final = "opentelemetry.trace"
_TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})", re.ASCII)


def current_traceparent() -> str:
    """Return the span under way, as W3C's `traceparent` writes it; empty without one."""
    api: Any = sys.modules.get(_API)  # an import statement takes three times as long
    if api is None:
        return ""
    try:
        here = api.get_current_span().get_span_context()
        if not here.is_valid:
            return ""
        return f"00-{here.trace_id:032x}-{here.span_id:016x}-{here.trace_flags & 0xFF:02x}"
    except Exception:  # noqa: BLE001 - a tracer of the app's own; no enqueue fails for it
        return ""


def ids_of(traceparent: str) -> tuple[int, int, int] | None:
    """Return trace id, span id and flags; None for what is no traceparent."""
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in match.groups())
    return (trace_id, span_id, flags) if trace_id and span_id else None


def trace_id_of(traceparent: str) -> str:
    """Return the trace's id, 32 characters; empty for what is no traceparent."""
    match = _TRACEPARENT.fullmatch(traceparent)
    return match[1] if match else ""


def is_traced() -> bool:
    """Tell whether somebody takes spans here; redis-py loads OpenTelemetry wherever it is installed."""
    api: Any = sys.modules.get(_API)
    if api is None:
        return False
    try:
        return not isinstance(api.get_tracer_provider(), api.ProxyTracerProvider)
    except Exception:  # noqa: BLE001 - as above
        return False


def fail(span: Span, error: BaseException) -> None:
    """Name the kind of error: its words may quote the customer."""
    from opentelemetry.trace import StatusCode  # noqa: PLC0415 - loaded already

    span.set_status(StatusCode.ERROR)
    span.set_attribute("error.type", type(error).__name__)


class Traced(ABC):
    """Have a span under way while something is done, where somebody takes spans."""

    __slots__ = ("_span", "_under_way")

    def __enter__(self) -> Self:
        self._span: Span | None = None
        if is_traced():
            with suppress(Exception):
                self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._span is not None:
            with suppress(Exception):
                if error is not None:
                    self.failed(error)
            with suppress(Exception):
                self._under_way.close()

    def failed(self, error: BaseException) -> None:
        """Note an error."""
        if self._span is not None:
            fail(self._span, error)

    @abstractmethod
    def start(self) -> Span:
        """Start the span; asked only where somebody takes it."""

    def _begin(self) -> None:
        from opentelemetry.trace import use_span  # noqa: PLC0415 - loaded already

        span, self._under_way = self.start(), ExitStack()
        self._under_way.enter_context(
            use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False)
        )
        self._span = span


class Enqueueing(Traced):
    """Span one call of `enqueue_event` or its like; the events sealed within carry its context."""

    __slots__ = ("_account", "_count")

    def __init__(self, account: object, count: int | None = None) -> None:
        """Tell of a bulk by the `count` of its events."""
        self._account = account
        self._count = count

    def told(self, answers: Sequence[Any]) -> None:
        """Note what was answered: the id of one event, or the first error among many."""
        if self._span is None:
            return
        with suppress(Exception):
            failed = next((answer for answer in answers if isinstance(answer, Exception)), None)
            if failed is not None:
                self.failed(failed)
            elif self._count is None:
                self._span.set_attribute("messaging.message.id", answers[0].event_id)

    def failed(self, error: BaseException) -> None:
        """Note an error, and which event it is about if it knows."""
        super().failed(error)
        event_id = getattr(error, "event_id", "")
        if self._span is not None and self._count is None and event_id:
            self._span.set_attribute("messaging.message.id", event_id)

    def start(self) -> Span:
        """Start the span of a producer."""
        from opentelemetry.trace import SpanKind, get_tracer  # noqa: PLC0415 - loaded already

        account = str(self._account)[:64]
        attributes: dict[str, str | int] = {
            "messaging.system": SYSTEM,
            "messaging.operation.name": "enqueue",
            "messaging.operation.type": "send",
            "messaging.destination.name": account,
        }
        if self._count is not None:
            attributes["messaging.batch.message_count"] = self._count
        return get_tracer("shipper").start_span(
            f"enqueue {account}", kind=SpanKind.PRODUCER, attributes=attributes
        )
