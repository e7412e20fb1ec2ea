from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from redis import Redis

from shipper.ledger import operations
from shipper.ledger.deed import Deed, write_deed
from shipper.ledger.jobs import JobState, carry_on, due_jobs, job_of, jobs_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Operation
from shipper.ledger.record import Tried
from tests.ledger.book import Book, put, read
from tests.ledger.builders import COST, NOW, dead, ended, unclear, waiting
from tests.ledger.table import Row, table

LATER = NOW + 1000
ENDED_HOLD = {"why": "restarted", "until": str(LATER), "step": "1000", "need": "1"}
SENDS = Deed(by="mona", did="redrive", about="all", name="J1")
START = Deed(by="mona", did="job.start", about="all", name="J1")
RUNG = ("1",)
PACE = {"t1": LATER - 1, "t2": LATER - 29_999, "t3": LATER - 30_000}


def job(**changed: Any) -> dict[str, Any]:
    """Return a job that began at NOW and has sent nothing; ten events a second."""
    return {
        "state": "running",
        "filter": "{}",
        "total": 3,
        "rate": 10,
        "dup": False,
        "moment": NOW + 1,
        "deed": write_deed(SENDS),
        "cursor": "",
        "recent": "",
        "why": "",
        "waits": "",
        "left": {},
        "codes": {},
        "all": False,
        "credit": 0,
        "sent": 0,
        "delivered": 0,
        "failed": 0,
        "gone": 0,
        "ended_at": 0,
        "at": NOW,
        "seen_at": NOW,
        **changed,
    }


def held(due: int = NOW, **changed: Any) -> Book:
    return Book(jobs={"J1": job(**changed)}, jdue={"J1": due})


def step(
    *found: tuple[str, str], cursor: str = "", nothing_more: bool = False, now: int = LATER, **given: Any
) -> Operation[tuple[str, int]]:
    return operations.job_step("J1", cursor, found, nothing_more=nothing_more, now=now, **given)


def start(**given: Any) -> Operation[str]:
    wanted = {"filter_text": "{}", "total": 3, "rate": 10, "may_duplicate": False, "moment": NOW + 1}
    return operations.job_start("J1", deed=START, now=NOW, sends=SENDS, **{**wanted, **given})


def redriven(lane: str, event_id: str, *, due: int) -> Book:
    again = Tried(number=1, life=1, since=LATER)
    line = {"at": LATER, "outcome": "redriven", "may_duplicate": False, "by": "mona", "job": "J1"}
    return waiting(lane, event_id, due=due).but(
        st={event_id: again},
        why={event_id: [line]},
        n={"accepted": 1, "waiting": 1, "redriven": 1, "bytes": COST},
    )


def sent(*ids: str, at: int = LATER) -> frozenset[str]:
    return frozenset(f"J1 {at} {event_id}" for event_id in ids)


def noted(*ids: str, at: int = LATER) -> tuple[Any, ...]:
    return ((at, write_deed(SENDS), len(ids), ids),)


STARTS = {
    "a job by a filter runs at once": Row(
        before=Book(),
        call=start(),
        answer="ok",
        after=held().but(trail=((NOW, write_deed(START), 3, ()),)),
    ),
    "one by ids waits for them": Row(
        before=Book(),
        call=start(filter_text="", total=2, filling=True),
        answer="ok",
        after=Book(
            jobs={"J1": job(state="filling", filter="", total=0)}, trail=((NOW, write_deed(START), 2, ()),)
        ),
    ),
    "asked again it begins once": Row(before=held(sent=2), call=start(), answer="known", after=held(sent=2)),
    "ids are taken in their order, and given again they are taken once": Row(
        before=Book(
            jobs={"J1": job(state="filling", filter="", total=1)}, jids=frozenset({"J1 00000000 E2"})
        ),
        call=operations.job_fill("J1", ["E2", "E1"], before=0, last=False, now=LATER),
        answer="filling",
        after=Book(
            jobs={"J1": job(state="filling", filter="", total=2)},
            jids=frozenset({"J1 00000000 E2", "J1 00000001 E1"}),
        ),
    ),
    "with the last of them it runs": Row(
        before=Book(jobs={"J1": job(state="filling", filter="", total=0)}),
        call=operations.job_fill("J1", ["E1"], before=7, last=True, now=LATER),
        answer="running",
        after=Book(
            jobs={"J1": job(filter="", total=1, seen_at=LATER)},
            jdue={"J1": LATER},
            jids=frozenset({"J1 00000007 E1"}),
        ),
    ),
    "a job that runs takes no more": Row(
        before=held(),
        call=operations.job_fill("J1", ["E1"], before=0, last=True, now=LATER),
        answer="running",
        after=held(),
    ),
    "where there is none nothing is kept": Row(
        before=Book(),
        call=operations.job_fill("J1", ["E1"], before=0, last=True, now=LATER),
        answer="no",
        after=Book(),
    ),
}


