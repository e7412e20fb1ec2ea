from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from shipper.ledger import operations
from shipper.ledger.ledger import Ledger
from shipper.ledger.record import HookJob
from tests.ledger.book import Book, put, read
from tests.ledger.builders import NOW, SECOND, accepted, dead, event, job, settings_of, unclear
from tests.ledger.table import Row, table

RUNG = ("1",)
LEASE_END = NOW + 60 * SECOND
TOLD = job("delivered", 2, NOW - 5, event("E1", hook="sent"), b'{"number":2}')
TOLD_2 = job("refused", 1, NOW - 5, event("E2", hook="sent"))
JOB = HookJob(
    job="E1:0",
    tries=1,
    what="delivered",
    attempts=2,
    ended_at=NOW - 5,
    attempt={"number": 2},
    record=event("E1", hook="sent"),
)
JOB_2 = HookJob(
    job="E2:0",
    tries=1,
    what="refused",
    attempts=1,
    ended_at=NOW - 5,
    attempt={},
    record=event("E2", hook="sent"),
)
DUE = Book(hooks={"E1:0": NOW}, hj={"E1:0": TOLD})
CLAIMED = Book(hooks={"E1:0": LEASE_END}, hj={"E1:0": TOLD}, hl={"E1:0": "1 h1"})
FAILED = Book(hf={"E1:0": NOW}, hj={"E1:0": TOLD}, hl={"E1:0": "8 - it raised"})


def hook_claim(by: str = "h1", **given: Any) -> operations.Operation[list[HookJob] | None]:
    return operations.hook_claim(by, settings_of(), **{"now": NOW, **given})


def hook_settle(word: Any, by: str = "h1", **given: Any) -> operations.Operation[str]:
    return operations.hook_settle("E1:0", by, word, now=NOW, **given)


CLAIMS = {
    "nothing is due": Row(
        before=Book(hooks={"E1:0": NOW + 1}, hj={"E1:0": TOLD}),
        call=hook_claim(),
        answer=[],
        after=Book(hooks={"E1:0": NOW + 1}, hj={"E1:0": TOLD}),
    ),
    "a due job is leased for twice the hook's limit, and the try counts at once": Row(
        before=DUE, call=hook_claim(), answer=[JOB], after=CLAIMED
    ),
    "the tries grow": Row(
        before=DUE.but(hl={"E1:0": "3 - it raised"}),
        call=hook_claim(),
        answer=[replace(JOB, tries=4)],
        after=CLAIMED.but(hl={"E1:0": "4 h1"}),
    ),
    "a lease that ran out lets another one try": Row(
        before=CLAIMED.but(hooks={"E1:0": NOW}),
        call=hook_claim("h2"),
        answer=[replace(JOB, tries=2)],
        after=CLAIMED.but(hl={"E1:0": "2 h2"}),
    ),
    "as many as asked for, those due longest first": Row(
        before=Book(hooks={"E1:0": NOW, "E2:0": NOW - 1}, hj={"E1:0": TOLD, "E2:0": TOLD_2}),
        call=hook_claim(most=1),
        answer=[JOB_2],
        after=Book(
            hooks={"E1:0": NOW, "E2:0": LEASE_END},
            hj={"E1:0": TOLD, "E2:0": TOLD_2},
            hl={"E2:0": "1 h1"},
        ),
    ),
    "a job with nothing to tell is dropped": Row(
        before=Book(hooks={"E1:0": NOW}), call=hook_claim(), answer=[], after=Book()
    ),
    "a ticket becomes a heartbeat": Row(
        before=DUE.but(tellers={"k1": NOW + 1}),
        call=hook_claim(ticket="k1"),
        answer=[JOB],
        after=CLAIMED.but(tellers={"k1": NOW + 35 * SECOND}, meta={"hooks_asked": str(NOW)}),
    ),
    "a ticket that ran out ends the teller": Row(
        before=DUE.but(tellers={"k1": NOW}), call=hook_claim(ticket="k1"), answer=None, after=DUE
    ),
}

