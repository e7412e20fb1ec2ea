"""Now: Redis' clock, which alone decides in the ledger; a command line may run anywhere."""

from __future__ import annotations

from threading import Event
from typing import Final

from shipper.ledger.ledger import Ledger

MOMENT_S: Final = 0.002
"""A millisecond of the ledger's, however it is cut, is over by then."""


def ledger_now(ledger: Ledger) -> int:
    """Return the ledger's time in ms."""
    seconds, micros = ledger.ask("TIME")
    return int(seconds) * 1000 + int(micros) // 1000


def moment_over(ledger: Ledger) -> int:
    """Return where the ledger's present millisecond ends, in ms, once it is over.

    So all that has happened was before it, and nothing that is yet to come is.
    """
    soon = ledger_now(ledger) + 1
    Event().wait(MOMENT_S)
    return soon
