from __future__ import annotations

from typing import Any

from redis import Redis

from shipper.ledger import operations
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import SettledCall
from shipper.ledger.record import Attempt, Tried, write_attempt
from shipper.outcome import DELIVERED, SOLO, UNCLEAR, Dead, Free, Reason, Retry, Verdict
from tests.ledger.book import Book, put, read
from tests.ledger.builders import (
    COST,
    NOW,
    SECOND,
    accepted,
    dead,
    ended,
    event,
    in_flight,
    job,
    settings_of,
    settled,
    unclear,
    waiting,
)
from tests.ledger.table import Row, table

RUNG = ("1",)
LATER = NOW + 700
LINE = b'{"at":1790000000700,"number":1,"worker":"w1","verdict":"unclear","outcome":"retry"}'
SHOWN = {"at": LATER, "number": 1, "worker": "w1", "verdict": "unclear", "outcome": "retry"}
ONE_CALL = {"calls": 1, "events_sent": 1}


def settle(*calls: SettledCall, now: int = LATER) -> operations.Operation[list[str]]:
    return operations.settle(calls, settings_of(), now=now)


def emptied(*down: int) -> dict[str, Any]:
    """What a settle leaves beside the events: the breaker's memory of the latest calls."""
    return {"recent": tuple(f"{LATER} {failed}" for failed in down)}


def freed(*down: int) -> dict[str, Any]:
    """The same, when there are events left in the lane: then the bell rings."""
    return {"bell": RUNG, **emptied(*down)}


