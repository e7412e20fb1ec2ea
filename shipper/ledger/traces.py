"""Traces: every event by which the ledger still knows a customer, so that they can be erased."""

from __future__ import annotations

from collections.abc import Iterator

from shipper.envelope import lane_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.letters import Filter, walk
from shipper.ledger.operations import WINDOW, audit_lanes
from shipper.ledger.record import read_job, read_record
from shipper.ledger.scan import scan


def traces_of(ledger: Ledger, customer_id: str) -> set[str]:
    """Return the ids of a customer's events: waiting, in flight, dead, unclear, or kept for their hook.

    The jobs of hooks are all read, in small steps: no index tells whose they are. So are all records, if the
    customer's lane is corrupt.
    """
    lane = lane_of(customer_id)
    found = {spot.event_id for spot in walk(ledger, Filter(customer_id=customer_id))}
    found.update(_of_hooks(ledger, lane))
    found.update(_of_lane(ledger, lane))
    return found


def _of_lane(ledger: Ledger, lane: str) -> Iterator[str]:
    first = 0
    while True:
        (seen,) = ledger.run(audit_lanes([lane], first=first))
        yield from seen.ids
        if "not a list" in seen.problems:
            yield from _of_records(ledger, lane)
        if len(seen.ids) < WINDOW:
            return
        first += WINDOW


def _of_records(ledger: Ledger, lane: str) -> Iterator[str]:
    for event_id, stored in scan(ledger, "rec"):
        record = read_record(stored)
        if record and record.lane == lane:
            yield event_id


def _of_hooks(ledger: Ledger, lane: str) -> Iterator[str]:
    for job, stored in scan(ledger, "hj"):
        told = read_job(job, 0, stored)
        if told.record and told.record.lane == lane:
            yield told.event_id
