"""Contents: what a stored event says, read so that a damaged record is shown as far as it can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shipper.envelope import name_hash
from shipper.keyring import DamagedError, Keyring, LockedError
from shipper.ledger.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The event inside a record; empty where there is none, or none that can be read.

    `unopened` says why it could not be opened, where that is the reason.
    """

    customer_id: str | None = None
    email: str | None = field(default=None, repr=False)
    mobile: str | None = field(default=None, repr=False)
    events: Mapping[str, Any] = field(default_factory=dict, repr=False)
    unopened: str | None = None

    @property
    def event_names(self) -> tuple[str, ...]:
        """Return the names, in the event's order."""
        return tuple(self.events)

    def name_of(self, hashed: str) -> str | None:
        """Return the event name that the ledger knows by this hash."""
        return next((name for name in self.events if name_hash(name) == hashed), None)

    def has_once(self, name: str, key: str) -> bool:
        """Tell whether a key is a property of this event, and stands nowhere else, deeper or in another."""
        metadata = self.events.get(name)
        inside: list[Any] = [*self.events.values()]
        times = 0
        while inside:
            found = inside.pop()
            if isinstance(found, dict):
                times += key in found
                inside += found.values()
            elif isinstance(found, list):
                inside += found
        return isinstance(metadata, dict) and key in metadata and times == 1


def contents_of(record: Record | None, keyring: Keyring, *, account: str, event_id: str) -> Contents:
    """Read the body of a record."""
    if record is None:
        return Contents()
    try:
        body: Any = record.opened(keyring, account=account, event_id=event_id).event
    except (LockedError, DamagedError) as error:
        return Contents(unopened=str(error))
    except ValueError:
        return Contents()
    if not isinstance(body, dict) or not isinstance(body.get("events"), dict):
        return Contents()
    return Contents(
        customer_id=_text(body.get("customerId")),
        email=_text(body.get("email")),
        mobile=_text(body.get("mobile")),
        events=body["events"],
    )


def text_of(stored: str | None, keyring: Keyring, *, account: str, event_id: str) -> str | None:
    """Read a text about an event; one that cannot be opened is told so in its place."""
    try:
        return stored and keyring.open_text(stored, account=account, event_id=event_id)
    except (LockedError, DamagedError) as error:
        return f"({error})"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
