"""Ship customer events to Gameball: durable, explained, never silently lost.

Names are imported when they are first asked for: `shipper --help` needs no Redis, a hook module no client.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from shipper.admission import Receipt
    from shipper.alarm import Alarm, alarm_hook
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

_MODULES: Final = {
    "admission": ("Receipt",),
    "alarm": ("Alarm", "alarm_hook"),
    "client": ("aclose", "close", "configure"),
    "ending": ("Delivery",),
    "enqueue": ("aenqueue_event", "aenqueue_events", "enqueue_event", "enqueue_events"),
    "envelope": ("ShipperWarning",),
    "errors": (
        "AgedError",
        "CrashedError",
        "DeliveryError",
        "DiscardedError",
        "EnqueueUnclearError",
        "EventNotFoundError",
        "IdempotencyConflictError",
        "InvalidEventError",
        "LedgerFullError",
        "LedgerUnavailableError",
        "Problem",
        "RefusedError",
        "SettingsError",
        "ShipperError",
        "SpentError",
        "UnclearError",
        "UnknownHookError",
    ),
    "event": ("Event",),
    "event_id": ("new_event_id",),
    "hooks": ("completion_hook",),
    "settings": ("Settings",),
}
_HOME: Final = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "AgedError",
    "Alarm",
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
    "alarm_hook",
    "close",
    "completion_hook",
    "configure",
    "enqueue_event",
    "enqueue_events",
    "new_event_id",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'shipper' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"shipper.{_HOME[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
