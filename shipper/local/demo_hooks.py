"""The completion hook of the demo's shop: it writes down whom it was told of."""

from __future__ import annotations

import os
from typing import Final

from shipper.ending import Delivery
from shipper.errors import DeliveryError
from shipper.hooks import completion_hook
from shipper.local.shop import HOOK

TOLD_FILE: Final = "DEMO_TOLD_FILE"
"""The variable that names the file: a line a telling, the event's id and how it ended."""


@completion_hook(HOOK)
def told(response: Delivery | None, error: DeliveryError | None) -> None:
    """Append one line; short appends of several processes do not mix."""
    ending = response or error
    event_id = ending.event_id if ending else ""
    how = "delivered" if response else type(error).__name__
    path = os.environ[TOLD_FILE]  # noqa: TID251 - a hook is called with two arguments and has no other way
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, f"{event_id} {how}\n".encode())
    finally:
        os.close(file)
