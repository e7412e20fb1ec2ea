"""Ending: what a completion hook is told, in the manner of the mobile SDKs' `sendEventCallback`.

A hook is called as `hook(response, error)`. On success `error` is None and `response` a `Delivery`; on
failure `response` is None and `error` one of the `DeliveryError`s.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Say that Gameball accepted the event. Always true, as the SDKs' response is."""

    event_id: str
    customer_id: str
    events: dict[str, Any] = field(repr=False)
    """`{name: metadata}`, as it was enqueued."""
    attempts: int
    status: int | None = None
    request_id: str | None = None