DELIVERIES = {
    "a delivered event leaves an id and a fate": Row(
        before=in_flight("ann", "E1"),
        call=settle(accepted("ann", "t1", "E1")),
        answer=["ok"],
        after=ended("E1", at=LATER).but(
            pace={"t1": NOW}, n={"accepted": 1, "delivered": 1, **ONE_CALL}, **emptied(0)
        ),
    ),
    "its idempotency key begins its retention": Row(
        before=in_flight("ann", "E1", key="K"),
        call=settle(accepted("ann", "t1", "E1")),
        answer=["ok"],
        after=ended("E1", at=LATER, key="K").but(
            pace={"t1": NOW},
            idemx=(f"K {LATER}",),
            n={"accepted": 1, "delivered": 1, **ONE_CALL},
            **emptied(0),
        ),
    ),
    "its hook is told, with the record and the last attempt": Row(
        before=in_flight("ann", "E1", hook="sent", number=2).but(st={"E1": Tried(number=1, charged=1)}),
        call=settle(settled("ann", "t1", Verdict.ACCEPTED, line=LINE, E1=DELIVERED)),
        answer=["ok"],
        after=ended("E1", at=LATER, attempts=2).but(
            pace={"t1": NOW},
            hooks={"E1:0": LATER},
            bell=RUNG,
            hj={"E1:0": job("delivered", 2, LATER, event("E1", hook="sent"), LINE)},
            n={"accepted": 1, "delivered": 1, **ONE_CALL},
            **emptied(0),
        ),
    ),
    "what was known of its attempts is forgotten, but for their number and causes": Row(
        before=in_flight("ann", "E1", number=3).but(
            st={"E1": Tried(number=2, charged=1, vague=1, causes=1)}, why={"E1": [SHOWN]}
        ),
        call=settle(accepted("ann", "t1", "E1")),
        answer=["ok"],
        after=ended("E1", at=LATER, attempts=3, causes=1).but(
            pace={"t1": NOW}, n={"accepted": 1, "delivered": 1, **ONE_CALL}, **emptied(0)
        ),
    ),
    "a redriven event's hook is told of its new life": Row(
        before=in_flight("ann", "E1", hook="sent", number=2).but(
            st={"E1": Tried(number=1, life=1, since=NOW)}
        ),
        call=settle(accepted("ann", "t1", "E1")),
        answer=["ok"],
        after=ended("E1", at=LATER, attempts=2).but(
            pace={"t1": NOW},
            hooks={"E1:1": LATER},
            bell=RUNG,
            hj={"E1:1": job("delivered", 2, LATER, event("E1", hook="sent"))},
            n={"accepted": 1, "delivered": 1, **ONE_CALL},
            **emptied(0),
        ),
    ),
    "those behind are due at once": Row(
        before=in_flight("ann", "E1", "E2", behind=("E3",)),
        call=settle(accepted("ann", "t1", "E1", "E2")),
        answer=["ok", "ok"],
        after=(ended("E1", at=LATER) + ended("E2", at=LATER) + waiting("ann", "E3", due=LATER)).but(
            pace={"t1": NOW},
            n={"accepted": 3, "delivered": 2, "waiting": 1, "bytes": COST, "calls": 1, "events_sent": 2},
            **freed(0),
        ),
    ),
    "several calls are settled at once": Row(
        before=in_flight("ann", "E1", token="t1") + in_flight("bob", "E2", token="t2"),
        call=settle(accepted("ann", "t1", "E1"), accepted("bob", "t2", "E2")),
        answer=["ok", "ok"],
        after=(ended("E1", at=LATER) + ended("E2", at=LATER)).but(
            pace={"t1": NOW, "t2": NOW},
            n={"accepted": 2, "delivered": 2, "calls": 2, "events_sent": 2},
            **emptied(0, 0),
        ),
    ),
    "a call settled twice is settled once": Row(
        before=in_flight("ann", "E1"),
        call=settle(accepted("ann", "t1", "E1"), accepted("ann", "t1", "E1")),
        answer=["ok", "already"],
        after=ended("E1", at=LATER).but(
            pace={"t1": NOW}, n={"accepted": 1, "delivered": 1, **ONE_CALL}, **emptied(0)
        ),
    ),
    "a whole success is settled before a failure that another worker's call tells of its event": Row(
        before=in_flight("ann", "E1", token="t2"),
        call=settle(
            settled("ann", "t1", Verdict.UNCLEAR, line=LINE, E1=Retry(delay_ms=1)),
            accepted("ann", "t2", "E1"),
        ),
        answer=["gone", "ok"],
        after=ended("E1", at=LATER).but(
            pace={"t2": NOW}, n={"accepted": 1, "delivered": 1, **ONE_CALL}, **emptied(0)
        ),
    ),
    "an event that lost its place in the list is delivered all the same": Row(
        before=in_flight("ann", "E1", "E2").but(lanes={"ann": ["E2", "E1"]}),
        call=settle(accepted("ann", "t1", "E1", "E2")),
        answer=["ok", "ok"],
        after=(ended("E1", at=LATER) + ended("E2", at=LATER)).but(
            pace={"t1": NOW},
            n={"accepted": 2, "delivered": 2, "calls": 1, "events_sent": 2},
            **emptied(0),
        ),
    ),
    "an event whose lane became another type is delivered, and the lane left to be quarantined": Row(
        before=in_flight("ann", "E1").but(lanes={}, forged={"l:ann": b"boom"}),
        call=settle(accepted("ann", "t1", "E1")),
        answer=["ok"],
        after=ended("E1", at=LATER).but(
            due={"ann": LATER},
            forged={"l:ann": b"boom"},
            pace={"t1": NOW},
            n={"accepted": 1, "delivered": 1, **ONE_CALL},
            **freed(0),
        ),
    ),
}

