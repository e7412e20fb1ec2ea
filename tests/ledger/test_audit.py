"""What an audit sees of lanes and events, and that a mend leaves nothing behind that it could cure."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from shipper.ledger import audit as audits
from shipper.ledger import operations
from shipper.ledger.audit import Finding, audit, mend_all
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import LaneSeen, Mended, Operation
from tests.ledger.book import Book, put, read
from tests.ledger.builders import (
    COST,
    NOW,
    dead,
    ended,
    envelope,
    event,
    in_flight,
    settings_of,
    unclear,
    waiting,
)
from tests.ledger.table import Row, table

QUARANTINED = frozenset({"ann"})
GARBAGE = b"1|ann|garbage".ljust(400, b".")


def lane(before: Book, *ids: str, problems: tuple[str, ...] = (), first: int = 0) -> Row:
    """Look at ann's lane; nothing changes."""
    return Row(
        before=before,
        call=operations.audit_lanes(["ann"], first=first, now=NOW),
        answer=[LaneSeen(lane="ann", problems=problems, ids=ids)],
        after=before,
    )


LANES = {
    "a lane that waits is sound": lane(waiting("ann", "E1", "E2"), "E1", "E2"),
    "a lane whose call is under way is sound": lane(in_flight("ann", "E1", behind=("E2",)), "E1", "E2"),
    "a lane that is not there is sound": lane(Book()),
    "a long lane is looked at from any place": lane(waiting("ann", "E1", "E2", "E3"), "E3", first=2),
    "a lane in quarantine waits for a mend": lane(
        waiting("ann", "E1").but(due={}, broken=QUARANTINED),
        "E1",
        problems=("quarantined: run shipper mend",),
    ),
    "so does one with nothing left in it": lane(
        Book(broken=QUARANTINED), problems=("quarantined: run shipper mend",)
    ),
    "it is told once, whatever its length": lane(
        waiting("ann", "E1", "E2").but(due={}, broken=QUARANTINED), "E2", first=1
    ),
    "a lane of another type": lane(Book(forged={"l:ann": b"boom"}), problems=("not a list",)),
    "a lane that nobody looks at": lane(
        waiting("ann", "E1").but(due={}), "E1", problems=("stuck: in none of due, lease, broken",)
    ),
    "a lane in two places": lane(
        waiting("ann", "E1").but(broken=QUARANTINED),
        "E1",
        problems=("in more than one of due, lease, broken", "quarantined: run shipper mend"),
    ),
    "a lane that is due with nothing in it": lane(Book(due={"ann": NOW}), problems=("empty, but due",)),
    "a lease without a call": lane(
        in_flight("ann", "E1").but(calls={}), "E1", problems=("lease and call differ",)
    ),
    "a call whose events are not the head": lane(
        in_flight("ann", "E2", behind=("E1",)).but(lanes={"ann": ["E1", "E2"]}),
        "E1",
        "E2",
        problems=("flight is not its head",),
    ),
    "an id without a record": lane(
        waiting("ann", "E1").but(lanes={"ann": ["E1", "E2"]}), "E1", "E2", problems=("no record of E2",)
    ),
    "an id that has died": lane(
        (waiting("ann", "E1") + dead("ann", "E2")).but(lanes={"ann": ["E1", "E2"]}),
        "E1",
        "E2",
        problems=("ended: E2",),
    ),
}


def place(before: Book, word: str) -> Row:
    """Look for E1; nothing changes."""
    return Row(before=before, call=operations.audit_events(["E1"], now=NOW), answer=[word], after=before)


EVENTS = {
    "an event that waits": place(waiting("ann", "E1"), "lane"),
    "an event in flight": place(in_flight("ann", "E1"), "lane"),
    "an event whose lane is no list": place(
        waiting("ann", "E1").but(lanes={}, forged={"l:ann": b"boom"}), "lane"
    ),
    "a dead letter": place(dead("ann", "E1"), "dead"),
    "an unclear one": place(unclear("ann", "E1"), "unclear"),
    "one that has ended": place(ended("E1"), "gone"),
    "one that never was": place(Book(), "gone"),
    "one that cannot be read": place(Book(rec={"E1": GARBAGE}), "unreadable"),
    "one that is in no lane": place(Book(rec={"E1": event("E1")}), "nowhere"),
}


@table(LANES)
def test_an_audit_looks_at_a_lane(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@table(EVENTS)
def test_an_audit_looks_for_an_event(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@pytest.mark.parametrize(
    "before",
    [waiting("ann", "E1").but(due={}, broken=QUARANTINED), Book(broken=QUARANTINED)],
    ids=["with an event", "empty"],
)
def test_a_lane_in_quarantine_is_a_finding_until_it_is_mended(
    before: Book, ledger: Ledger, redis: Redis
) -> None:
    put(redis, before)

    found = audit(ledger).findings
    mend_all(ledger)

    assert found == (Finding(place="lane ann", problem="quarantined: run shipper mend"),)
    assert audit(ledger).findings == ()


def test_an_event_that_is_accepted_while_its_lane_is_mended_is_kept(
    ledger: Ledger, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(
        redis,
        waiting("ann", "E1", "E2").but(rec={"E1": GARBAGE, "E2": event("E2")}, due={}, broken=QUARANTINED),
    )

    def mend_late(*args: Any) -> Operation[Mended]:
        ledger.run(operations.enqueue([envelope("E3")], settings_of()))
        return operations.mend(*args)

    monkeypatch.setattr(audits, "mend", mend_late)
    done = mend_all(ledger)

    assert (done.lanes, done.events, done.unreadable, done.counters, done.left) == (1, 2, 1, {}, [])
    assert read(redis).lanes == {"ann": ["E2", "E3"]}
    assert audit(ledger).findings == ()


def test_a_mend_tells_the_counters_that_were_wrong(ledger: Ledger, redis: Redis) -> None:
    put(redis, (waiting("ann", "E1") + ended("E2")).but(n={"accepted": 7, "waiting": 3, "delivered": 1}))

    done = mend_all(ledger)

    assert done.counters == {"waiting": (3, 1), "accepted": (7, 2), "bytes": (0, COST)}
    assert audit(ledger).findings == ()
