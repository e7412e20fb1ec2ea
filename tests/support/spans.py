"""Keep the spans of a test: a provider of its own, for the global one can be set but once a process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Link


class Spans:
    """The spans that have ended, in order."""

    def __init__(self) -> None:
        self._kept = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._kept))

    @property
    def ended(self) -> list[ReadableSpan]:
        return list(self._kept.get_finished_spans())

    def named(self, name: str) -> ReadableSpan:
        (span,) = [span for span in self.ended if span.name == name]
        return span


@contextmanager
def kept_spans() -> Iterator[Spans]:
    """Let the shipper's spans go to a test."""
    spans = Spans()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trace, "get_tracer", spans.provider.get_tracer)
        patch.setattr(trace, "get_tracer_provider", lambda: spans.provider)
        yield spans


def traceparent_of(span: ReadableSpan | Link) -> str:
    """Return a span, or what a link leads to, as W3C's `traceparent` writes it."""
    context = span.context
    assert context is not None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
