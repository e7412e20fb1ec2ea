from __future__ import annotations

import json
from typing import Any

import pytest
from redis import Redis

from shipper.ledger import operations
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Sweep
from shipper.ledger.record import Tried
from tests.ledger.book import Book, put, read
from tests.ledger.builders import (
    COST,
    NOW,
    SECOND,
    dead,
    event,
    in_flight,
    job,
    settings_of,
    unclear,
    waiting,
)
from tests.ledger.table import Row, table

RUNG = ("1",)
END = NOW + 30 * SECOND
"""When the leases of these tables run out, and the time of their sweeps."""
BEFORE = {"run_id": "here", "swept": str(END - SECOND), "sampled": str(END)}
AFTER = {"run_id": "here", "swept": str(END), "sampled": str(END)}


def sweep(*, now: int = END, **given: Any) -> operations.Operation[Sweep]:
    return operations.sweep(settings_of(), now=now, **given)


def swept(**given: Any) -> Sweep:
    nothing: dict[str, Any] = {
        "due": 0,
        "oldest_due": None,
        "leased": 0,
        "next_due": None,
        "held_until": 0,
        "why": "",
    }
    nothing |= {"pumps": 0, "tellers": 0, "expired": 0, "turn": 1, "running": 0, "now": END}
    return Sweep(**{**nothing, **given})


def crash_line(outcome: str, number: int = 1) -> bytes:
    text = '{"at":%d,"number":%d,"worker":"w1","verdict":"crashed","outcome":"%s"}'
    return (text % (END, number, outcome)).encode()


def crash(outcome: str, number: int = 1) -> list[Any]:
    return [json.loads(crash_line(outcome, number))]


def crashed(times: int, **given: Any) -> Tried:
    return Tried(number=times, charged=times, crashes=times, causes=times, **given)


def told(what: str, number: int, **given: Any) -> dict[str, Any]:
    """The hook job of E1, whose worker crashed."""
    outcome = "unclear" if what == "unclear" else "dead"
    told = job(what, number, END, event("E1", hook="sent", **given), crash_line(outcome, number))
    return {"hooks": {"E1:0": END}, "hj": {"E1:0": told}}


