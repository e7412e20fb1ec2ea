"""The error tree is as drawn, and every error crosses a process whole."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from shipper import errors
from shipper.errors import (
    AgedError,
    CrashedError,
    DeliveryError,
    DiscardedError,
    EnqueueUnclearError,
    EventNotFoundError,
    IdempotencyConflictError,
    InvalidEventError,
    LedgerFullError,
    LedgerUnavailableError,
    Problem,
    RefusedError,
    SettingsError,
    ShipperError,
    SpentError,
    UnclearError,
    UnknownHookError,
)

TREE = {
    ShipperError: Exception,
    InvalidEventError: ShipperError,
    IdempotencyConflictError: ShipperError,
    UnknownHookError: ShipperError,
    SettingsError: ShipperError,
    LedgerUnavailableError: ShipperError,
    LedgerFullError: ShipperError,
    EnqueueUnclearError: ShipperError,
    EventNotFoundError: ShipperError,
    DeliveryError: ShipperError,
    RefusedError: DeliveryError,
    SpentError: DeliveryError,
    AgedError: DeliveryError,
    CrashedError: DeliveryError,
    UnclearError: DeliveryError,
    DiscardedError: DeliveryError,
}
PROBLEMS = [Problem("events.purchase.total", "is NaN"), Problem("", "the event takes 70000 bytes")]
DELIVERY: dict[str, Any] = {
    "event_id": "01HZZZZZZZZZZZZZZZZZZZZZZZ",
    "customer_id": "c-42",
    "events": {"write_review": {"stars": 5}},
    "attempts": 3,
    "status": 422,
    "code": 3001,
    "request_id": "req-1",
}
SAMPLES = [
    ShipperError("text"),
    InvalidEventError(PROBLEMS),
    SettingsError(PROBLEMS),
    UnknownHookError("text"),
    LedgerUnavailableError("text"),
    LedgerFullError("text"),
    IdempotencyConflictError("text", event_id="01HZZZZZZZZZZZZZZZZZZZZZZZ"),
    EnqueueUnclearError("text", event_id="01HZZZZZZZZZZZZZZZZZZZZZZZ"),
    EventNotFoundError("text", event_id="01HZZZZZZZZZZZZZZZZZZZZZZZ"),
    *(
        kind("text", **DELIVERY)
        for kind in (DeliveryError, RefusedError, SpentError, AgedError, CrashedError, DiscardedError)
    ),
    UnclearError("text", event_id="e", customer_id="c", events={}, attempts=1),
]


@pytest.mark.parametrize(("kind", "parent"), TREE.items(), ids=[kind.__name__ for kind in TREE])
def test_each_error_stands_where_the_tree_has_it(kind: type, parent: type) -> None:
    drawn = errors.__doc__ or ""

    assert issubclass(kind, parent)
    assert ShipperError in kind.__mro__
    assert f"{kind.__name__}\n" in drawn or f"{kind.__name__} " in drawn


def test_the_tree_has_no_other_errors() -> None:
    public = {
        kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, Exception) and not name.startswith("_")
    }

    assert public == set(TREE)


def test_every_error_has_a_sample_here() -> None:
    assert {type(sample) for sample in SAMPLES} == set(TREE)


@pytest.mark.parametrize(
    "through",
    [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy],  # noqa: S301 - our own bytes
)
@pytest.mark.parametrize("error", SAMPLES, ids=[type(sample).__name__ for sample in SAMPLES])
def test_an_error_crosses_a_process_whole(error: ShipperError, through: Any) -> None:
    twin = through(error)

    assert type(twin) is type(error)
    assert str(twin) == str(error)
    assert vars(twin) == vars(error)


@pytest.mark.parametrize("kind", [InvalidEventError, SettingsError])
def test_all_problems_are_in_the_message_and_in_the_field(kind: Any) -> None:
    error = kind(PROBLEMS)

    assert str(error) == "events.purchase.total is NaN; the event takes 70000 bytes"
    assert error.problems == tuple(PROBLEMS)


def test_a_delivery_error_tells_what_a_hook_wants_to_know() -> None:
    error = RefusedError("text", **DELIVERY)

    assert {name: getattr(error, name) for name in DELIVERY} == DELIVERY
    assert str(error) == "text"


def test_what_no_answer_told_is_none() -> None:
    error = UnclearError("text", event_id="e", customer_id="c", events={}, attempts=1)

    assert (error.status, error.code, error.request_id) == (None, None, None)
