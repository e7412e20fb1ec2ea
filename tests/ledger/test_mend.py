"""A lane built anew from its events, and the counters from what there is."""

from __future__ import annotations

import pytest
from redis import Redis

from shipper.ledger import operations
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Mended, Recounted
from shipper.ledger.record import Tried
from tests.ledger.book import Book, put, read, write_record
from tests.ledger.builders import COST, NOW, dead, ended, event, in_flight, unclear, waiting
from tests.ledger.table import Row, table

RUNG = ("1",)
LATER = NOW + 5000
QUARANTINED = frozenset({"ann"})
NEWER = b"2" + write_record(event("E2"))[1:]
"""Written by a version to come."""
GARBAGE = b"1|ann|garbage".ljust(400, b".")
"""What no version can read; whose it is can still be told."""


def mend(*ids: str) -> operations.Operation[Mended]:
    return operations.mend("ann", ids, now=LATER)


def unreadable(event_id: str) -> Book:
    """The dead letter that mending makes of GARBAGE."""
    letter = dead(
        "ann",
        event_id,
        reason="unreadable",
        code=None,
        names=("-",),
        at=LATER,
        tried=Tried(reason="unreadable"),
    )
    return letter.but(rec={event_id: GARBAGE})


LANES = {
    "a lane that is no list is built from its events, in their order": Row(
        before=waiting("ann", "E1", "E2").but(
            lanes={}, due={}, broken=QUARANTINED, forged={"l:ann": b"boom"}
        ),
        call=mend("E1", "E2"),
        answer=Mended(word="mended", kept=2, unreadable=0),
        after=waiting("ann", "E1", "E2", due=LATER).but(bell=RUNG),
    ),
    "a lane that is lost is built from its events": Row(
        before=waiting("ann", "E1").but(lanes={}, due={}),
        call=mend("E1"),
        answer=Mended(word="mended", kept=1, unreadable=0),
        after=waiting("ann", "E1", due=LATER).but(bell=RUNG),
    ),
    "what joined the lane since it was walked is kept, behind the others": Row(
        before=waiting("ann", "E1", "E2", "E3").but(due={}, broken=QUARANTINED),
        call=mend("E2", "E1"),
        answer=Mended(word="mended", kept=3, unreadable=0),
        after=waiting("ann", "E1", "E2", "E3", due=LATER).but(lanes={"ann": ["E2", "E1", "E3"]}, bell=RUNG),
    ),
    "what joined the lane since and cannot be read is a dead letter too": Row(
        before=waiting("ann", "E1", "E2").but(
            rec={"E1": event("E1"), "E2": GARBAGE}, due={}, broken=QUARANTINED
        ),
        call=mend("E1"),
        answer=Mended(word="mended", kept=1, unreadable=1),
        after=(waiting("ann", "E1", due=LATER) + unreadable("E2")).but(bell=RUNG),
    ),
    "an event that is listed twice is kept once": Row(
        before=waiting("ann", "E1", "E2").but(lanes={"ann": ["E1", "E2", "E2", "E1"]}),
        call=mend("E1"),
        answer=Mended(word="mended", kept=2, unreadable=0),
        after=waiting("ann", "E1", "E2", due=LATER).but(bell=RUNG),
    ),
    "an event that nobody can read is a dead letter, and the others go on": Row(
        before=waiting("ann", "E1", "E2").but(
            rec={"E1": GARBAGE, "E2": event("E2")}, due={}, broken=QUARANTINED
        ),
        call=mend("E1", "E2"),
        answer=Mended(word="mended", kept=1, unreadable=1),
        after=(unreadable("E1") + waiting("ann", "E2", due=LATER)).but(bell=RUNG),
    ),
    "what has ended is left out": Row(
        before=waiting("ann", "E1").but(lanes={"ann": ["E9", "E8", "E7", "E1"]})
        + ended("E9")
        + dead("ann", "E8")
        + unclear("ann", "E7"),
        call=mend("E9", "E8", "E7", "E1"),
        answer=Mended(word="mended", kept=1, unreadable=0),
        after=(waiting("ann", "E1", due=LATER) + ended("E9") + dead("ann", "E8") + unclear("ann", "E7")).but(
            bell=RUNG
        ),
    ),
    "a lane with nothing left in it is gone": Row(
        before=Book(due={"ann": NOW}, broken=QUARANTINED),
        call=mend(),
        answer=Mended(word="mended", kept=0, unreadable=0),
        after=Book(bell=RUNG),
    ),
    "a lane whose call is under way is left alone": Row(
        before=in_flight("ann", "E1", behind=("E2",)),
        call=mend("E1", "E2"),
        answer=Mended(word="leased", kept=0, unreadable=0),
        after=in_flight("ann", "E1", behind=("E2",)),
    ),
    "a lane with an event of a newer version stays in quarantine": Row(
        before=waiting("ann", "E1", "E2").but(
            rec={"E1": event("E1"), "E2": NEWER}, due={}, broken=QUARANTINED
        ),
        call=mend("E1", "E2"),
        answer=Mended(word="newer", kept=0, unreadable=0),
        after=waiting("ann", "E1", "E2").but(
            rec={"E1": event("E1"), "E2": NEWER}, due={}, broken=QUARANTINED
        ),
    ),
    "so does one that an event of a newer version has joined since": Row(
        before=waiting("ann", "E1", "E2").but(
            rec={"E1": event("E1"), "E2": NEWER}, due={}, broken=QUARANTINED
        ),
        call=mend("E1"),
        answer=Mended(word="newer", kept=0, unreadable=0),
        after=waiting("ann", "E1", "E2").but(
            rec={"E1": event("E1"), "E2": NEWER}, due={}, broken=QUARANTINED
        ),
    ),
}