LEASES = {
    "a lease that has not run out is left alone": Row(
        before=in_flight("ann", "E1", until=END + 1).but(meta=BEFORE),
        call=sweep(),
        answer=swept(leased=1),
        after=in_flight("ann", "E1", until=END + 1).but(meta=AFTER),
    ),
    "an event of a crashed worker waits again, charged and with a cause": Row(
        before=in_flight("ann", "E1").but(meta=BEFORE),
        call=sweep(backoff_ms=1000),
        answer=swept(expired=1, next_due=END + 1000),
        after=waiting("ann", "E1", due=END + 1000).but(
            st={"E1": crashed(1)},
            why={"E1": crash("retry")},
            pace={"t1": NOW},
            bell=RUNG,
            meta=AFTER,
            n={"accepted": 1, "waiting": 1, "bytes": COST, "causes": 1, "crashed": 1, "retried": 1},
        ),
    ),
    "those of a merged call travel alone from now on": Row(
        before=in_flight("ann", "E1", "E2", behind=("E3",)).but(meta=BEFORE),
        call=sweep(),
        answer=swept(expired=1, next_due=END + 1000, turn=3),
        after=waiting("ann", "E1", "E2", "E3", due=END + 1000).but(
            st={"E1": crashed(1, solo=True), "E2": crashed(1, solo=True)},
            why={"E1": crash("retry"), "E2": crash("retry")},
            pace={"t1": NOW},
            bell=RUNG,
            meta=AFTER,
            n={"accepted": 3, "waiting": 3, "bytes": 3 * COST, "causes": 2, "crashed": 2, "retried": 2},
        ),
    ),
    "a park event is unclear, and its hook is told": Row(
        before=in_flight("ann", "E1", park=True, hook="sent").but(meta=BEFORE),
        call=sweep(),
        answer=swept(expired=1),
        after=unclear("ann", "E1", at=END, park=True, hook="sent").but(
            st={"E1": crashed(1, reason="unclear")},
            why={"E1": crash("unclear")},
            pace={"t1": NOW},
            bell=RUNG,
            meta=AFTER,
            n={"accepted": 1, "unclear": 1, "bytes": COST, "causes": 1, "crashed": 1},
            **told("unclear", 1, park=True),
        ),
    ),
    "an event that kills a third worker in a row, alone, is dead": Row(
        before=in_flight("ann", "E1", number=3, behind=("E2",), hook="sent").but(
            st={"E1": crashed(2)}, meta=BEFORE
        ),
        call=sweep(),
        answer=swept(expired=1, next_due=END + 1000, turn=2),
        after=(
            dead(
                "ann",
                "E1",
                reason="crashed",
                code=None,
                at=END,
                hook="sent",
                tried=crashed(3, reason="crashed"),
            )
            + waiting("ann", "E2", due=END + 1000, hook="sent")
        ).but(
            why={"E1": crash("dead", 3)},
            pace={"t1": NOW},
            bell=RUNG,
            meta=AFTER,
            n={"accepted": 2, "dead": 1, "waiting": 1, "bytes": 2 * COST, "causes": 1, "crashed": 1},
            **told("crashed", 3),
        ),
    ),
    "an event that kills a third worker in a merged call is not dead": Row(
        before=in_flight("ann", "E1", "E2", number=3).but(
            st={"E1": crashed(2), "E2": crashed(2)}, meta=BEFORE
        ),
        call=sweep(),
        answer=swept(expired=1, next_due=END + 1000, turn=2),
        after=waiting("ann", "E1", "E2", due=END + 1000).but(
            st={"E1": crashed(3, solo=True), "E2": crashed(3, solo=True)},
            why={"E1": crash("retry", 3), "E2": crash("retry", 3)},
            pace={"t1": NOW},
            bell=RUNG,
            meta=AFTER,
            n={"accepted": 2, "waiting": 2, "bytes": 2 * COST, "causes": 2, "crashed": 2, "retried": 2},
        ),
    ),
    "an event that was expunged meanwhile is not brought back": Row(
        before=in_flight("ann", "E1").but(rec={}, lanes={}, n={"accepted": 1, "expunged": 1}, meta=BEFORE),
        call=sweep(),
        answer=swept(expired=1),
        after=Book(pace={"t1": NOW}, n={"accepted": 1, "expunged": 1}, bell=RUNG, meta=AFTER),
    ),
    "a lease without a call only frees its lane": Row(
        before=waiting("ann", "E1").but(due={}, lease={"ann": END}, meta=BEFORE),
        call=sweep(),
        answer=swept(expired=1, next_due=END + 1000),
        after=waiting("ann", "E1", due=END + 1000).but(bell=RUNG, meta=AFTER),
    ),
    "no more than the limit, those that ran out first": Row(
        before=(in_flight("ann", "E1", until=END) + in_flight("bob", "E2", token="t2", until=END - 1)).but(
            meta=BEFORE
        ),
        call=sweep(limit=1),
        answer=swept(expired=1, leased=1, next_due=END + 1000, turn=2),
        after=(in_flight("ann", "E1") + waiting("bob", "E2", due=END + 1000)).but(
            st={"E2": crashed(1)},
            why={"E2": crash("retry")},
            pace={"t1": NOW, "t2": NOW},
            bell=RUNG,
            meta=AFTER,
            n={
                "accepted": 2,
                "in_flight": 1,
                "waiting": 1,
                "bytes": 2 * COST,
                "causes": 1,
                "crashed": 1,
                "retried": 1,
            },
        ),
    ),
}

HELD = {"why": "breaker", "until": str(NOW), "need": "3", "probe": "t1", "pend": str(END)}
ABSENT = {**BEFORE, "swept": str(END - 10_001)}

