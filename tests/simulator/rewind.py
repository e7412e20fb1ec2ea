"""Rewind: all that a Redis holds, noted at one moment and brought back at a later one."""

from __future__ import annotations

from shipper.ledger.ledger import Ledger

Kept = dict[str, bytes]
"""Each key, as Redis dumps it."""


def note_all(ledger: Ledger) -> Kept:
    """Return what the server holds."""
    names = [name.decode() for name in ledger.ask("KEYS", "*")]
    return {name: ledger.ask("DUMP", name) for name in names}


def rewind(ledger: Ledger, kept: Kept) -> None:
    """Let the server hold that, and nothing else."""
    ledger.ask("FLUSHALL")
    for name, content in kept.items():
        ledger.ask("RESTORE", name, 0, content)  # type: ignore[arg-type]  # a dump is no text
