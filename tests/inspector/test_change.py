"""Change and difference: what a person says shall be different, and what then is; without a ledger."""

from __future__ import annotations

from typing import Any

import pytest

from shipper.frozen import FrozenDict
from shipper.inspector.change import Change, changed
from shipper.inspector.difference import Difference, differences
from shipper.inspector.place import read_place, write_place

ORDER = {"order": {"total": "12", "items": [{"sku": "a"}, {"sku": "b"}], "gift card": None}}

CHANGES: dict[str, tuple[Change, Any]] = {
    "a property is set": (
        Change(sets={"order.total": 12}),
        {"order": {**ORDER["order"], "total": 12}},
    ),
    "a property that was not there is added, with what lies around it": (
        Change(sets={"order.shop.city": "Cairo"}),
        {"order": {**ORDER["order"], "shop": {"city": "Cairo"}}},
    ),
    "a value inside a list is set": (
        Change(sets={"order.items[1].sku": "c"}),
        {"order": {**ORDER["order"], "items": [{"sku": "a"}, {"sku": "c"}]}},
    ),
    "a list grows by its next place": (
        Change(sets={"order.items[2]": 3}),
        {"order": {**ORDER["order"], "items": [{"sku": "a"}, {"sku": "b"}, 3]}},
    ),
    "a property with a space may be quoted or not": (
        Change(unsets=('order["gift card"]', "order.total")),
        {"order": {"items": [{"sku": "a"}, {"sku": "b"}]}},
    ),
    "a name changes in its place, before anything is set under the new one": (
        Change(renames={"order": "place_order"}, sets={"place_order.total": 1}),
        {"place_order": {**ORDER["order"], "total": 1}},
    ),
    "a property is moved to another name, deeper or elsewhere": (
        Change(moves={"order.total": "order.paid.amount"}),
        {"order": {"items": [{"sku": "a"}, {"sku": "b"}], "gift card": None, "paid": {"amount": "12"}}},
    ),
    "a text becomes the number that it says": (
        Change(numbers=("order.total",)),
        {"order": {**ORDER["order"], "total": 12}},
    ),
    "what is moved becomes a number where it is then": (
        Change(moves={"order.total": "order.amount"}, numbers=("order.amount",), unsets=("order.items",)),
        {"order": {"gift card": None, "amount": 12}},
    ),
    "all of it anew, and then the rest": (
        Change(events={"visit": {}}, sets={"visit.page": "/"}),
        {"visit": {"page": "/"}},
    ),
    "a whole event is taken out": (Change(unsets=("order",)), {}),
}


@pytest.mark.parametrize(("change", "after"), CHANGES.values(), ids=CHANGES.keys())
def test_a_change(change: Change, after: Any) -> None:
    before = FrozenDict({"order": FrozenDict(ORDER["order"])})

    result, problems = changed(before, change)

    assert (result, problems) == (after, [])
    assert before == ORDER


NUMBERS: dict[str, tuple[Any, Any]] = {
    "a fraction": ("-12.50", -12.5),
    "one with blanks around it": (" 7 ", 7),
    "one with an exponent": ("1e3", 1000.0),
    "what is one already": (3, 3),
}


@pytest.mark.parametrize(("before", "after"), NUMBERS.values(), ids=NUMBERS.keys())
def test_a_text_is_made_the_number_that_it_says(before: Any, after: Any) -> None:
    result, problems = changed({"order": {"total": before}}, Change(numbers=("order.total",)))

    assert (result, problems) == ({"order": {"total": after}}, [])
    assert type(result["order"]["total"]) is type(after)


@pytest.mark.parametrize("value", ["12 EUR", "", "1,5", "0x1F", "NaN", "١٢", "01", True, None, [1]])
def test_what_says_no_number_is_told_and_stays(value: Any) -> None:
    result, problems = changed({"order": {"total": value}}, Change(numbers=("order.total",)))

    assert result == {"order": {"total": value}}
    assert [str(problem) for problem in problems] == ["order.total is no text of a number"]