ABSENCES = {
    "after more than ten seconds without a sweep every expired lease gets a grace": Row(
        before=(in_flight("ann", "E1", until=END - 9000) + in_flight("bob", "E2", token="t2")).but(
            meta=ABSENT
        ),
        call=sweep(),
        answer=swept(leased=2, turn=2),
        after=(
            in_flight("ann", "E1", until=END + 8000) + in_flight("bob", "E2", token="t2", until=END + 8000)
        ).but(meta=AFTER),
    ),
    "a lease that ends within the grace gets all of it": Row(
        before=(
            in_flight("ann", "E1", until=END + 1) + in_flight("bob", "E2", token="t2", until=END + 7999)
        ).but(meta=ABSENT),
        call=sweep(),
        answer=swept(leased=2, turn=2),
        after=(
            in_flight("ann", "E1", until=END + 8000) + in_flight("bob", "E2", token="t2", until=END + 8000)
        ).but(meta=AFTER),
    ),
    "a lease that has longer keeps it": Row(
        before=in_flight("ann", "E1", until=END + 9000).but(meta=ABSENT),
        call=sweep(),
        answer=swept(leased=1),
        after=in_flight("ann", "E1", until=END + 9000).but(meta=AFTER),
    ),
    "the probe gets the same grace": Row(
        before=in_flight("ann", "E1").but(gate=HELD, meta=ABSENT),
        call=sweep(),
        answer=swept(leased=1, held_until=END + 8000, why="breaker"),
        after=in_flight("ann", "E1", until=END + 8000).but(
            gate={**HELD, "pend": str(END + 8000)}, meta=AFTER
        ),
    ),
    "ten seconds are no outage": Row(
        before=in_flight("ann", "E1").but(
            rec={}, lanes={}, n={}, meta={**BEFORE, "swept": str(END - 10_000)}
        ),
        call=sweep(),
        answer=swept(expired=1, turn=0),
        after=Book(pace={"t1": NOW}, bell=RUNG, meta=AFTER),
    ),
}

WAITING = (
    waiting("ann", "E1", due=END) + waiting("bob", "E2", due=END - 1) + waiting("cat", "E3", due=END + 1)
)
STANDS = {"due": 2, "oldest_due": END - 1, "next_due": END - 1, "turn": 3}
HOOKS = {"A:0": END, "B:0": END - 1, "C:0": END + 1}


def ask(**given: Any) -> operations.Operation[Sweep]:
    tickets = {"tickets": ["p1", "p2", "p3"], "teller_tickets": ["h1", "h2", "h3"]}
    return sweep(**{**tickets, "most_pumps": 9, "most_tellers": 9, **given})