SETTLES = {
    "a hook that was told leaves nothing": Row(
        before=CLAIMED, call=hook_settle("told"), answer="ok", after=Book(n={"hooks_told": 1})
    ),
    "told is told, whoever says so": Row(
        before=CLAIMED, call=hook_settle("told", "another"), answer="ok", after=Book(n={"hooks_told": 1})
    ),
    "told counts even after it was given up": Row(
        before=FAILED, call=hook_settle("told"), answer="ok", after=Book(n={"hooks_told": 1})
    ),
    "told twice counts once": Row(before=Book(), call=hook_settle("told"), answer="gone", after=Book()),
    "a hook that raised is tried again after a delay": Row(
        before=CLAIMED,
        call=hook_settle("again", delay_ms=4000, error="it raised"),
        answer="ok",
        after=CLAIMED.but(hooks={"E1:0": NOW + 4000}, hl={"E1:0": "1 - it raised"}),
    ),
    "a hook that was given up is listed with its error": Row(
        before=CLAIMED.but(hl={"E1:0": "8 h1"}),
        call=hook_settle("failed", error="it raised"),
        answer="ok",
        after=FAILED.but(n={"hooks_failed": 1}),
    ),
    "an error of many lines is kept": Row(
        before=CLAIMED,
        call=hook_settle("again", error="Traceback\n  é"),
        answer="ok",
        after=CLAIMED.but(hooks={"E1:0": NOW}, hl={"E1:0": "1 - Traceback\n  é"}),
    ),
    "a hook that was not called gets its try back": Row(
        before=CLAIMED.but(hl={"E1:0": "3 h1"}),
        call=hook_settle("free", delay_ms=4000, error="no key"),
        answer="ok",
        after=CLAIMED.but(hooks={"E1:0": NOW + 4000}, hl={"E1:0": "2 - no key"}),
    ),
    "a hook that was never called is as it was, but later": Row(
        before=CLAIMED,
        call=hook_settle("free", delay_ms=4000, error="no key"),
        answer="ok",
        after=DUE.but(hooks={"E1:0": NOW + 4000}),
    ),
    "a try under another's lease is not given back": Row(
        before=CLAIMED, call=hook_settle("free", "late", delay_ms=4000), answer="stale", after=CLAIMED
    ),
    "a failure under another's lease says nothing": Row(
        before=CLAIMED, call=hook_settle("failed", "late"), answer="stale", after=CLAIMED
    ),
    "a failure that was settled already says nothing": Row(
        before=CLAIMED.but(hooks={"E1:0": NOW + 4000}, hl={"E1:0": "1 - it raised"}),
        call=hook_settle("again", delay_ms=9999),
        answer="stale",
        after=CLAIMED.but(hooks={"E1:0": NOW + 4000}, hl={"E1:0": "1 - it raised"}),
    ),
}

REDOES = {
    "a failed hook gets a fresh budget, due now": Row(
        before=FAILED,
        call=operations.hook_redo("retry", ["E1:0"], now=NOW),
        answer=["ok"],
        after=DUE.but(bell=RUNG),
    ),
    "a failed hook is forgotten on purpose": Row(
        before=FAILED,
        call=operations.hook_redo("discard", ["E1:0"], now=NOW),
        answer=["ok"],
        after=Book(n={"hooks_discarded": 1}, bell=RUNG),
    ),
    "a hook that has not failed is left alone": Row(
        before=CLAIMED,
        call=operations.hook_redo("discard", ["E1:0", "E9:0"], now=NOW),
        answer=["no", "no"],
        after=CLAIMED.but(bell=RUNG),
    ),
}


@table(CLAIMS)
def test_hook_claim(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@table(SETTLES)
def test_hook_settle(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@table(REDOES)
def test_hook_redo(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


def test_an_error_is_cut_at_500_characters(ledger: Ledger, redis: Redis) -> None:
    put(redis, CLAIMED)

    ledger.run(hook_settle("again", error="x" * 501))

    assert read(redis).hl["E1:0"] == "1 - " + "x" * 500


def test_the_job_of_a_record_that_cannot_be_read_is_told_without_it(ledger: Ledger, redis: Redis) -> None:
    put(redis, Book(hooks={"E1:0": NOW}, hj={"E1:0": b"delivered 1 5\n\n2|newer"}))

    answer = ledger.run(hook_claim())

    assert answer is not None
    assert answer[0].record is None
    assert answer[0].event_id == "E1"


@pytest.mark.parametrize("letter", [dead, unclear], ids=["dead", "unclear"])
def test_each_life_has_a_job_of_its_own(letter: Any, ledger: Ledger, redis: Redis) -> None:
    put(redis, letter("ann", "E1", hook="sent").but(hooks={"E1:0": NOW}, hj={"E1:0": TOLD_2}))
    ledger.run(operations.redrive(["E1"], spread_ms=1, may_duplicate=True, now=NOW))
    ledger.run(operations.claim(["t1"], settings_of(), worker="w1", now=NOW))

    ledger.run(operations.settle([accepted("ann", "t1", "E1")], settings_of(), now=NOW))

    told = ledger.run(hook_claim(most=9))
    assert told is not None
    assert [(hook.job, hook.what) for hook in told] == [("E1:0", "refused"), ("E1:1", "delivered")]


def test_an_event_that_names_no_hook_has_no_job(ledger: Ledger, redis: Redis) -> None:
    put(redis, dead("ann", "E1"))
    ledger.run(operations.redrive(["E1"], spread_ms=1, may_duplicate=True, now=NOW))
    ledger.run(operations.claim(["t1"], settings_of(), worker="w1", now=NOW))

    ledger.run(operations.settle([accepted("ann", "t1", "E1")], settings_of(), now=NOW))

    assert read(redis).hooks == {}
