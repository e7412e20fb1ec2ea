"""Collector: send a worker's spans to one by OTLP, where the environment asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from threading import Thread
from typing import Final

from shipper.logs import get_logger
from shipper.tracing import is_traced

log: Final = get_logger(__name__)

FLUSH_S: Final = 2
"""How long the end of a process waits for a collector."""
SERVICE: Final = "gameball-shipper"
HTTP: Final = "http/protobuf"


def open_tracing(environ: Mapping[str, str]) -> None:
    """Let spans of this process be exported where the environment asks for it; the app's own way goes first.

    Asked for by `OTEL_TRACES_EXPORTER=otlp`, or by the endpoint of a collector. Never raises.
    """
    try:
        if _is_asked_for(environ):
            _open(environ)
    except ImportError:
        log.warning("traces.off", why="OpenTelemetry is missing: pip install 'gameball-shipper[otel]'")
    except Exception as error:  # noqa: BLE001 - delivery goes on without traces
        log.warning("traces.off", why=f"{type(error).__name__}: {error}")


def flush_traces() -> None:
    """Export what is still held, within `FLUSH_S`: for the end of a process. A collector may be away."""
    if not is_traced():
        return
    flush = Thread(target=_flush, name="flush", daemon=True)
    flush.start()
    flush.join(FLUSH_S)


def _flush() -> None:
    from opentelemetry.trace import get_tracer_provider  # noqa: PLC0415 - loaded already

    with suppress(Exception):
        flush = getattr(get_tracer_provider(), "force_flush", None)  # the SDK has it, the API has not
        if flush is not None:
            flush()


def _is_asked_for(environ: Mapping[str, str]) -> bool:
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporters = {each.strip() for each in environ.get("OTEL_TRACES_EXPORTER", "").split(",")} - {""}
    if exporters:
        if not exporters & {"otlp", "none"}:
            raise ValueError(
                f"OTEL_TRACES_EXPORTER is {', '.join(sorted(exporters))[:40]!r}: only otlp is known"
            )
        return "otlp" in exporters
    return any(
        environ.get(name) for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    )


def _open(environ: Mapping[str, str]) -> None:
    from opentelemetry import trace  # noqa: PLC0415 - an extra

    if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return  # a module of hooks has its own way
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    for name in ("OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"):
        if environ.get(name, HTTP) != HTTP:
            raise ValueError(f"{name} is {environ[name][:40]!r}: only {HTTP} is spoken")
    named = environ.get("OTEL_SERVICE_NAME") or "service.name=" in environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    resource = Resource.create() if named else Resource.create({"service.name": SERVICE})
    # At the end `flush_traces` waits; the SDK's own wait would be half a minute for a collector that is away.
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