def test_nothing_is_moved_over_what_is_there() -> None:
    before = {"order": {"total": 1, "amount": 2}}

    result, problems = changed(before, Change(moves={"order.total": "order.amount", "order.x": "order.y"}))

    assert result == before
    assert [str(problem) for problem in problems] == [
        "order.total cannot move: order.amount is there already",
        "order.x is not there",
    ]


def test_all_that_is_wrong_with_a_change_is_told_together() -> None:
    change = Change(
        renames={"visit": "order"},
        sets={"order.total.cents": 1, "order.items[9]": 1, "": 1, "order.items[x]": 1},
        unsets=("order.colour",),
    )

    _, problems = changed(ORDER, change)

    assert list(map(str, problems)) == [
        "visit is no event of this letter",
        "order.total.cents leads through a value that holds nothing",
        "order.items[9] is beyond the list, which has 2",
        "is no place: it begins with an event's name",
        'order.items[x] is no place: write name.property, or name.list[2] or name["a key"]',
        "order.colour is not there",
    ]


def test_two_events_of_one_name_would_be_one_lost() -> None:
    _, problems = changed({"a": {}, "b": {}}, Change(renames={"a": "b"}))

    assert list(map(str, problems)) == ["b would be there twice"]


DIFFERENCES: dict[str, tuple[Any, Any, list[Difference]]] = {
    "nothing": ({"a": {"x": [1, {"y": None}]}}, {"a": {"x": [1, {"y": None}]}}, []),
    "a number is no text, 1 is not true, and 1.0 is not 1": (
        {"a": {"x": 1, "y": 1, "z": "1"}},
        {"a": {"x": True, "y": 1.0, "z": 1}},
        [
            Difference(what="changed", place="a.x", before=1, after=True),
            Difference(what="changed", place="a.y", before=1, after=1.0),
            Difference(what="changed", place="a.z", before="1", after=1),
        ],
    ),
    "what is added and removed, in lists too": (
        {"a": {"x": [1, 2], "gone": {}}},
        {"a": {"x": [1], "come": None}},
        [
            Difference(what="removed", place="a.x[1]", before=2),
            Difference(what="removed", place="a.gone", before={}),
            Difference(what="added", place="a.come", after=None),
        ],
    ),
    "a name, and what is under it": (
        {"old": {"x": 1}},
        {"new": {"x": 2}},
        [
            Difference(what="renamed", place="old", before="old", after="new"),
            Difference(what="changed", place="new.x", before=1, after=2),
        ],
    ),
    "one of two names": (
        {"a": {"x": 1}, "b": {}},
        {"b": {}, "c": {"x": 1}},
        [Difference(what="renamed", place="a", before="a", after="c")],
    ),
    "two events that are others": (
        {"a": {"x": 1}, "b": {}},
        {"c": {"y": 1}, "d": {"z": 1}},
        [
            Difference(what="removed", place="a", before={"x": 1}),
            Difference(what="removed", place="b", before={}),
            Difference(what="added", place="c", after={"y": 1}),
            Difference(what="added", place="d", after={"z": 1}),
        ],
    ),
}


@pytest.mark.parametrize(("before", "after", "expected"), DIFFERENCES.values(), ids=DIFFERENCES.keys())
def test_differences(before: Any, after: Any, expected: list[Difference]) -> None:
    assert list(differences(before, after)) == expected


@pytest.mark.parametrize(
    "steps", [("a", "b", 2, "c"), ("a.b", "x y", "ü"), ("a", ""), ("a", 'q"uote', "[0]"), ("a\n", "b")]
)
def test_a_place_is_read_as_it_is_written(steps: tuple[str | int, ...]) -> None:
    assert read_place(write_place(steps), ["other"]) == steps


def test_a_name_with_dots_that_is_known_needs_no_quotes() -> None:
    assert read_place("shop.order.total", ["shop", "shop.order"]) == ("shop.order", "total")
