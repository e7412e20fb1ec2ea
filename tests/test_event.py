"""What an event may hold, and how it tells everything that it may not."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import sys
from collections import OrderedDict, UserDict, defaultdict, namedtuple
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from shipper.errors import InvalidEventError
from shipper.event import Event


class Tier(StrEnum):
    GOLD = "gold"


class Stars(IntEnum):
    FIVE = 5


class Colour(Enum):
    RED = "red"


class Celsius(float):
    pass


class Twin(str):
    """A string that equals nothing but itself, so that a dict takes two of the same text."""

    __slots__ = ()
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


class Scalar:
    """Stand in for what numpy has, which is not installed here."""

    __module__ = "numpy.core"


class Review(BaseModel):
    stars: int = 5


@dataclass
class Basket:
    total: float = 1.5


NAIVE = datetime(2024, 1, 1)  # noqa: DTZ001 - naive is what it is for
Point = namedtuple("Point", "x y")  # noqa: PYI024 - untyped is enough for a tuple


def problems_of(given: object) -> list[str]:
    with pytest.raises(InvalidEventError) as caught:
        Event.model_validate(given)
    return [str(problem) for problem in caught.value.problems]


def metadata_problems(metadata: object) -> list[str]:
    return problems_of({"customer_id": "c-42", "events": {"x": metadata}})


def test_an_event_is_made_from_keywords() -> None:
    event = Event(customer_id="c-42", events={"write_review": {"stars": 5}})

    assert event.customer_id == "c-42"
    assert event.events == {"write_review": {"stars": 5}}
    assert event.email is None
    assert event.mobile is None


def test_an_event_is_made_from_what_the_sdks_send() -> None:
    event = Event.model_validate(
        {"customerId": "c-42", "email": "a@b.co", "mobile": "+491", "events": {"visit": {}}}
    )

    assert event == Event(customer_id="c-42", email="a@b.co", mobile="+491", events={"visit": {}})


def test_an_event_is_made_from_json() -> None:
    event = Event.model_validate_json('{"customerId": "c-42", "events": {"visit": {"n": 1}}}')

    assert event == Event(customer_id="c-42", events={"visit": {"n": 1}})


@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_email_or_mobile_is_none(empty: str | None) -> None:
    event = Event(customer_id="c-42", email=empty, mobile=empty, events={"visit": {}})

    assert event.email is None
    assert event.mobile is None


def test_both_spellings_of_the_customer_id_may_agree() -> None:
    event = Event.model_validate({"customerId": "c-42", "customer_id": "c-42", "events": {"visit": {}}})

    assert event.customer_id == "c-42"


def test_later_changes_of_what_was_given_change_nothing() -> None:
    tags = ["a"]
    events: dict[str, dict[str, Any]] = {"visit": {"tags": tags, "page": {"n": 1}}}
    event = Event(customer_id="c-42", events=events)

    tags.append("b")
    events["visit"]["page"]["n"] = 2
    events["other"] = {}

    assert event.events == {"visit": {"tags": ["a"], "page": {"n": 1}}}


def test_nothing_of_an_event_can_be_changed() -> None:
    event = Event(customer_id="c-42", events={"visit": {"tags": ["a"]}})

    with pytest.raises(ValueError, match="frozen"):
        event.customer_id = "c-43"  # type: ignore[misc]
    with pytest.raises(TypeError, match="never changes"):
        event.events["other"] = {}
    with pytest.raises(TypeError, match="never changes"):
        event.events["visit"].update(n=1)
    with pytest.raises(TypeError, match="never changes"):
        event.events["visit"]["tags"].append("b")
    with pytest.raises(TypeError, match="never changes"):
        event.events["visit"]["tags"] += ["b"]

    assert event.events == {"visit": {"tags": ["a"]}}


@pytest.mark.parametrize(
    "through",
    [copy.copy, copy.deepcopy, lambda event: pickle.loads(pickle.dumps(event))],  # noqa: S301 - our own bytes
)
def test_an_event_survives_copying_and_pickling(through: Any) -> None:
    event = Event(customer_id="c-42", email="a@b.co", events={"visit": {"tags": ["a", {"n": 1}]}})

    twin = through(event)

    assert twin == event
    with pytest.raises(TypeError, match="never changes"):
        twin.events["visit"]["tags"][1]["n"] = 2


def test_an_event_can_be_dumped_and_read_again() -> None:
    event = Event(customer_id="c-42", email="a@b.co", events={"visit": {"tags": ["a"]}})

    assert Event.model_validate(event.model_dump()) == event
    assert Event.model_validate_json(event.model_dump_json()) == event
    assert json.dumps(event.events) == '{"visit": {"tags": ["a"]}}'


def test_what_an_event_shows_of_itself_may_be_logged() -> None:
    event = Event(
        customer_id="c-42", email="canary@b.co", mobile="+4912345", events={"visit": {"pin": "canary"}}
    )

    assert repr(event) == "Event(customer_id='c-42', events=['visit'])"
    assert str(event) == "customer_id='c-42' events=['visit']"


def test_all_problems_are_told_together() -> None:
    told = problems_of(
        {
            "customerId": "",
            "emial": "a@b.co",
            "mobile": " ",
            "events": {
                "purchase": {"total": float("nan"), "items": [{"id": 2**53 + 1}], "at": NAIVE},
                "": {},
                "visit": None,
            },
        }
    )

    assert told == [
        "emial is unknown: did you mean email?",
        "customerId is empty",
        "mobile is blank",
        "events.purchase.total is NaN",
        "events.purchase.items[0].id is an integer beyond ±2^53: send it as a string",
        "events.purchase.at is a naive datetime, in no time zone: send .isoformat() of an aware one",
        "events[''] has a name that is empty",
        "events.visit is null: metadata is a dict, {} when there is none",
    ]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], ["an event is a mapping, not a list"]),
        (None, ["an event is a mapping, not a NoneType"]),
        ({}, ["customer_id is missing", "events is missing"]),
        ({"customer_id": None, "events": None}, ["customer_id is missing", "events is missing"]),
        ({"customer_id": "c", "events": {}}, ["events is empty: name at least one event"]),
        ({"customer_id": "c", "events": ["visit"]}, ["events is a list: give {name: metadata}"]),
        ({"customer_id": "c", "events": "visit"}, ["events is a str: give {name: metadata}"]),
        ({"customer_id": 42, "events": {"x": {}}}, ["customer_id is an int: send it as a string"]),
        ({"customerId": b"c", "events": {"x": {}}}, ["customerId is a bytes: send it as a string"]),
        ({"customer_id": "", "events": {"x": {}}}, ["customer_id is empty"]),
        ({"customer_id": " \t", "events": {"x": {}}}, ["customer_id holds a control character"]),
        ({"customer_id": "\u2003", "events": {"x": {}}}, ["customer_id is blank"]),
        ({"customer_id": "c\n42", "events": {"x": {}}}, ["customer_id holds a control character"]),
        ({"customer_id": "c\x00", "events": {"x": {}}}, ["customer_id holds a control character"]),
        ({"customer_id": "c\x85", "events": {"x": {}}}, ["customer_id holds a control character"]),
        (
            {"customer_id": "c\ud800", "events": {"x": {}}},
            ["customer_id holds a lone surrogate, which is no text in UTF-8"],
        ),
        (
            {"customer_id": "c", "customerId": "d", "events": {"x": {}}},
            ["customer_id differs from customerId: give one of them"],
        ),
        ({"customer_id": "c", "email": 5, "events": {"x": {}}}, ["email is an int: send it as a string"]),
        ({"customer_id": "c", "email": "a\r\nb", "events": {"x": {}}}, ["email holds a control character"]),
        ({"customer_id": "c", "mobile": " ", "events": {"x": {}}}, ["mobile is blank"]),
    ],
)
def test_what_is_no_event_is_refused(given: object, told: list[str]) -> None:
    assert problems_of(given) == told


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("CustomerID", "CustomerID is unknown: did you mean customerId?"),
        ("customer-id", "'customer-id' is unknown: did you mean customerId?"),
        ("event", "event is unknown: did you mean events?"),
        ("e-mail", "'e-mail' is unknown: did you mean email?"),
        ("metadata", "metadata is unknown: an event has customer_id, email, mobile and events"),
        ("a\nb", "'a\\nb' is unknown: an event has customer_id, email, mobile and events"),
        (5, "an event has no key that is an int"),
    ],
)
def test_an_unknown_key_is_refused_with_the_near_miss(key: object, told: str) -> None:
    assert problems_of({"customer_id": "c-42", "events": {"x": {}}, key: "?"}) == [told]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "is null: leave it out"),
        (float("nan"), "is NaN"),
        (float("inf"), "is infinite"),
        (float("-inf"), "is infinite"),
        pytest.param(Celsius("nan"), "is NaN", id="NaN in a subclass"),
        (2**53 + 1, "is an integer beyond ±2^53: send it as a string"),
        (-(2**53) - 1, "is an integer beyond ±2^53: send it as a string"),
        pytest.param(10**5000, "is an integer beyond ±2^53: send it as a string", id="too long for str()"),
        ("\udc80", "holds a lone surrogate, which is no text in UTF-8"),
        ("\ud83d\ude00", "holds a lone surrogate, which is no text in UTF-8"),
        (b"x", "is a bytes: send text, decoded or in base64"),
        (bytearray(b"x"), "is a bytearray: send text, decoded or in base64"),
        ((1, 2), "is a tuple: send a list"),
        (Point(1, 2), "is a Point: send a list"),
        ({1}, "is a set: send a sorted list"),
        (frozenset({1}), "is a frozenset: send a sorted list"),
        (
            NAIVE,
            "is a naive datetime, in no time zone: send .isoformat() of an aware one",
        ),
        (datetime(2024, 1, 1, tzinfo=UTC), "is a datetime: send its .isoformat()"),
        (date(2024, 1, 1), "is a date: send its .isoformat()"),
        (timedelta(1), "is a timedelta: send its .total_seconds()"),
        (Decimal(1), "is a Decimal: send str(...) of it, or float(...) where rounding does no harm"),
        (UUID(int=1), "is a UUID: send str(...) of it"),
        (Colour.RED, "is a Colour: send its .value"),
        (Review(), 'is a Review: send its .model_dump(mode="json", exclude_none=True)'),
        (Basket(), "is a Basket: send dataclasses.asdict(...) of it"),
        (Scalar(), "is a Scalar: send its .tolist()"),
        (UserDict(), "is a UserDict: send dict(...) of it"),
        (1j, "is a complex: an event holds strings, numbers, booleans, lists and dicts"),
        (iter([1]), "is a list_iterator: an event holds strings, numbers, booleans, lists and dicts"),
    ],
)
def test_what_json_cannot_hold_is_refused_with_what_to_send(value: object, told: str) -> None:
    assert metadata_problems({"v": value}) == [f"events.x.v {told}"]
    assert metadata_problems({"a": [1, {"b": value}]}) == [f"events.x.a[1].b {told}"]


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({5: 1}, "events.x has the key 5, an int: keys are strings"),
        ({True: 1}, "events.x has the key True, a bool: keys are strings"),
        ({None: 1}, "events.x has a key that is a NoneType: keys are strings"),
        ({10**5000: 1}, "events.x has a key that is an int: keys are strings"),
        ({"a": {b"k": 1}}, "events.x.a has a key that is a bytes: keys are strings"),
        (
            {"a\ud800": 1},
            "events.x['a\\ud800'] has a key that holds a lone surrogate, which is no text in UTF-8",
        ),
        ({"a": 1, Twin("a"): 2}, "events.x.a is there twice"),
        ({Twin("a"): 1, "a": 2}, "events.x.a is there twice"),
    ],
)
def test_a_key_that_is_no_text_is_refused(metadata: object, told: str) -> None:
    assert metadata_problems(metadata) == [told]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "events[''] has a name that is empty"),
        ("  ", "events['  '] has a name that is blank"),
        ("a\tb", "events['a\\tb'] has a name that holds a control character"),
        ("\ud800", "events['\\ud800'] has a name that holds a lone surrogate, which is no text in UTF-8"),
        (5, "events has the key 5, an int: keys are strings"),
    ],
)
def test_an_event_needs_a_real_name(name: Any, told: str) -> None:
    assert problems_of({"customer_id": "c-42", "events": {name: {}}}) == [told]


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("plain", "events.x.plain"),
        ("größe", "events.x.größe"),
        ("a.b", "events.x['a.b']"),
        ("a b", "events.x['a b']"),
        ("", "events.x['']"),
        ("\x1b[31m", "events.x['\\x1b[31m']"),
        ("\u202edesrever", "events.x['\\u202edesrever']"),
        ("k" * 61, f"events.x['{'k' * 57}...']"),
    ],
)
def test_a_path_can_be_read_whatever_the_keys_are(key: str, path: str) -> None:
    assert metadata_problems({key: None}) == [f"{path} is null: leave it out"]


@pytest.mark.parametrize(
    ("given", "arrives"),
    [
        (OrderedDict(b=1, a=2), '{"b": 1, "a": 2}'),
        (defaultdict(list, a=[1]), '{"a": [1]}'),
        ({"tier": Tier.GOLD}, '{"tier": "gold"}'),
        ({Tier.GOLD: Stars.FIVE}, '{"gold": 5}'),
        ({"t": Celsius(1.5)}, '{"t": 1.5}'),
        (
            {"yes": True, "one": 1, "float": 1.0, "minus": -0.0},
            '{"yes": true, "one": 1, "float": 1.0, "minus": -0.0}',
        ),
        ({"most": 2**53, "least": -(2**53)}, '{"most": 9007199254740992, "least": -9007199254740992}'),
        ({"__type__": "t", "__proto__": {}, "": ""}, '{"__type__": "t", "__proto__": {}, "": ""}'),
        ({"o": {}, "a": [], "n": [[], [{}]]}, '{"o": {}, "a": [], "n": [[], [{}]]}'),
    ],
)
def test_json_in_python_is_taken_for_what_it_is(given: dict[str, Any], arrives: str) -> None:
    event = Event(customer_id="c-42", events={"x": given})

    assert json.dumps(event.events["x"]) == arrives
    assert {type(value) for value in event.events["x"]} == {str}


def test_the_same_list_twice_is_no_circle() -> None:
    shared = [1]

    event = Event(customer_id="c-42", events={"x": {"a": shared, "b": shared}})

    assert event.events == {"x": {"a": [1], "b": [1]}}


def circle() -> dict[str, Any]:
    inside: dict[str, Any] = {}
    inside["me"] = inside
    return inside


def wide_circle() -> dict[str, Any]:
    inside: list[Any] = []
    inside += [inside] * 50
    return {"l": inside}


def unfolding() -> dict[str, Any]:
    inside: list[Any] = [1]
    for _ in range(60):
        inside = [inside, inside]
    return {"l": inside}


def pit(depth: int) -> dict[str, Any]:
    inside: dict[str, Any] = {}
    for _ in range(depth - 1):
        inside = {"d": inside}
    return inside


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (circle(), f"events.x{'.me' * 6}...{'.me' * 3} lies deeper than 100 levels, or inside itself"),
        (pit(101), f"events.x{'.d' * 6}...{'.d' * 3} lies deeper than 100 levels, or inside itself"),
        (pit(100_000), f"events.x{'.d' * 6}...{'.d' * 3} lies deeper than 100 levels, or inside itself"),
        (unfolding(), "events holds more than 100000 values"),
        ({"l": [0] * 100_000}, "events holds more than 100000 values"),
    ],
)
def test_what_never_ends_is_told_once(given: dict[str, Any], told: str) -> None:
    assert metadata_problems(given) == [told]


def test_a_circle_with_many_ways_round_ends_too() -> None:
    assert metadata_problems(wide_circle()) == [
        f"events.x.l{'[0]' * 5}...{'[0]' * 3} lies deeper than 100 levels, or inside itself",
        "events holds more than 100000 values",
    ]


def test_a_hundred_levels_fit_far_down_a_stack() -> None:
    here = len(inspect.stack(0))

    def call_from(depth: int) -> Event:
        if depth < sys.getrecursionlimit() - 450:
            return call_from(depth + 1)
        return Event(customer_id="c-42", events={"x": pit(100)})

    assert call_from(here).events["x"] == pit(100)
