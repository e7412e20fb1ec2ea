"""Context: what of the request that enqueued an event travels with it, and stands in the lines about it.

Percent-encoded `name=value&…`, so that no value can shift the header that holds it. An enqueue never fails
for its context, and never waits for it: what cannot be carried is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextvars import copy_context
from typing import Final
from urllib.parse import quote, unquote
from uuid import UUID

from shipper.tracing import TRACEPARENT, current_traceparent, trace_id_of

MOST_BYTES: Final = 256
"""Of the whole context, as it is stored."""
MOST_OF_A_VALUE: Final = 128
"""Bytes of an encoded value. A longer one is left out: half of an id finds nothing."""
MOST_TOLD: Final = 20
"""Different values of a name in the one line of a call."""
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,39}", re.ASCII)
TEXT: Final = re.compile(rf"[\w.~%=&-]{{1,{MOST_BYTES}}}", re.ASCII)
"""What a stored context looks like; `_record.lua` knows its alphabet too."""

_STRUCTLOG: Final = "structlog_"
"""What structlog puts before the names that it binds; importing it would load rich into every producer."""


def carried(names: Sequence[str]) -> str:
    """Return the context of who calls: the trace, then the values of context variables, in this order.

    A variable is one that structlog bound or the app's own of that name. Only text, whole numbers and UUIDs
    are carried. Empty where there is nothing.
    """
    trace, bound = current_traceparent(), copy_context()
    if not trace and not bound:
        return ""
    found = [f"{TRACEPARENT}={trace}"] if trace else []
    values = {variable.name: value for variable, value in bound.items()}
    found += [
        f"{name}={text}"
        for name in names
        if (text := _text_of(values.get(_STRUCTLOG + name)) or _text_of(values.get(name)))
    ]
    return _what_fits(found)


def read_context(stored: str) -> dict[str, str]:
    """Return names and values; what is no pair is left out."""
    pairs = (pair.partition("=") for pair in stored.split("&") if "=" in pair)
    return {unquote(name): unquote(value) for name, _, value in pairs}


def told(contexts: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    """Return what a log line says of the contexts of events: each name's different values, in order.

    A trace is told by its `trace_id`, which is what one looks for.
    """
    found: dict[str, list[str]] = {}
    for context in contexts:
        for name, value in context.items():
            key, said = ("trace_id", trace_id_of(value)) if name == TRACEPARENT else (name, value)
            values = found.setdefault(key, [])
            if said and said not in values and len(values) < MOST_TOLD:
                values.append(said)
    return {name: values for name, values in found.items() if values}


def _text_of(value: object) -> str:
    """Return a value as it is carried; empty for what is not."""
    if isinstance(value, bool) or not isinstance(value, str | int | UUID):
        return ""
    try:
        text = str(value)
    except ValueError:  # an int of more digits than Python writes
        return ""
    if len(text) > MOST_OF_A_VALUE:
        return ""
    encoded = quote(text, safe="", errors="replace")
    return encoded if len(encoded) <= MOST_OF_A_VALUE else ""


def _what_fits(pairs: Sequence[str]) -> str:
    kept, room = [], MOST_BYTES + 1
    for pair in pairs:
        if len(pair) < room:
            kept.append(pair)
            room -= len(pair) + 1
    return "&".join(kept)
