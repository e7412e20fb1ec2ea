"""Ship customer events to Gameball: durable, explained, never silently lost."""

from shipper.admission import Receipt
from shipper.client import aclose, close, configure
from shipper.ending import Delivery
from shipper.enqueue import aenqueue_event, aenqueue_events, enqueue_event, enqueue_events
from shipper.envelope import ShipperWarning
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
from shipper.event import Event
from shipper.event_id import new_event_id
from shipper.hooks import completion_hook
from shipper.settings import Settings

__all__ = [
    "AgedError",
    "CrashedError",
    "Delivery",
    "DeliveryError",
    "DiscardedError",
    "EnqueueUnclearError",
    "Event",
    "EventNotFoundError",
    "IdempotencyConflictError",
    "InvalidEventError",
    "LedgerFullError",
    "LedgerUnavailableError",
    "Problem",
    "Receipt",
    "RefusedError",
    "Settings",
    "SettingsError",
    "ShipperError",
    "ShipperWarning",
    "SpentError",
    "UnclearError",
    "UnknownHookError",
    "aclose",
    "aenqueue_event",
    "aenqueue_events",
    "close",
    "completion_hook",
    "configure",
    "enqueue_event",
    "enqueue_events",
    "new_event_id",
]
