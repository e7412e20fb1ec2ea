"""Bodies: what is stored of events, in their records and in the jobs of hooks, read in small steps."""

from __future__ import annotations

from collections.abc import Iterator

from shipper.ledger.ledger import Ledger
from shipper.ledger.record import read_job, read_record
from shipper.ledger.scan import scan


def bodies_of(ledger: Ledger) -> Iterator[tuple[str, bytes]]:
    """Yield the id and the stored body of each event that can be read, in no order; some may come twice."""
    for event_id, stored in scan(ledger, "rec"):
        if record := read_record(stored):
            yield event_id, record.body
    for job, stored in scan(ledger, "hj"):
        told = read_job(job, 0, stored)
        if told.record:
            yield told.event_id, told.record.body
