from __future__ import annotations

import pytest
from redis import Redis

from shipper.ledger import operations
from shipper.ledger.ledger import Ledger
from shipper.ledger.record import Tried
from tests.ledger.book import put, read
from tests.ledger.builders import COST, NOW, dead, ended, event, in_flight, job, unclear, waiting
from tests.ledger.table import Row, table

RUNG = ("1",)
LATER = NOW + 5000
ONE_GONE = {"accepted": 2, "expunged": 1, "bytes": COST}


def expunge(*ids: str) -> operations.Operation[list[str]]:
    return operations.expunge(ids, now=LATER)


ROWS = {
    "a waiting event leaves its id, and no hook is told": Row(
        before=waiting("ann", "E1", hook="sent", key="K"),
        call=expunge("E1"),
        answer=["waiting"],
        after=ended("E1", "expunged", at=LATER, attempts=0, key="K").but(bell=RUNG),
    ),
    "the next of the lane is due now": Row(
        before=waiting("ann", "E1", "E2", due=LATER + 3_600_000),
        call=expunge("E1"),
        answer=["waiting"],
        after=(ended("E1", "expunged", at=LATER, attempts=0) + waiting("ann", "E2", due=LATER)).but(
            n={"waiting": 1, **ONE_GONE}, bell=RUNG
        ),
    ),
    "a lane that was due already keeps its place": Row(
        before=waiting("ann", "E1", "E2", due=NOW),
        call=expunge("E1"),
        answer=["waiting"],
        after=(ended("E1", "expunged", at=LATER, attempts=0) + waiting("ann", "E2", due=NOW)).but(
            n={"waiting": 1, **ONE_GONE}, bell=RUNG
        ),
    ),
    "an event in flight may still be sent: its lane stays leased": Row(
        before=in_flight("ann", "E1", behind=("E2",)),
        call=expunge("E1"),
        answer=["in_flight"],
        after=(ended("E1", "expunged", at=LATER, attempts=0) + in_flight("ann", "E1", behind=("E2",))).but(
            rec={"E2": event("E2")}, lanes={"ann": ["E2"]}, n={"waiting": 1, **ONE_GONE}, bell=RUNG
        ),
    ),
    "the only event in flight leaves an empty lane that stays leased": Row(
        before=in_flight("ann", "E1"),
        call=expunge("E1"),
        answer=["in_flight"],
        after=(ended("E1", "expunged", at=LATER, attempts=0) + in_flight("ann", "E1")).but(
            rec={}, lanes={}, n={"accepted": 1, "expunged": 1}, bell=RUNG
        ),
    ),
    "a dead letter leaves its indices, its history and its untold hook": Row(
        before=dead("ann", "E1", hook="sent").but(
            why={"E1": [{"number": 1}]},
            hooks={"E1:0": NOW},
            hj={"E1:0": job("refused", 1, NOW, event("E1", hook="sent"))},
        ),
        call=expunge("E1"),
        answer=["dead"],
        after=ended("E1", "expunged", at=LATER).but(bell=RUNG),
    ),
    "an unclear one, of which the cause outlives it": Row(
        before=unclear("ann", "E1", tried=Tried(number=1, charged=1, causes=1, reason="unclear")),
        call=expunge("E1"),
        answer=["unclear"],
        after=ended("E1", "expunged", at=LATER, causes=1).but(bell=RUNG),
    ),
    "the untold hooks of its earlier lives go too": Row(
        before=waiting("ann", "E1", hook="sent").but(
            st={"E1": Tried(number=1, life=2, since=NOW)},
            hooks={"E1:0": NOW},
            hf={"E1:1": NOW},
            hj={
                "E1:0": job("refused", 1, NOW, event("E1", hook="sent")),
                "E1:1": job("refused", 1, NOW, event("E1", hook="sent")),
            },
            hl={"E1:1": "8 - it raised"},
        ),
        call=expunge("E1"),
        answer=["waiting"],
        after=ended("E1", "expunged", at=LATER).but(bell=RUNG),
    ),
    "the hook job of a delivered event, which holds its record": Row(
        before=ended("E1").but(
            hooks={"E1:1": NOW}, hj={"E1:1": job("delivered", 1, NOW, event("E1", hook="sent"))}
        ),
        call=expunge("E1"),
        answer=["hook"],
        after=ended("E1").but(bell=RUNG),
    ),
    "an event of a quarantined lane": Row(
        before=waiting("ann", "E1").but(due={}, broken=frozenset({"ann"})),
        call=expunge("E1"),
        answer=["waiting"],
        after=ended("E1", "expunged", at=LATER, attempts=0).but(bell=RUNG),
    ),
    "nothing unknown, and nothing twice": Row(
        before=ended("E1") + dead("ann", "E3"),
        call=expunge("E1", "E2", "E3", "E3"),
        answer=["no", "no", "dead", "no"],
        after=(ended("E1") + ended("E3", "expunged", at=LATER)).but(bell=RUNG),
    ),
}


@table(ROWS)
def test_expunge_erases(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@pytest.mark.parametrize("state", ["waiting", "in_flight", "dead", "delivered"])
def test_nothing_of_the_body_is_left_anywhere(state: str, ledger: Ledger, redis: Redis) -> None:
    books = {
        "waiting": waiting("ann", "E1", hook="sent"),
        "in_flight": in_flight("ann", "E1", hook="sent"),
        "dead": dead("ann", "E1", hook="sent").but(
            hooks={"E1:0": NOW}, hj={"E1:0": job("refused", 1, NOW, event("E1", hook="sent"))}
        ),
        "delivered": ended("E1").but(
            hooks={"E1:0": NOW}, hj={"E1:0": job("delivered", 1, NOW, event("E1", hook="sent"))}
        ),
    }
    put(redis, books[state])

    ledger.run(expunge("E1"))

    after = read(redis)
    assert after.rec == {}
    assert after.hj == {}
