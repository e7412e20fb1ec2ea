"""Fidelity: any JSON within the limits arrives as it was given; anything else is refused, with its path."""

from __future__ import annotations

import json
from collections import OrderedDict
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from shipper.envelope import seal
from shipper.errors import InvalidEventError
from shipper.event import Event
from shipper.settings import load_settings
from tests.support.payload import EVENT, LARGEST, LEAF, TEXT, written

SETTINGS = load_settings()


class Tier(StrEnum):
    GOLD = "gold"


class Stars(IntEnum):
    FIVE = 5


class Colour(Enum):
    RED = "red"


FOREIGN: list[Any] = [
    None,
    float("nan"),
    float("inf"),
    float("-inf"),
    LARGEST + 1,
    -LARGEST - 1,
    10**400,
    "\ud800",
    "ok\udfff",
    b"x",
    bytearray(b"x"),
    (),
    (1, "a"),
    set(),
    frozenset({1}),
    datetime(2024, 1, 1),  # noqa: DTZ001 - naive on purpose
    datetime(2024, 1, 1, tzinfo=UTC),
    Decimal("1.5"),
    UUID(int=1),
    Colour.RED,
    1j,
    object(),
    range(3),
    json,
]
FOREIGN_KEYS: list[Any] = [None, 5, 1.5, True, b"k", ("k",), "\ud800"]
STEP = st.integers(0, 3) | st.sampled_from(["a", "deep", "größe"])


def bury(value: Any, steps: list[Any]) -> tuple[dict[str, Any], str]:
    """Hide a value among good ones, each step a key or the index in a list; return the path to it too."""
    path = ""
    for step in steps:
        value = {"good": 1, step: value} if isinstance(step, str) else [0] * step + [value, "good"]
        path = (f".{step}" if isinstance(step, str) else f"[{step}]") + path
    return {"good": [], "v": value}, f"events.x.v{path}"


@settings(max_examples=150)
@given(event=EVENT)
def test_any_json_within_the_limits_arrives_as_it_was_given(event: dict[str, Any]) -> None:
    before = written(event)

    by_mapping = seal(event, settings=SETTINGS)
    by_event = seal(Event.model_validate(event), settings=SETTINGS)

    arrived = json.loads(by_mapping.body)
    assert sorted(arrived) == sorted(event)
    assert written({key: arrived[key] for key in event}) == before
    assert by_event.body == by_mapping.body
    assert written(event) == before


@settings(max_examples=200)
@given(value=st.sampled_from(FOREIGN), steps=st.lists(STEP, max_size=5))
def test_one_foreign_value_is_refused_at_its_path(value: Any, steps: list[Any]) -> None:
    metadata, path = bury(value, steps)

    problems = problems_of({"customerId": "c-42", "events": {"good": {}, "x": metadata}})

    assert problems == [path]


@settings(max_examples=100)
@given(key=st.sampled_from(FOREIGN_KEYS), steps=st.lists(STEP, max_size=5))
def test_one_foreign_key_is_refused_at_its_path(key: Any, steps: list[Any]) -> None:
    metadata, path = bury({"good": 1, key: 1}, steps)

    problems = problems_of({"customerId": "c-42", "events": {"good": {}, "x": metadata}})

    assert problems == [f"{path}['\\ud800']" if isinstance(key, str) else path]


MIXED = st.recursive(
    LEAF | st.sampled_from([*FOREIGN, Tier.GOLD, Stars.FIVE]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXT | st.sampled_from([*FOREIGN_KEYS, Tier.GOLD]), inner, max_size=3)
        | st.dictionaries(TEXT, inner, max_size=3).map(OrderedDict)
    ),
    max_leaves=6,
)


def is_json(value: Any) -> bool:
    """Say by the rules' words, and in none of the shipper's code, what may be sent."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_json(key) for key in value) and all(
            map(is_json, value.values())
        )
    if isinstance(value, list):
        return all(map(is_json, value))
    if isinstance(value, str):
        return not any(0xD800 <= ord(char) <= 0xDFFF for char in value)
    if isinstance(value, float):
        return float("-inf") < value < float("inf")
    return isinstance(value, int) and abs(value) <= LARGEST


@settings(max_examples=300)
@given(metadata=st.dictionaries(TEXT, MIXED, max_size=3))
def test_nothing_is_ever_changed_in_silence(metadata: dict[Any, Any]) -> None:
    event = {"customerId": "c-42", "events": {"x": metadata}}

    if is_json(metadata):
        arrived = json.loads(seal(event, settings=SETTINGS).body)
        assert written(arrived) == written(event)
    else:
        assert problems_of(event)


def problems_of(event: dict[str, Any]) -> list[str]:
    """Return the paths of what is refused; by an Event they must be the same."""
    paths = []
    for refuse in (lambda: seal(event, settings=SETTINGS), lambda: Event.model_validate(event)):
        try:
            refuse()
        except InvalidEventError as error:
            paths.append([problem.path for problem in error.problems])
        else:
            paths.append([])
    assert paths[0] == paths[1]
    return paths[0]