FAILURES = {
    "R waits for its delay and is charged": Row(
        before=in_flight("ann", "E1", number=2).but(st={"E1": Tried(number=1, charged=1)}),
        call=settle(settled("ann", "t1", Verdict.REFUSED_FOR_NOW, E1=Retry(delay_ms=2000))),
        answer=["ok"],
        after=waiting("ann", "E1", due=LATER + 2000).but(
            st={"E1": Tried(number=2, charged=2)},
            pace={"t1": NOW},
            n={"accepted": 1, "waiting": 1, "bytes": COST, "retried": 1, **ONE_CALL},
            **freed(1),
        ),
    ),
    "R after a lost answer has a cause on record": Row(
        before=in_flight("ann", "E1"),
        call=settle(settled("ann", "t1", Verdict.UNCLEAR, line=LINE, E1=Retry(delay_ms=2000))),
        answer=["ok"],
        after=waiting("ann", "E1", due=LATER + 2000).but(
            st={"E1": Tried(number=1, charged=1, causes=1)},
            why={"E1": [SHOWN]},
            pace={"t1": NOW},
            n={"accepted": 1, "waiting": 1, "bytes": COST, "retried": 1, "causes": 1, **ONE_CALL},
            **freed(1),
        ),
    ),
    "R after a vague answer counts it, and the event travels alone": Row(
        before=in_flight("ann", "E1", "E2"),
        call=settle(
            settled(
                "ann",
                "t1",
                Verdict.VAGUE,
                E1=Retry(delay_ms=1, vague=True, solo=True),
                E2=Retry(delay_ms=1, solo=True),
            )
        ),
        answer=["ok", "ok"],
        after=waiting("ann", "E1", "E2", due=LATER + 1).but(
            st={
                "E1": Tried(number=1, charged=1, vague=1, solo=True),
                "E2": Tried(number=1, charged=1, solo=True),
            },
            pace={"t1": NOW},
            n={"accepted": 2, "waiting": 2, "bytes": 2 * COST, "retried": 2, "calls": 1, "events_sent": 2},
            **freed(0),
        ),
    ),
    "F waits and is not charged": Row(
        before=in_flight("ann", "E1"),
        call=settle(settled("ann", "t1", Verdict.BUSY, E1=Free(delay_ms=500))),
        answer=["ok"],
        after=waiting("ann", "E1", due=LATER + 500).but(
            st={"E1": Tried(number=1)},
            pace={"t1": NOW},
            n={"accepted": 1, "waiting": 1, "bytes": COST, **ONE_CALL},
            **freed(),
        ),
    ),
    "what its worker could not open waits, and the moment is noted": Row(
        before=in_flight("ann", "E1"),
        call=settle(settled("ann", "t1", Verdict.ENCRYPTION_KEY, E1=Free(delay_ms=10_000))),
        answer=["ok"],
        after=waiting("ann", "E1", due=LATER + 10_000).but(
            st={"E1": Tried(number=1)},
            pace={"t1": NOW},
            meta={"locked_at": str(LATER)},
            n={"accepted": 1, "waiting": 1, "bytes": COST, **ONE_CALL},
            **freed(),
        ),
    ),
    "S is due at once, alone and not charged": Row(
        before=in_flight("ann", "E1", "E2"),
        call=settle(settled("ann", "t1", Verdict.PERMANENT, E1=SOLO, E2=SOLO)),
        answer=["ok", "ok"],
        after=waiting("ann", "E1", "E2", due=LATER).but(
            st={"E1": Tried(number=1, solo=True), "E2": Tried(number=1, solo=True)},
            pace={"t1": NOW},
            burst=frozenset({"ann"}),
            n={"accepted": 2, "waiting": 2, "bytes": 2 * COST, "calls": 1, "events_sent": 2},
            **freed(0),
        ),
    ),
    "X is a dead letter with its reason and code, and its hook is told": Row(
        before=in_flight("ann", "E1", hook="sent", key="K"),
        call=settle(
            settled("ann", "t1", Verdict.PERMANENT, code=3009, line=LINE, E1=Dead(reason=Reason.REFUSED))
        ),
        answer=["ok"],
        after=dead("ann", "E1", at=LATER, hook="sent", key="K").but(
            why={"E1": [SHOWN]},
            hooks={"E1:0": LATER},
            bell=RUNG,
            hj={"E1:0": job("refused", 1, LATER, event("E1", hook="sent", key="K"), LINE)},
            pace={"t1": NOW},
            burst=frozenset({"ann"}),
            n={"accepted": 1, "dead": 1, "bytes": COST, **ONE_CALL},
            **emptied(0),
        ),
    ),
    "U is unclear, with its cause, and its hook is told": Row(
        before=in_flight("ann", "E1", park=True, hook="sent"),
        call=settle(settled("ann", "t1", Verdict.UNCLEAR, E1=UNCLEAR)),
        answer=["ok"],
        after=unclear("ann", "E1", at=LATER, park=True, hook="sent").but(
            st={"E1": Tried(number=1, charged=1, causes=1, reason="unclear")},
            hooks={"E1:0": LATER},
            bell=RUNG,
            hj={"E1:0": job("unclear", 1, LATER, event("E1", park=True, hook="sent"))},
            pace={"t1": NOW},
            n={"accepted": 1, "unclear": 1, "bytes": COST, "causes": 1, **ONE_CALL},
            **emptied(1),
        ),
    ),
    "those behind a dead letter are due at once": Row(
        before=in_flight("ann", "E1", behind=("E2",)),
        call=settle(settled("ann", "t1", Verdict.PERMANENT, code=3009, E1=Dead(reason=Reason.REFUSED))),
        answer=["ok"],
        after=(dead("ann", "E1", at=LATER) + waiting("ann", "E2", due=LATER)).but(
            pace={"t1": NOW},
            burst=frozenset({"ann"}),
            n={"accepted": 2, "dead": 1, "waiting": 1, "bytes": 2 * COST, **ONE_CALL},
            **freed(0),
        ),
    ),
    "a settle forgives the crashes before it": Row(
        before=in_flight("ann", "E1", number=3).but(
            st={"E1": Tried(number=2, charged=2, crashes=2, causes=2)}
        ),
        call=settle(settled("ann", "t1", Verdict.NOT_SENT, E1=Retry(delay_ms=2000))),
        answer=["ok"],
        after=waiting("ann", "E1", due=LATER + 2000).but(
            st={"E1": Tried(number=3, charged=3, crashes=0, causes=2)},
            pace={"t1": NOW},
            n={"accepted": 1, "waiting": 1, "bytes": COST, "retried": 1},
            **freed(1),
        ),
    ),
    "a call in part delivered waits for its longest delay": Row(
        before=in_flight("ann", "E1", "E2", "E3"),
        call=settle(
            settled("ann", "t1", Verdict.VAGUE, E1=DELIVERED, E2=Free(delay_ms=10), E3=Retry(delay_ms=20))
        ),
        answer=["ok", "ok", "ok"],
        after=(ended("E1", at=LATER) + waiting("ann", "E2", "E3", due=LATER + 20)).but(
            st={"E2": Tried(number=1), "E3": Tried(number=1, charged=1)},
            pace={"t1": NOW},
            n={
                "accepted": 3,
                "delivered": 1,
                "waiting": 2,
                "bytes": 2 * COST,
                "retried": 1,
                "calls": 1,
                "events_sent": 3,
            },
            **freed(0),
        ),
    ),
    "events of the call that were not named wait again, not charged": Row(
        before=in_flight("ann", "E1", "E2"),
        call=settle(accepted("ann", "t1", "E2")),
        answer=["ok"],
        after=(ended("E2", at=LATER) + waiting("ann", "E1", due=LATER)).but(
            st={"E1": Tried(number=1)},
            pace={"t1": NOW},
            n={"accepted": 2, "delivered": 1, "waiting": 1, "bytes": COST, **ONE_CALL},
            **freed(0),
        ),
    ),
    "unsent gives its slot of the pace back": Row(
        before=in_flight("ann", "E1"),
        call=settle(settled("ann", "t1", Verdict.UNSENT, E1=Free(delay_ms=0))),
        answer=["ok"],
        after=waiting("ann", "E1", due=LATER).but(
            st={"E1": Tried(number=1)}, n={"accepted": 1, "waiting": 1, "bytes": COST}, bell=RUNG
        ),
    ),
    "an event that was expunged meanwhile is gone, and its lane is free": Row(
        before=in_flight("ann", "E1", behind=("E2",)).but(rec={"E2": event("E2")}, lanes={"ann": ["E2"]}),
        call=settle(settled("ann", "t1", Verdict.UNCLEAR, E1=Retry(delay_ms=99))),
        answer=["gone"],
        after=in_flight("ann", "E1", behind=("E2",)).but(
            rec={"E2": event("E2")},
            lanes={"ann": ["E2"]},
            due={"ann": LATER},
            lease={},
            calls={},
            n={"accepted": 2, "in_flight": 1, "waiting": 1, "bytes": 2 * COST, **ONE_CALL},
            **freed(1),
        ),
    ),
}