TICKETS = {
    "one for as many due lanes as a pump has calls": Row(
        before=WAITING.but(meta=BEFORE),
        call=ask(),
        answer=swept(pumps=1, **STANDS),
        after=WAITING.but(meta=AFTER, pumps={"p1": END + 5000}),
    ),
    "none where nothing is due": Row(
        before=waiting("cat", "E3", due=END + 1).but(meta=BEFORE),
        call=ask(),
        answer=swept(next_due=END + 1),
        after=waiting("cat", "E3", due=END + 1).but(meta=AFTER),
    ),
    "none where a pump lives that is enough": Row(
        before=WAITING.but(meta=BEFORE, pumps={"p0": END + 1}),
        call=ask(),
        answer=swept(**STANDS),
        after=WAITING.but(meta=AFTER, pumps={"p0": END + 1}),
    ),
    "a new one in the place of a pump that died": Row(
        before=WAITING.but(meta=BEFORE, pumps={"p0": END}),
        call=ask(),
        answer=swept(pumps=1, **STANDS),
        after=WAITING.but(meta=AFTER, pumps={"p1": END + 5000}),
    ),
    "none while the account is held": Row(
        before=WAITING.but(meta=BEFORE, gate={"why": "operator", "until": str(END + 1)}),
        call=ask(),
        answer=swept(held_until=END + 1, why="operator", **STANDS),
        after=WAITING.but(meta=AFTER, gate={"why": "operator", "until": str(END + 1)}),
    ),
    "none while a probe is on its way": Row(
        before=WAITING.but(
            meta=BEFORE, gate={"why": "breaker", "until": str(NOW), "probe": "t9", "pend": str(END + 9)}
        ),
        call=ask(),
        answer=swept(held_until=END + 9, why="breaker", **STANDS),
        after=WAITING.but(
            meta=AFTER, gate={"why": "breaker", "until": str(NOW), "probe": "t9", "pend": str(END + 9)}
        ),
    ),
    "one for the probe when its time has come": Row(
        before=WAITING.but(meta=BEFORE, gate={"why": "breaker", "until": str(END)}),
        call=ask(),
        answer=swept(pumps=1, held_until=END, why="breaker", **STANDS),
        after=WAITING.but(meta=AFTER, gate={"why": "breaker", "until": str(END)}, pumps={"p1": END + 5000}),
    ),
    "none that nobody offered": Row(
        before=WAITING.but(meta=BEFORE),
        call=ask(tickets=[]),
        answer=swept(**STANDS),
        after=WAITING.but(meta=AFTER),
    ),
    "a teller for each hook job that is due": Row(
        before=Book(hooks=HOOKS, meta=BEFORE),
        call=ask(),
        answer=swept(tellers=2, turn=0),
        after=Book(hooks=HOOKS, meta=AFTER, tellers={"h1": END + 5000, "h2": END + 5000}),
    ),
    "no more tellers than wanted": Row(
        before=Book(hooks=HOOKS, meta=BEFORE),
        call=ask(most_tellers=1),
        answer=swept(tellers=1, turn=0),
        after=Book(hooks=HOOKS, meta=AFTER, tellers={"h1": END + 5000}),
    ),
    "none for a hook job that a living teller may yet take": Row(
        before=Book(hooks={"A:0": END - 999}, meta=BEFORE, tellers={"h0": END + 1}),
        call=ask(),
        answer=swept(turn=0),
        after=Book(hooks={"A:0": END - 999}, meta=AFTER, tellers={"h0": END + 1}),
    ),
    "one more for a hook job that waits all the same: the teller hangs in its hook, or was killed": Row(
        before=Book(hooks={"A:0": END - 1000}, meta=BEFORE, tellers={"h0": END + 1}),
        call=ask(),
        answer=swept(tellers=1, turn=0),
        after=Book(hooks={"A:0": END - 1000}, meta=AFTER, tellers={"h0": END + 1, "h1": END + 5000}),
    ),
    "no more than may tell, however long hook jobs wait": Row(
        before=Book(hooks={"A:0": END - 1000}, meta=BEFORE, tellers={"h0": END + 1}),
        call=ask(most_tellers=1),
        answer=swept(turn=0),
        after=Book(hooks={"A:0": END - 1000}, meta=AFTER, tellers={"h0": END + 1}),
    ),
    "a teller even while deliveries are held": Row(
        before=Book(hooks={"A:0": END}, meta=BEFORE, gate={"why": "operator", "until": str(END + 1)}),
        call=ask(),
        answer=swept(tellers=1, turn=0, held_until=END + 1, why="operator"),
        after=Book(
            hooks={"A:0": END},
            meta=AFTER,
            gate={"why": "operator", "until": str(END + 1)},
            tellers={"h1": END + 5000},
        ),
    ),
}


