"""What of a request travels with an event: which values, how much, and that nothing of it can do harm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar
from uuid import UUID

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from shipper.context import MOST_BYTES, TEXT, carried, read_context, told
from shipper.envelope import seal
from shipper.ledger.record import read_record
from shipper.settings import Settings

T = TypeVar("T")
OWN: ContextVar[Any] = ContextVar("request_id")
OTHER: ContextVar[Any] = ContextVar("tenant")
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
REVIEW = {"customerId": "c-42", "events": {"write_review": {"stars": 5}}}


def bound(does: Callable[[], T], **values: Any) -> T:
    """Do something while structlog has bound values."""

    def inside() -> T:
        structlog.contextvars.bind_contextvars(**values)
        return does()

    return copy_context().run(inside)


def test_what_structlog_bound_under_a_name_is_carried() -> None:
    assert bound(lambda: carried(("request_id",)), request_id="r-1", user="ann") == "request_id=r-1"


def test_a_context_variable_of_the_apps_own_is_carried_by_its_name() -> None:
    def inside() -> str:
        OWN.set(UUID("0af76519-16cd-43dd-8448-eb211c80319c"))
        OTHER.set(7)
        return carried(("tenant", "request_id"))

    assert copy_context().run(inside) == "tenant=7&request_id=0af76519-16cd-43dd-8448-eb211c80319c"


def test_what_structlog_bound_goes_before_a_variable_of_the_same_name() -> None:
    def inside() -> str:
        OWN.set("own")
        return bound(lambda: carried(("request_id",)), request_id="bound")

    assert copy_context().run(inside) == "request_id=bound"


def test_where_nothing_is_bound_nothing_is_carried() -> None:
    assert Context().run(carried, ("request_id",)) == ""
    assert bound(lambda: carried(("request_id",)), user="ann") == ""
    assert bound(lambda: carried(()), request_id="r-1") == ""


NOT_CARRIED = {
    "a bool": True,
    "nothing": None,
    "a float": 1.5,
    "bytes": b"r",
    "a list": ["r"],
    "a dict": {"r": 1},
    "empty text": "",
    "what structlog unbound": ...,
    "a number too long to write": 10**5000,
    "too long a text": "r" * 129,
    "a text too long once encoded": "ü" * 22,
}


@pytest.mark.parametrize("value", NOT_CARRIED.values(), ids=NOT_CARRIED.keys())
def test_a_value_that_cannot_be_carried_whole_is_left_out(value: Any) -> None:
    assert bound(lambda: carried(("a", "request_id", "b")), a=1, request_id=value, b=2) == "a=1&b=2"


def test_what_no_longer_fits_is_left_out_and_what_comes_after_it_may_fit() -> None:
    text = bound(lambda: carried(("a", "b", "c")), a="a" * 128, b="b" * 128, c="c" * 100)

    assert read_context(text) == {"a": "a" * 128, "c": "c" * 100}


def test_the_longest_context_fills_its_room_to_the_last_byte() -> None:
    text = bound(lambda: carried(("a", "b")), a="a" * 128, b="b" * 123)

    assert len(text) == MOST_BYTES
    assert read_context(text) == {"a": "a" * 128, "b": "b" * 123}


class Hostile(str):
    """A string whose every look fails."""

    __slots__ = ()

    def __str__(self) -> str:
        raise ValueError


def test_a_value_that_fails_when_looked_at_fails_no_enqueue() -> None:
    assert bound(lambda: carried(("request_id",)), request_id=Hostile("r")) == ""


names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,39}", fullmatch=True)


@given(st.dictionaries(names, st.text(max_size=140) | st.integers() | st.uuids(), max_size=8))
def test_whatever_is_bound_the_header_is_whole_and_what_is_read_was_bound(values: dict[str, Any]) -> None:
    settings = Settings().model_copy(update={"context": tuple(values)})

    sealed = bound(lambda: seal(REVIEW, settings=settings), **values)

    record = read_record(b"1|" + sealed.lane.encode() + b"|1" + sealed.rest)
    assert record is not None
    assert (record.body, record.head_len, record.hook) == (sealed.body, 31, "")
    assert len(record.context) <= MOST_BYTES
    assert not record.context or TEXT.fullmatch(record.context)
    assert (
        read_context(record.context).items() <= {name: str(value) for name, value in values.items()}.items()
    )


def test_the_context_is_no_part_of_the_fingerprint() -> None:
    first = bound(lambda: seal(REVIEW, settings=Settings()), request_id="r-1")
    again = bound(lambda: seal(REVIEW, settings=Settings()), request_id="r-2")

    assert first.tail_header == b"VinEtfXy|JrVngLM|r||31|request_id=r-1"
    assert again.tail_header == b"VinEtfXy|JrVngLM|r||31|request_id=r-2"
    assert first.fingerprint == again.fingerprint


@pytest.mark.parametrize("stored", ["", "&", "a", "=", "&=&", "%", "a=%zz", "a=1&a"])
def test_whatever_is_stored_can_be_read(stored: str) -> None:
    assert all(isinstance(value, str) for value in read_context(stored).values())


def test_a_line_tells_each_value_once_in_order_and_a_trace_by_its_id() -> None:
    contexts = [
        {"request_id": "r-2", "traceparent": TRACE},
        {},
        {"request_id": "r-1"},
        {"request_id": "r-2", "traceparent": "forged"},
    ]

    assert told(contexts) == {"request_id": ["r-2", "r-1"], "trace_id": ["0af7651916cd43dd8448eb211c80319c"]}


def test_a_line_is_bounded_however_many_requests_a_call_joins() -> None:
    assert len(told([{"request_id": str(number)} for number in range(100)])["request_id"]) == 20


@pytest.fixture(autouse=True)
def _nothing_bound() -> Iterator[None]:
    structlog.contextvars.clear_contextvars()
    yield
    structlog.contextvars.clear_contextvars()
