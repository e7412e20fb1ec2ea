"""Values that Python has and JSON has not: what each is called, and what to send in its place."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Final
from uuid import UUID

from pydantic import BaseModel

_ADVICE: Final[tuple[tuple[type | tuple[type, ...], str], ...]] = (
    (tuple, "send a list"),
    ((set, frozenset), "send a sorted list"),
    ((bytes, bytearray, memoryview), "send text, decoded or in base64"),
    ((datetime, date, time), "send its .isoformat()"),
    (timedelta, "send its .total_seconds()"),
    (Decimal, "send str(...) of it, or float(...) where rounding does no harm"),
    (UUID, "send str(...) of it"),
    (Enum, "send its .value"),
    (BaseModel, 'send its .model_dump(mode="json", exclude_none=True)'),
    (Mapping, "send dict(...) of it"),
)
"""In order: the first that fits is told."""


def advice(value: object) -> str:
    """Say what a value is that JSON cannot hold, and what to send instead; never tell the value itself."""
    if value is None:
        return "is null: leave it out"
    if isinstance(value, datetime) and value.tzinfo is None:
        return "is a naive datetime, in no time zone: send .isoformat() of an aware one"
    return f"is {kind_of(value)}: {_instead(value)}"


def kind_of(value: object) -> str:
    """Name a value's type with its article, as in `an int`."""
    kind = type(value).__name__[:60]
    return f"{'an' if kind[:1].lower() in 'aeio' else 'a'} {kind}"


def _instead(value: object) -> str:
    for types, instead in _ADVICE:
        if isinstance(value, types):
            return instead
    if dataclasses.is_dataclass(value):
        return "send dataclasses.asdict(...) of it"
    if type(value).__module__.partition(".")[0] == "numpy":
        return "send its .tolist()"
    return "an event holds strings, numbers, booleans, lists and dicts"