NEW_CALL = in_flight("ann", "E1", token="t2", number=2).but(st={"E1": Tried(number=1, charged=1, causes=1)})
EXPIRED = waiting("ann", "E1", due=NOW + 9000).but(st={"E1": Tried(number=1, charged=1, causes=1)})
TOLD_JOB = job("refused", 1, NOW, event("E1", hook="sent"))

LATE = {
    "a success of a waiting event is adopted, and its lane is due no more": Row(
        before=EXPIRED,
        call=settle(accepted("ann", "t1", "E1")),
        answer=["adopted"],
        after=ended("E1", at=LATER, causes=1).but(n={"accepted": 1, "delivered": 1}),
    ),
    "a success of a waiting event lets the next one go now": Row(
        before=waiting("ann", "E1", "E2", due=NOW + 9000).but(st={"E1": Tried(number=1, charged=1)}),
        call=settle(accepted("ann", "t1", "E1")),
        answer=["adopted"],
        after=(ended("E1", at=LATER) + waiting("ann", "E2", due=LATER)).but(
            n={"accepted": 2, "delivered": 1, "waiting": 1, "bytes": COST}
        ),
    ),
    "a success behind the head does not hurry the head": Row(
        before=waiting("ann", "E1", "E2", due=NOW + 9000),
        call=settle(accepted("ann", "t1", "E2")),
        answer=["adopted"],
        after=(ended("E2", at=LATER, attempts=0) + waiting("ann", "E1", due=NOW + 9000)).but(
            n={"accepted": 2, "delivered": 1, "waiting": 1, "bytes": COST}
        ),
    ),
    "a success of an event in another call is adopted, and that call keeps its lease": Row(
        before=NEW_CALL,
        call=settle(accepted("ann", "t1", "E1")),
        answer=["adopted"],
        after=ended("E1", at=LATER, attempts=2, causes=1).but(
            lease=NEW_CALL.lease,
            calls=NEW_CALL.calls,
            pace=NEW_CALL.pace,
            n={"accepted": 1, "delivered": 1},
        ),
    ),
    "a success of a dead letter is adopted and begins a new life": Row(
        before=dead("ann", "E1", hook="sent"),
        call=settle(accepted("ann", "t1", "E1")),
        answer=["adopted"],
        after=ended("E1", at=LATER).but(
            hooks={"E1:1": LATER},
            bell=RUNG,
            hj={"E1:1": job("delivered", 1, LATER, event("E1", hook="sent"))},
            n={"accepted": 1, "delivered": 1, "adopted": 1},
        ),
    ),
    "a success of an unclear event is adopted": Row(
        before=unclear("ann", "E1", park=True),
        call=settle(accepted("ann", "t1", "E1")),
        answer=["adopted"],
        after=ended("E1", at=LATER).but(n={"accepted": 1, "delivered": 1, "adopted": 1}),
    ),
    "an adopted success takes the place of an error that was not told yet": Row(
        before=dead("ann", "E1", hook="sent").but(hooks={"E1:0": NOW}, hj={"E1:0": TOLD_JOB}),
        call=settle(accepted("ann", "t1", "E1")),
        answer=["adopted"],
        after=ended("E1", at=LATER).but(
            hooks={"E1:1": LATER},
            bell=RUNG,
            hj={"E1:1": job("delivered", 1, LATER, event("E1", hook="sent"))},
            n={"accepted": 1, "delivered": 1, "adopted": 1},
        ),
    ),
    "an error that is just being told is told, and then the success": Row(
        before=dead("ann", "E1", hook="sent").but(
            hooks={"E1:0": NOW + 60_000}, hj={"E1:0": TOLD_JOB}, hl={"E1:0": "1 h1"}
        ),
        call=settle(accepted("ann", "t1", "E1")),
        answer=["adopted"],
        after=ended("E1", at=LATER).but(
            hooks={"E1:0": NOW + 60_000, "E1:1": LATER},
            bell=RUNG,
            hj={"E1:0": TOLD_JOB, "E1:1": job("delivered", 1, LATER, event("E1", hook="sent"))},
            hl={"E1:0": "1 h1"},
            n={"accepted": 1, "delivered": 1, "adopted": 1},
        ),
    ),
    "a second success is known already": Row(
        before=ended("E1"),
        call=settle(accepted("ann", "t1", "E1")),
        answer=["already"],
        after=ended("E1"),
    ),
    "a failure of a delivered event says nothing": Row(
        before=ended("E1"),
        call=settle(settled("ann", "t1", Verdict.UNCLEAR, line=LINE, E1=Retry(delay_ms=1))),
        answer=["gone"],
        after=ended("E1"),
    ),
    "a success of a discarded event comes too late": Row(
        before=ended("E1", "discarded"),
        call=settle(accepted("ann", "t1", "E1")),
        answer=["gone"],
        after=ended("E1", "discarded"),
    ),
    "a success of an event that was never heard of": Row(
        call=settle(accepted("ann", "t1", "E1")),
        answer=["gone"],
        after=Book(),
    ),
    "a failure of a waiting event changes nothing": Row(
        before=EXPIRED,
        call=settle(settled("ann", "t1", Verdict.UNCLEAR, E1=Retry(delay_ms=1))),
        answer=["stale"],
        after=EXPIRED,
    ),
    "a failure of an event in another call changes nothing": Row(
        before=NEW_CALL,
        call=settle(settled("ann", "t1", Verdict.PERMANENT, code=3009, E1=Dead(reason=Reason.REFUSED))),
        answer=["stale"],
        after=NEW_CALL,
    ),
    "a failure of an event that is not in our call changes nothing, and our lane is freed": Row(
        before=in_flight("ann", "E1", behind=("E2",)),
        call=settle(
            settled("ann", "t1", Verdict.NOT_SENT, E1=Free(delay_ms=5), E2=Dead(reason=Reason.REFUSED))
        ),
        answer=["ok", "stale"],
        after=waiting("ann", "E1", "E2", due=LATER + 5).but(
            st={"E1": Tried(number=1)}, pace={"t1": NOW}, **freed(1)
        ),
    ),
    "what a late answer says of an unclear event is added to its history": Row(
        before=unclear("ann", "E1", park=True),
        call=settle(settled("ann", "t1", Verdict.NOT_SENT, line=LINE, E1=Retry(delay_ms=1))),
        answer=["stale"],
        after=unclear("ann", "E1", park=True).but(why={"E1": [SHOWN]}),
    ),
}