MIXED = (
    waiting("ann", "E1")
    + in_flight("bob", "E2", behind=("E3",))
    + dead("cat", "E4")
    + unclear("dan", "E5")
    + ended("E6")
    + ended("E7", "discarded")
    + ended("E8", "expunged")
)
"""An event in every state, two of them waiting."""

COUNTERS = {
    "counters that are right stay": Row(
        before=MIXED,
        call=operations.recount(now=LATER),
        answer=[],
        after=MIXED,
    ),
    "states are counted from where their events are": Row(
        before=MIXED.but(n={**MIXED.n, "waiting": 9, "in_flight": 9, "dead": 9, "unclear": 9}),
        call=operations.recount(now=LATER),
        answer=[
            Recounted(counter="waiting", before=9, after=2),
            Recounted(counter="in_flight", before=9, after=1),
            Recounted(counter="dead", before=9, after=1),
            Recounted(counter="unclear", before=9, after=1),
        ],
        after=MIXED,
    ),
    "what was accepted is the sum of all states": Row(
        before=MIXED.but(n={**MIXED.n, "accepted": 5}),
        call=operations.recount(now=LATER),
        answer=[Recounted(counter="accepted", before=5, after=8)],
        after=MIXED,
    ),
    "what was lost had been accepted": Row(
        before=MIXED.but(n={**MIXED.n, "lost": 2}),
        call=operations.recount(now=LATER),
        answer=[Recounted(counter="accepted", before=8, after=10)],
        after=MIXED.but(n={**MIXED.n, "lost": 2, "accepted": 10}),
    ),
    "all are counted where there are none": Row(
        before=waiting("ann", "E1").but(n={"bytes": COST}),
        call=operations.recount(now=LATER),
        answer=[
            Recounted(counter="waiting", before=0, after=1),
            Recounted(counter="accepted", before=0, after=1),
        ],
        after=waiting("ann", "E1"),
    ),
}


@table(LANES)
def test_mend_builds_a_lane_anew(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@pytest.mark.parametrize("row", [row for row in LANES.values() if row.answer.word == "mended"])
def test_mending_twice_mends_once(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)
    ledger.run(row.call)

    ledger.run(row.call)

    assert read(redis) == row.after


@table(COUNTERS)
def test_recount_counts_again(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after
