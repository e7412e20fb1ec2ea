"""Bodies: what is stored of events, in their records and in the jobs of hooks, read in small steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.record import read_job, read_record

STEP: Final = 100
"""Records read by one command of a scan; each may have 64 KiB."""


def bodies_of(ledger: Ledger) -> Iterator[tuple[str, bytes]]:
    """Yield the id and the stored body of each event that can be read, in no order; some may come twice."""
    for event_id, stored in _scan(ledger, "rec"):
        if record := read_record(stored):
            yield event_id, record.body
    for job, stored in _scan(ledger, "hj"):
        told = read_job(job, 0, stored)
        if told.record:
            yield told.event_id, told.record.body


def _scan(ledger: Ledger, name: str) -> Iterator[tuple[str, bytes]]:
    key, cursor = key_of(ledger.account, name), 0
    while True:
        cursor, flat = ledger.ask("HSCAN", key, cursor, "COUNT", STEP)
        for member, value in zip(flat[::2], flat[1::2], strict=True):
            yield member.decode(), value
        if int(cursor) == 0:
            return
