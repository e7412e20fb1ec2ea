"""Now: Redis' clock, which alone decides in the ledger; a command line may run anywhere."""

from __future__ import annotations

from shipper.ledger.ledger import Ledger


def ledger_now(ledger: Ledger) -> int:
    """Return the ledger's time in ms."""
    seconds, micros = ledger.ask("TIME")
    return int(seconds) * 1000 + int(micros) // 1000
