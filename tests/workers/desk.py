"""Work on an account's ledger as producers, sweeps and operators would."""

from __future__ import annotations

from typing import Any, Final

from shipper.envelope import seal
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Shown, Status, enqueue, show, status, sweep
from shipper.settings import Settings
from workers.pump import new_tokens

QUICK: Final = Settings(
    timeout_ms=1000,
    connect_timeout_ms=500,
    lease_ms=60_000,
    pump_ms=60_000,
    pace_per_second=0,
    pace_per_30_seconds=0,
    backoff_base_ms=1,
    backoff_cap_ms=1,
    calls_in_flight=4,
    sweep_ms=50,
)
"""Nothing waits for long, and no lease or pump's time runs out while the machine stalls."""


class Desk:
    """Hold the ledger and the settings that all of them use."""

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self.ledger = ledger
        self.settings = settings

    def enqueue(self, customer: str, *names: str, **given: Any) -> str:
        """Enqueue one event of these names and return its id."""
        events: dict[str, dict[str, Any]] = {name: {} for name in names or ("write_review",)}
        envelope = seal({"customerId": customer, "events": events}, settings=self.settings, **given)
        (admission,) = self.ledger.run(enqueue([envelope], self.settings))
        assert admission.word == "ok"
        return admission.event_id

    def ticket(self, *, most: int = 1) -> str:
        """Reserve a pump's ticket, as the sweep of a Dispatcher does; `most` pumps may run."""
        (ticket,) = new_tokens(1)
        found = self.ledger.run(sweep(self.settings, tickets=[ticket], most_pumps=most, worker="w:1"))
        assert found.pumps == 1
        return ticket

    def show(self, event_id: str) -> Shown:
        (shown,) = self.ledger.run(show([event_id]))
        assert shown is not None
        return shown

    def state(self, event_id: str) -> str:
        return self.show(event_id).state.value

    def status(self) -> Status:
        return self.ledger.run(status())

    def count(self, name: str) -> int:
        return self.status().counters.get(name, 0)