@table(DELIVERIES)
def test_settle_delivers(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@table(FAILURES)
def test_settle_writes_a_failure_down(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@table(LATE)
def test_settle_comes_late(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


def test_a_settle_that_is_sent_twice_changes_nothing_the_second_time(ledger: Ledger, redis: Redis) -> None:
    put(redis, in_flight("ann", "E1", "E2", hook="sent"))
    call = settle(settled("ann", "t1", Verdict.UNCLEAR, E1=DELIVERED, E2=Retry(delay_ms=1)))
    ledger.run(call)
    once = read(redis)

    answer = ledger.run(call)

    assert answer == ["already", "stale"]
    assert read(redis) == once


def test_the_line_of_an_attempt_is_one_line_whatever_the_answer_says(ledger: Ledger, redis: Redis) -> None:
    put(redis, in_flight("ann", "E1"))
    line = write_attempt(
        Attempt(at=NOW, number=1, worker="w1", verdict="vague", outcome="retry", answer='a\n"b"\0|é')
    )

    ledger.run(settle(settled("ann", "t1", Verdict.VAGUE, line=line, E1=Retry(delay_ms=1))))

    assert read(redis).why["E1"][0]["answer"] == 'a\n"b"\0|é'


def test_a_long_history_keeps_the_latest_24_attempts(ledger: Ledger, redis: Redis) -> None:
    put(redis, unclear("ann", "E1"))

    for number in range(30):
        line = b'{"number":%d}' % number
        ledger.run(settle(settled("ann", "t1", Verdict.NOT_SENT, line=line, E1=Retry(delay_ms=1))))

    assert [entry["number"] for entry in read(redis).why["E1"]] == list(range(6, 30))


def test_a_wordy_history_keeps_at_most_8_kib(ledger: Ledger, redis: Redis) -> None:
    put(redis, unclear("ann", "E1"))

    for number in range(10):
        line = b'{"number":%d,"answer":"%s"}' % (number, b"x" * 2000)
        ledger.run(settle(settled("ann", "t1", Verdict.NOT_SENT, line=line, E1=Retry(delay_ms=1))))

    assert [entry["number"] for entry in read(redis).why["E1"]] == [6, 7, 8, 9]


def test_a_settle_rings_only_a_bell_that_is_silent(ledger: Ledger, redis: Redis) -> None:
    put(redis, (in_flight("ann", "E1")).but(bell=RUNG))

    ledger.run(settle(accepted("ann", "t1", "E1"), now=NOW + SECOND))

    assert read(redis).bell == RUNG