@table(LEASES)
def test_sweep_ends_leases(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@table(ABSENCES)
def test_sweep_comes_back_after_an_outage(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@table(TICKETS)
def test_sweep_reserves_tickets(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


def test_a_pump_for_every_32_due_lanes_but_no_more_than_wanted(ledger: Ledger, redis: Redis) -> None:
    put(redis, Book(due={f"c{i}": NOW for i in range(97)}))
    offered = [f"p{i}" for i in range(9)]

    most = ledger.run(sweep(tickets=offered, most_pumps=2))
    rest = ledger.run(sweep(tickets=offered[2:], most_pumps=9))

    assert most.pumps == 2
    assert rest.pumps == 2
    assert read(redis).pumps.keys() == {"p0", "p1", "p2", "p3"}


CREW = {
    "a worker that runs pumps joins the crew": Row(
        before=Book(meta=BEFORE),
        call=sweep(worker="w1"),
        answer=swept(turn=0),
        after=Book(meta=AFTER, crew={"w1": END + 10 * SECOND}, sweeps={"w1": END}),
    ),
    "a worker that was not heard of for ten seconds is counted no more": Row(
        before=Book(meta=BEFORE, crew={"w1": END, "w2": END + 1}),
        call=sweep(),
        answer=swept(turn=0),
        after=Book(meta=AFTER, crew={"w2": END + 1}),
    ),
    "pumps that have made a claim are running": Row(
        before=Book(meta=BEFORE, pumps={"p1": END + 5001, "p2": END + 5000, "p3": END + 20_000}),
        call=sweep(),
        answer=swept(turn=0, running=2),
        after=Book(meta=AFTER, pumps={"p1": END + 5001, "p2": END + 5000, "p3": END + 20_000}),
    ),
}


@table(CREW)
def test_sweep_counts_the_living(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


def test_each_worker_of_the_crew_may_run_its_pumps(ledger: Ledger, redis: Redis) -> None:
    put(redis, Book(due={f"c{i}": NOW for i in range(320)}, crew={"w2": END + 1, "w3": END + 1}))

    answer = ledger.run(sweep(worker="w1", tickets=[f"p{i}" for i in range(9)], most_pumps=2))

    assert answer.pumps == 6


@pytest.mark.parametrize("ahead", [61 * SECOND, 1800 * SECOND, 7200 * SECOND])
def test_pumps_from_before_the_clock_stepped_back_keep_no_place(
    ahead: int, ledger: Ledger, redis: Redis
) -> None:
    put(redis, WAITING.but(meta=BEFORE, pumps={"p0": END + ahead}, tellers={"h0": END + ahead}, hooks=HOOKS))

    answer = ledger.run(ask())

    assert answer.pumps == 1
    assert answer.tellers == 2


def test_the_first_sweep_of_all_gives_no_grace(ledger: Ledger, redis: Redis) -> None:
    put(redis, in_flight("ann", "E1"))

    answer = ledger.run(sweep())

    assert answer.expired == 1


def test_a_crash_between_two_settles_does_not_add_up_to_death(ledger: Ledger, redis: Redis) -> None:
    put(redis, in_flight("ann", "E1", number=9).but(st={"E1": Tried(number=8, crashes=0)}, meta=BEFORE))

    ledger.run(sweep())

    assert read(redis).st["E1"] == Tried(number=9, charged=1, crashes=1, causes=1)


@pytest.mark.parametrize("forge", ["set", "hset", "zadd", "sadd"])
def test_a_bell_that_is_no_list_is_thrown_away(forge: str, ledger: Ledger, redis: Redis) -> None:
    bell = "{shipper:default}:bell"
    given: dict[str, tuple[Any, ...]] = {
        "set": ("x",),
        "hset": ("x", "y"),
        "zadd": ({"x": 1},),
        "sadd": ("x",),
    }
    getattr(redis, forge)(bell, *given[forge])

    ledger.run(sweep())

    assert redis.exists(bell) == 0


def test_the_first_sweep_learns_which_redis_this_is(ledger: Ledger, redis: Redis) -> None:
    ledger.run(sweep(hold_ms=30_000))

    assert read(redis).but(flow=()) == Book(meta=AFTER)


def test_another_redis_holds_the_account_so_that_living_workers_settle_first(
    ledger: Ledger, redis: Redis
) -> None:
    put(redis, waiting("ann", "E1").but(meta={"run_id": "another", "swept": str(END - SECOND)}))

    answer = ledger.run(sweep(hold_ms=30_000))

    assert answer.held_until == END + 30_000
    assert answer.why == "restarted"
    assert ledger.run(operations.claim(["t1"], settings_of(), worker="w1", now=END + 29_999)).word == "paused"
    assert ledger.run(operations.claim(["t1"], settings_of(), worker="w1", now=END + 30_000)).word == "calls"


def test_another_redis_is_no_reason_to_hold_where_every_write_is_fsynced(
    ledger: Ledger, redis: Redis
) -> None:
    put(redis, Book(meta={**BEFORE, "run_id": "another"}))

    ledger.run(sweep(hold_ms=0))

    assert read(redis) == Book(meta=AFTER)


def test_another_redis_is_noticed_once(ledger: Ledger, redis: Redis) -> None:
    put(redis, Book(meta={"run_id": "another", "swept": str(END - SECOND)}))
    ledger.run(sweep(hold_ms=30_000))
    ledger.run(operations.resume(now=END))

    again = ledger.run(sweep(hold_ms=30_000))

    assert again.held_until == 0


@pytest.mark.parametrize(
    "gate",
    [
        {"why": "throttled", "until": str(END + 1000), "step": "1000", "need": "1"},
        {
            "why": "breaker",
            "until": str(NOW),
            "step": "10000",
            "need": "1",
            "probe": "t1",
            "pend": str(END + 9000),
        },
    ],
    ids=["throttled for a second", "a probe of the breaker under way"],
)
def test_another_redis_holds_an_account_that_is_held_for_less(
    gate: dict[str, str], ledger: Ledger, redis: Redis
) -> None:
    put(redis, waiting("ann", "E1").but(gate=gate, meta={"run_id": "another", "swept": str(END - SECOND)}))

    ledger.run(sweep(hold_ms=30_000))

    answer = ledger.run(operations.claim(["t2"], settings_of(), worker="w1", now=END + 29_999))
    assert answer.word == "paused"


def test_another_redis_does_not_shorten_an_operators_pause(ledger: Ledger, redis: Redis) -> None:
    put(redis, Book(meta={"run_id": "another", "swept": str(END - SECOND)}))
    ledger.run(operations.pause(now=NOW))

    answer = ledger.run(sweep(hold_ms=30_000))

    assert answer.why == "operator"
    assert answer.held_until == 9007199254740991


def test_counters_that_went_back_are_recorded_as_a_roll_back(ledger: Ledger, redis: Redis) -> None:
    put(redis, Book(n={"accepted": 7, "delivered": 3}, meta=BEFORE))

    answer = ledger.run(sweep(seen=11))

    assert answer.turn == 10
    assert read(redis).meta == {**AFTER, "rolled_back": "1", "rolled_back_at": str(END)}


def test_counters_that_went_on_are_no_roll_back(ledger: Ledger, redis: Redis) -> None:
    put(redis, Book(n={"accepted": 7, "delivered": 3}, meta=BEFORE))

    answer = ledger.run(sweep(seen=10))

    assert answer.turn == 10
    assert read(redis).meta == AFTER


# A worker remembers when it last swept, and the ledger what it was told: `known` is what is left of that.
MEMORIES = {
    "as it was": (Book(sweeps={"w1": END - 500}), False),
    "a later one, whose answer was lost": (Book(sweeps={"w1": END - 400}), False),
    "an earlier one": (Book(sweeps={"w1": END - 501}), True),
    "none": (Book(sweeps={"w2": END - 100}), True),
    "none, of so many that the oldest are dropped": (
        Book(sweeps={f"w{i}": END - 100 for i in range(2, 102)}),
        False,
    ),
    "none, though so many older ones are kept": (
        Book(sweeps={f"w{i}": END - 501 for i in range(2, 102)}),
        True,
    ),
}


@pytest.mark.parametrize(("known", "rolled_back"), MEMORIES.values(), ids=MEMORIES.keys())
def test_a_worker_whose_sweep_is_missing_records_a_roll_back_however_much_was_added_since(
    known: Book, rolled_back: bool, ledger: Ledger, redis: Redis
) -> None:
    put(redis, known.but(n={"accepted": 1000}, meta=BEFORE))

    ledger.run(sweep(worker="w1", swept_at=END - 500, seen=7))

    after = read(redis)
    assert ("rolled_back" in after.meta) is rolled_back
    assert after.sweeps["w1"] == END
    assert len(after.sweeps) <= 100


def test_a_worker_that_sweeps_for_the_first_time_misses_nothing(ledger: Ledger, redis: Redis) -> None:
    put(redis, Book(meta=BEFORE))

    ledger.run(sweep(worker="w1"))

    assert "rolled_back" not in read(redis).meta
