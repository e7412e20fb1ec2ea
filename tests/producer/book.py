"""Look into a ledger past whatever its producer goes through."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final, Protocol

from shipper.ledger.audit import audit
from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Shown, show, status
from shipper.ledger.record import read_record
from tests.support.servers import RedisServer

BUDGET_MS: Final = 400
"""Of a call that is to run out of it."""
PATIENT_MS: Final = 15_000
"""Of every other: a busy machine may keep an answer from it for a second or more."""
SLACK_S: Final = 5.0
"""What a busy machine may add to a budget."""


class Book:
    """Answer from one account's ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def show(self, event_id: str) -> Shown | None:
        (shown,) = self.ledger.run(show([event_id]))
        return shown

    def count(self, name: str) -> int:
        return self.ledger.run(status()).counters.get(name, 0)

    def events(self) -> dict[str, dict[str, Any]]:
        """Return every event that is held, by its id."""
        flat: list[bytes] = self.ledger.ask("HGETALL", key_of("default", "rec"))
        records = {flat[i].decode(): read_record(flat[i + 1]) for i in range(0, len(flat), 2)}
        return {event_id: record.event for event_id, record in records.items() if record}

    def customers(self) -> Counter[str]:
        """Count the events of each customer."""
        return Counter(event["customerId"] for event in self.events().values())

    def assert_sound(self) -> None:
        assert audit(self.ledger).findings == ()


class Produce(Protocol):
    """Configure this process; the URL may be a proxy's."""

    def __call__(self, url: str, **settings: Any) -> None: ...


class OpenBook(Protocol):
    """Open the book on a server of one's own."""

    def __call__(self, server: RedisServer) -> Book: ...
