"""Scans: every field of one of the ledger's hashes, read in small steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger

STEP: Final = 100
"""Fields read by one command; each may hold an event of 64 KiB."""


def scan(ledger: Ledger, name: str) -> Iterator[tuple[str, bytes]]:
    """Yield the fields and values of a hash, in no order; what changes meanwhile may come twice or not."""
    key, cursor = key_of(ledger.account, name), 0
    while True:
        cursor, flat = ledger.ask("HSCAN", key, cursor, "COUNT", STEP)
        for field, value in zip(flat[::2], flat[1::2], strict=True):
            yield field.decode(), value
        if int(cursor) == 0:
            return