@table(STARTS)
def test_start_and_fill(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


TURNS = [
    ("pause", "running", (True, "paused")),
    ("pause", "paused", (False, "paused")),
    ("pause", "stopped", (False, "stopped")),
    ("pause", "filling", (False, "filling")),
    ("pause", "done", (False, "done")),
    ("resume", "paused", (True, "running")),
    ("resume", "stopped", (True, "running")),
    ("resume", "running", (False, "running")),
    ("resume", "cancelled", (False, "cancelled")),
    ("cancel", "running", (True, "cancelled")),
    ("cancel", "filling", (True, "cancelled")),
    ("cancel", "paused", (True, "cancelled")),
    ("cancel", "stopped", (True, "cancelled")),
    ("cancel", "done", (False, "done")),
]


@pytest.mark.parametrize(("word", "state", "answer"), TURNS)
def test_a_job_is_turned_from_some_states_only(
    word: Any, state: str, answer: tuple[bool, str], ledger: Ledger, redis: Redis
) -> None:
    before = held(state=state, recent="xx", credit=3)
    put(redis, before)

    turned = ledger.run(operations.job_turn("J1", word, deed=START, now=LATER))

    found = read(redis)
    assert turned == answer
    assert found.jobs["J1"]["state"] == answer[1]
    assert (len(found.trail), found == before) == ((1, False) if answer[0] else (0, True))


def test_no_job_is_turned_where_there_is_none(ledger: Ledger, redis: Redis) -> None:
    assert ledger.run(operations.job_turn("J1", "pause", deed=START, now=LATER)) == (False, "no")
    assert read(redis) == Book()


THREE = dead("ann", "E1") + dead("bob", "E2") + dead("cat", "E3")
NEXT = LATER + 200
STEPS = {
    "what its rate allows is sent, spread, in order, and told": Row(
        before=THREE + held(seen_at=LATER - 200),
        call=step(("a", "E1"), ("b", "E2"), ("c", "E3")),
        answer=("ok", 2),
        after=(
            redriven("ann", "E1", due=LATER)
            + redriven("bob", "E2", due=LATER + 100)
            + dead("cat", "E3")
            + held(NEXT, cursor="b", sent=2, seen_at=LATER)
        ).but(
            jopen=sent("E1", "E2"),
            meta={"spread_until": str(LATER + 200)},
            trail=noted("E1", "E2"),
            bell=RUNG,
        ),
    ),
    "a job that nobody carried on for long sends no more than a second's worth": Row(
        before=dead("ann", "E1") + held(rate=0.5, seen_at=LATER - 90_000, at=0),
        call=step(("a", "E1"), ("b", "E9")),
        answer=("ok", 1),
        after=(
            redriven("ann", "E1", due=LATER) + held(NEXT, rate=0.5, at=0, cursor="a", sent=1, seen_at=LATER)
        ).but(jopen=sent("E1"), meta={"spread_until": str(LATER + 2000)}, trail=noted("E1"), bell=RUNG),
    ),
    "what cannot be sent is counted by its reason, and costs nothing of the rate": Row(
        before=unclear("ann", "E1") + ended("E2") + held(seen_at=LATER - 100),
        call=step(("a", "E1"), ("b", "E2"), ("c", "E3")),
        answer=("ok", 0),
        after=unclear("ann", "E1")
        + ended("E2")
        + held(NEXT, cursor="c", left={"unclear": 1, "no": 2}, credit=1, seen_at=LATER),
    ),
    "what it has sent before it does not send again": Row(
        before=dead("ann", "E1").but(why={"E1": [{"job": "J1"}]}) + held(),
        call=step(("a", "E1")),
        answer=("ok", 0),
        after=dead("ann", "E1").but(why={"E1": [{"job": "J1"}]})
        + held(NEXT, cursor="a", left={"again": 1}, credit=10, seen_at=LATER),
    ),
    "what has become a letter, or came in, since it was chosen is left, whoever found it": Row(
        before=dead("ann", "E1", at=NOW + 1)
        + unclear("bob", "E2", at=NOW + 1)
        + dead("cat", "E3").but(why={"E3": [{"at": NOW + 1, "outcome": "imported"}]})
        + held(dup=True),
        call=step(("a", "E1"), ("b", "E2"), ("c", "E3")),
        answer=("ok", 0),
        after=dead("ann", "E1", at=NOW + 1)
        + unclear("bob", "E2", at=NOW + 1)
        + dead("cat", "E3").but(why={"E3": [{"at": NOW + 1, "outcome": "imported"}]})
        + held(NEXT, dup=True, cursor="c", left={"later": 3}, credit=10, seen_at=LATER),
    ),
    "of two workers with the same cursor one does nothing": Row(
        before=THREE + held(cursor="a"),
        call=step(("a", "E1"), cursor=""),
        answer=("stale", 0),
        after=THREE + held(cursor="a"),
    ),
    "live events that are late go first": Row(
        before=dead("ann", "E1") + waiting("bob", "E2", due=LATER - 1001) + held(),
        call=step(("a", "E1")),
        answer=("late", 0),
        after=dead("ann", "E1")
        + waiting("bob", "E2", due=LATER - 1001)
        + held(NEXT, credit=10, seen_at=LATER, waits="late"),
    ),
    "it leaves a part of the quota to live events": Row(
        before=dead("ann", "E1") + held().but(pace=PACE),
        call=step(("a", "E1"), most_calls=2),
        answer=("quota", 0),
        after=dead("ann", "E1") + held(NEXT, credit=10, seen_at=LATER, waits="quota").but(pace=PACE),
    ),
    "it waits while the account is held": Row(
        before=dead("ann", "E1") + held().but(gate={"why": "operator", "until": str(LATER + 9)}),
        call=step(("a", "E1")),
        answer=("held", 0),
        after=dead("ann", "E1")
        + held(NEXT, credit=10, seen_at=LATER, waits="held").but(
            gate={"why": "operator", "until": str(LATER + 9)}
        ),
    ),
    "behind a hold whose time is over it goes on, and sends what may be the probe": Row(
        before=dead("ann", "E1") + held(seen_at=LATER - 200, waits="held").but(gate=ENDED_HOLD),
        call=step(("a", "E1")),
        answer=("ok", 1),
        after=(
            redriven("ann", "E1", due=LATER) + held(NEXT, cursor="a", sent=1, credit=1, seen_at=LATER)
        ).but(
            gate=ENDED_HOLD,
            jopen=sent("E1"),
            meta={"spread_until": str(LATER + 100)},
            trail=noted("E1"),
            bell=RUNG,
        ),
    ),
    "it waits for the answer of another's probe": Row(
        before=dead("ann", "E1") + held().but(gate={**ENDED_HOLD, "probe": "t1", "pend": str(LATER + 1)}),
        call=step(("a", "E1")),
        answer=("held", 0),
        after=dead("ann", "E1")
        + held(NEXT, credit=10, seen_at=LATER, waits="held").but(
            gate={**ENDED_HOLD, "probe": "t1", "pend": str(LATER + 1)}
        ),
    ),
    "it goes on when nothing holds it any more": Row(
        before=dead("ann", "E1") + held(seen_at=LATER, waits="held"),
        call=step(("a", "E1")),
        answer=("ok", 0),
        after=dead("ann", "E1") + held(NEXT, seen_at=LATER),
    ),
    "it waits for nothing when all is sent": Row(
        before=held(sent=1, seen_at=LATER).but(
            gate={"why": "operator", "until": str(LATER + 9)}, jopen=sent("E1", at=NOW)
        )
        + waiting("ann", "E1", due=LATER).but(st={"E1": Tried(life=1)}),
        call=step(nothing_more=True),
        answer=("held", 0),
        after=held(NEXT, sent=1, seen_at=LATER, all=True).but(
            gate={"why": "operator", "until": str(LATER + 9)}, jopen=sent("E1", at=NOW)
        )
        + waiting("ann", "E1", due=LATER).but(st={"E1": Tried(life=1)}),
    ),
    "it waits while too many are on their way": Row(
        before=dead("ann", "E1")
        + waiting("bob", "E2", due=LATER).but(st={"E2": Tried(life=1)})
        + held(sent=1).but(jopen=sent("E2", at=NOW)),
        call=step(("a", "E1"), most_open=1),
        answer=("full", 0),
        after=dead("ann", "E1")
        + waiting("bob", "E2", due=LATER).but(st={"E2": Tried(life=1)})
        + held(NEXT, sent=1, credit=10, seen_at=LATER, waits="full").but(jopen=sent("E2", at=NOW)),
    ),
    "what became of what it sent is seen": Row(
        before=ended("E1")
        + ended("E2", "discarded")
        + dead("cat", "E3")
        + unclear("dan", "E4")
        + held(sent=4).but(jopen=sent("E1", "E2", "E3", "E4", at=NOW)),
        call=step(("a", "E9")),
        answer=("ok", 0),
        after=ended("E1")
        + ended("E2", "discarded")
        + dead("cat", "E3")
        + unclear("dan", "E4")
        + held(
            NEXT,
            sent=4,
            delivered=1,
            gone=1,
            failed=2,
            recent=".xx",
            credit=10,
            seen_at=LATER,
            cursor="a",
            left={"no": 1},
            codes={"refused 3009": 1, "unclear -": 1},
        ),
    ),
    "what is still on its way goes to the end of the row": Row(
        before=waiting("ann", "E1", due=LATER).but(st={"E1": Tried(life=1)})
        + ended("E2")
        + held(sent=2).but(jopen=sent("E1", at=NOW) | sent("E2", at=NOW + 1)),
        call=step(looks=1),
        answer=("ok", 0),
        after=waiting("ann", "E1", due=LATER).but(st={"E1": Tried(life=1)})
        + ended("E2")
        + held(NEXT, sent=2, credit=10, seen_at=LATER).but(jopen=sent("E1") | sent("E2", at=NOW + 1)),
    ),
    "when all is sent and has ended it is done": Row(
        before=ended("E1") + held(sent=1, cursor="a").but(jopen=sent("E1", at=NOW)),
        call=step(cursor="a", nothing_more=True),
        answer=("done", 0),
        after=ended("E1")
        + Book(
            jobs={
                "J1": job(
                    state="done",
                    sent=1,
                    cursor="a",
                    delivered=1,
                    recent=".",
                    credit=10,
                    seen_at=LATER,
                    ended_at=LATER,
                    all=True,
                )
            }
        ),
    ),
    "it is not done before what it sent has ended": Row(
        before=waiting("ann", "E1", due=LATER).but(st={"E1": Tried(life=1)})
        + held(sent=1, cursor="a").but(jopen=sent("E1", at=NOW)),
        call=step(cursor="a", nothing_more=True),
        answer=("ok", 0),
        after=waiting("ann", "E1", due=LATER).but(st={"E1": Tried(life=1)})
        + held(NEXT, sent=1, cursor="a", credit=10, seen_at=LATER, all=True).but(jopen=sent("E1", at=NOW)),
    ),
    "it stops by itself when half of them fail again": Row(
        before=dead("ann", "E1")
        + dead("bob", "E2")
        + held(recent="x" * 9 + "." * 10, codes={"refused 3009": 9}, failed=9).but(jopen=sent("E1", at=NOW)),
        call=step(("a", "E2")),
        answer=("stopped", 0),
        after=dead("ann", "E1")
        + dead("bob", "E2")
        + held(
            NEXT,
            state="stopped",
            recent="x" * 9 + "." * 10 + "x",
            codes={"refused 3009": 10},
            failed=10,
            credit=10,
            seen_at=LATER,
            why="10 of the last 20 failed again, most as refused 3009",
        ),
    ),
    "a job that a person paused still sees what becomes of what it sent": Row(
        before=dead("ann", "E1") + ended("E2") + held(state="paused").but(jopen=sent("E2", at=NOW)),
        call=step(("a", "E1")),
        answer=("paused", 0),
        after=dead("ann", "E1")
        + ended("E2")
        + held(NEXT, state="paused", delivered=1, recent=".", credit=10, seen_at=LATER),
    ),
    "what a cancelled job had still to do is forgotten": Row(
        before=held(state="cancelled").but(jids=frozenset({"J1 0 E1", "J2 0 E1"})),
        call=step(),
        answer=("cancelled", 0),
        after=Book(jobs={"J1": job(state="cancelled")}, jids=frozenset({"J2 0 E1"})),
    ),
    "what a cancelled job had sent goes on, and is told": Row(
        before=waiting("ann", "E1", due=LATER).but(st={"E1": Tried(life=1)})
        + ended("E2")
        + held(state="cancelled", sent=2).but(jopen=sent("E1", "E2", at=NOW)),
        call=step(),
        answer=("cancelled", 0),
        after=waiting("ann", "E1", due=LATER).but(st={"E1": Tried(life=1)})
        + ended("E2")
        + held(NEXT, state="cancelled", sent=2, delivered=1, recent=".").but(jopen=sent("E1", at=NOW)),
    ),
    "a job that is gone is looked after no more": Row(
        before=Book(jdue={"J1": NOW}), call=step(), answer=("no", 0), after=Book()
    ),
}


@table(STEPS)
def test_step(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


def test_nineteen_that_failed_again_stop_nothing(ledger: Ledger, redis: Redis) -> None:
    put(redis, held(recent="x" * 19, codes={"refused 3009": 19}))

    answer = ledger.run(step())

    assert answer == ("ok", 0)


def test_only_the_latest_hundred_are_judged(ledger: Ledger, redis: Redis) -> None:
    put(redis, dead("ann", "E1") + held(recent="x" * 49 + "." * 51).but(jopen=sent("E1", at=NOW)))

    ledger.run(step())

    assert read(redis).jobs["J1"]["state"] == "running"


def test_of_a_thousand_jobs_the_oldest_that_is_over_is_forgotten(ledger: Ledger, redis: Redis) -> None:
    jobs = {f"A{i:03}": job(state="done") for i in range(1000)}
    put(redis, Book(jobs=jobs, jdue={"A000": NOW}))

    ledger.run(start())

    found = {state.name for state in jobs_of(ledger)}
    assert len(found) == 1001
    assert {"A000", "J1"} <= found
    ledger.run(
        operations.job_start(
            "J2", filter_text="{}", total=0, rate=1, may_duplicate=False, moment=NOW, sends=SENDS
        )
    )
    assert "A001" not in {state.name for state in jobs_of(ledger)}


def test_a_job_that_waits_for_its_ids_is_not_forgotten(ledger: Ledger, redis: Redis) -> None:
    jobs = {f"A{i:03}": job(state="done") for i in range(1000)}
    put(redis, Book(jobs={**jobs, "A000": job(state="filling")}))

    ledger.run(start())

    assert "A000" in {state.name for state in jobs_of(ledger)}


def test_a_step_of_a_worker_goes_on_where_the_last_one_ended(ledger: Ledger, redis: Redis) -> None:
    put(redis, THREE + held(rate=1000, at=0, seen_at=0))

    first = carry_on(ledger, "J1")

    state = job_of(ledger, "J1")
    assert (first, state and state.sent, state and state.cursor) == (3, 3, f"{NOW} E3")
    assert carry_on(ledger, "J1") == 0


def test_a_job_by_ids_sends_them_in_the_order_in_which_it_was_given_them(
    ledger: Ledger, redis: Redis
) -> None:
    jids = frozenset({"J1 00000000 E3", "J1 00000001 E1", "J2 00000000 E2"})
    put(redis, THREE + held(filter="", rate=1000, at=0, seen_at=0).but(jids=jids))

    sent_again = carry_on(ledger, "J1")

    found = read(redis)
    assert sent_again == 2
    assert found.jids == {"J2 00000000 E2"}
    assert found.dead.keys() == {"E2"}
    assert found.trail[0][3] == ("E3", "E1")


def test_what_is_remembered_of_a_job_is_read(ledger: Ledger, redis: Redis) -> None:
    put(redis, held(left={"unclear": 2}, codes={"refused 3009": 4}, sent=9, rate=2.5))

    assert due_jobs(ledger, now=NOW - 1) == []
    assert due_jobs(ledger, now=NOW) == ["J1"]
    assert _told(jobs_of(ledger)) == [("J1", "running", 2.5, 9, {"unclear": 2}, {"refused 3009": 4}, None)]
    assert job_of(ledger, "J9") is None


def _told(jobs: Sequence[JobState]) -> list[Any]:
    return [(j.name, j.state, j.rate, j.sent, j.left, j.codes, j.ended_at) for j in jobs]
