from __future__ import annotations

import logging
from typing import Any, Final

import pytest

from examples.hooks import review_sent
from shipper import RefusedError, UnclearError
from shipper.ending import Delivery
from shipper.hooks import registered

EVENT: Final[dict[str, Any]] = {
    "event_id": "01K9ZZZZZZZZZZZZZZZZZZZZZZ",
    "customer_id": "c-42",
    "events": {},
    "attempts": 1,
}


def test_the_hook_module_registers_its_hook_by_name() -> None:
    assert registered()["review_sent"] is review_sent


def test_the_hook_tells_each_kind_of_ending(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)

    review_sent(Delivery(**EVENT), None)
    review_sent(None, UnclearError("nobody knows", **EVENT))
    review_sent(None, RefusedError("Gameball refused the event", **EVENT))

    assert caplog.messages == [
        "Gameball has 01K9ZZZZZZZZZZZZZZZZZZZZZZ of c-42",
        "a person should look at 01K9ZZZZZZZZZZZZZZZZZZZZZZ: Gameball may have it",
        "Gameball will not get 01K9ZZZZZZZZZZZZZZZZZZZZZZ: Gameball refused the event",
    ]
