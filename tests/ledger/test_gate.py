from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from shipper.ledger import operations
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Claim, SettledCall
from shipper.outcome import DELIVERED, Free, Verdict
from tests.ledger.book import Book, put, read
from tests.ledger.builders import NOW, SECOND, in_flight, settings_of, settled, waiting

LATER = NOW + 700
FOR_EVER = 9007199254740991
HOLD = 7000
NOTHING: dict[str, str] = {}
OTHERS_PROBE = {"probe": "t9", "pend": str(NOW + 25_000)}
BREAKER = {"why": "breaker", "until": str(NOW - 1), "step": "10000", "need": "3"}
ONE_SUCCESS_LESS = {**BREAKER, "need": "2"}
CREDENTIALS = {"why": "credentials", "until": str(NOW - 1), "step": "10000", "need": "1"}
REST = {"why": "throttled", "until": str(NOW - 1), "step": "4000", "need": "1"}
TIMED = {"why": "operator", "until": str(NOW - 1), "step": "1000", "need": "1"}
RESTARTED = {"why": "restarted", "until": str(NOW - 1), "step": "1000", "need": "1"}

UP = ("accepted", "already_applied", "permanent", "vague")
DOWN = ("unclear", "not_sent", "refused_for_now")
NEITHER = ("busy", "unsent", "unreadable", "encryption_key")


def probing(gate: dict[str, str]) -> dict[str, str]:
    return {**gate, "probe": "t1", "pend": str(NOW + 30_000)}


def closed_for(why: str, wait: int, need: int) -> dict[str, str]:
    return {"why": why, "until": str(LATER + wait), "step": str(wait), "need": str(need)}


OPEN_GATE = {
    **dict.fromkeys((*UP, *DOWN, *NEITHER), NOTHING),
    "throttled": closed_for("throttled", HOLD, 1),
    "credentials": closed_for("credentials", 10_000, 1),
}
BREAKERS_PROBE = {
    **dict.fromkeys(UP, ONE_SUCCESS_LESS),
    **dict.fromkeys(DOWN, closed_for("breaker", 20_000, 3)),
    **dict.fromkeys(NEITHER, BREAKER),
    "throttled": closed_for("throttled", HOLD, 3),
    "credentials": closed_for("credentials", 20_000, 3),
}
CREDENTIALS_PROBE = {
    **dict.fromkeys(UP, NOTHING),
    **dict.fromkeys(DOWN, closed_for("breaker", 20_000, 1)),
    **dict.fromkeys(NEITHER, CREDENTIALS),
    "throttled": closed_for("throttled", HOLD, 1),
    "credentials": closed_for("credentials", 20_000, 1),
}
THROTTLES_PROBE = {
    **dict.fromkeys(UP, NOTHING),
    **dict.fromkeys(DOWN, closed_for("breaker", 8000, 1)),
    **dict.fromkeys(NEITHER, REST),
    "throttled": closed_for("throttled", HOLD, 1),
    "credentials": closed_for("credentials", 8000, 1),
}
OPERATORS_PROBE = {
    **dict.fromkeys(UP, NOTHING),
    **dict.fromkeys(DOWN, closed_for("breaker", 2000, 1)),
    **dict.fromkeys(NEITHER, TIMED),
    "throttled": closed_for("throttled", HOLD, 1),
    "credentials": closed_for("credentials", 2000, 1),
}
RESTARTS_PROBE = {**OPERATORS_PROBE, **dict.fromkeys(NEITHER, RESTARTED)}
HELD = {**BREAKER, **OTHERS_PROBE}
SITUATIONS = {
    "open": (NOTHING, OPEN_GATE),
    "asking whether the breaker may close": (probing(BREAKER), BREAKERS_PROBE),
    "asking whether the keys are good again": (probing(CREDENTIALS), CREDENTIALS_PROBE),
    "asking whether the throttling is over": (probing(REST), THROTTLES_PROBE),
    "asking after an operator's pause": (probing(TIMED), OPERATORS_PROBE),
    "asking after a restart of Redis": (probing(RESTARTED), RESTARTS_PROBE),
    "held, with another call as its probe": (HELD, dict.fromkeys(OPEN_GATE, HELD)),
    "held, without a probe": (BREAKER, dict.fromkeys(OPEN_GATE, BREAKER)),
}
TABLE = [
    pytest.param(before, verdict, after, id=f"{situation} and {verdict}")
    for situation, (before, afters) in SITUATIONS.items()
    for verdict, after in afters.items()
]


def answer_of(verdict: str, *, lane: str = "ann", call: str = "t1", hold_ms: int = HOLD) -> SettledCall:
    outcome = DELIVERED if verdict in ("accepted", "already_applied") else Free(delay_ms=0)
    return settled(lane, call, Verdict(verdict), {f"{lane}-1": outcome}, hold_ms=hold_ms)


def settle(*calls: SettledCall, now: int = LATER, **settings: Any) -> operations.Operation[list[str]]:
    return operations.settle(calls, settings_of(**settings), now=now)


def claim(*tokens: str, now: int = LATER, void: tuple[str, ...] = ()) -> operations.Operation[Claim]:
    return operations.claim(tokens, settings_of(), worker="w1", void=void, now=now)


def lanes_in_flight(count: int, *, start: int = 0) -> Book:
    book = Book()
    for i in range(start, start + count):
        book += in_flight(f"c{i}", f"c{i}-1", token=f"t-c{i}")
    return book


def test_the_table_has_every_verdict_that_a_worker_may_settle_with() -> None:
    assert set(OPEN_GATE) == {verdict.value for verdict in Verdict} - {"crashed"}


@pytest.mark.parametrize(("before", "verdict", "after"), TABLE)
def test_an_answer_moves_the_gate(
    before: dict[str, str], verdict: str, after: dict[str, str], ledger: Ledger, redis: Redis
) -> None:
    put(redis, in_flight("ann", "ann-1").but(gate=before))

    ledger.run(settle(answer_of(verdict)))

    assert read(redis).gate == after


def test_the_answer_of_a_call_that_lost_its_lease_moves_nothing(ledger: Ledger, redis: Redis) -> None:
    put(redis, in_flight("ann", "ann-1", token="t2").but(gate=probing(BREAKER)))

    ledger.run(settle(answer_of("credentials"), answer_of("accepted")))

    assert read(redis).gate == probing(BREAKER)
    assert read(redis).recent == ()


def test_a_closed_gate_tells_until_when_and_why(ledger: Ledger, redis: Redis) -> None:
    put(redis, waiting("ann", "ann-1").but(gate=closed_for("credentials", 10_000, 1)))

    answer = ledger.run(claim("t1", now=LATER + 9999))

    assert answer == Claim(word="paused", now=LATER + 9999, at=LATER + 10_000, why="credentials")


def test_when_its_time_is_over_one_call_goes_as_the_probe_and_no_other(ledger: Ledger, redis: Redis) -> None:
    gate = closed_for("credentials", 10_000, 1)
    put(redis, (waiting("ann", "ann-1") + waiting("bob", "bob-1")).but(gate=gate))

    first = ledger.run(claim("t1", "t2", now=LATER + 10_000))
    second = ledger.run(claim("t3", "t4", now=LATER + 10_001))

    assert [call.lane for call in first.calls] == ["ann"]
    assert second == Claim(word="paused", now=LATER + 10_001, at=LATER + 40_000, why="credentials")
    assert read(redis).gate == {**gate, "probe": "t1", "pend": str(LATER + 40_000)}


def test_a_probe_that_finds_nothing_due_leaves_the_gate_alone(ledger: Ledger, redis: Redis) -> None:
    put(redis, Book(gate=BREAKER))

    answer = ledger.run(claim("t1", "t2"))

    assert answer == Claim(word="idle", now=LATER)
    assert read(redis).gate == BREAKER


def test_a_probe_that_never_came_back_is_replaced_when_its_lease_is_over(
    ledger: Ledger, redis: Redis
) -> None:
    put(redis, (in_flight("ann", "ann-1") + waiting("bob", "bob-1")).but(gate=probing(BREAKER)))

    answer = ledger.run(claim("t2", now=NOW + 30_000))

    assert [call.lane for call in answer.calls] == ["bob"]
    assert read(redis).gate == {**BREAKER, "probe": "t2", "pend": str(NOW + 60_000)}


def test_the_end_of_its_lease_clears_the_probe(ledger: Ledger, redis: Redis) -> None:
    put(redis, in_flight("ann", "ann-1").but(gate=probing(BREAKER)))

    ledger.run(operations.sweep(settings_of(), now=NOW + 30_000))

    assert read(redis).gate == BREAKER


def test_the_first_401_closes_and_those_in_flight_with_it_change_nothing(
    ledger: Ledger, redis: Redis
) -> None:
    put(redis, lanes_in_flight(5))
    ledger.run(settle(answer_of("credentials", lane="c0", call="t-c0"), now=NOW + 100))

    for i in range(1, 5):
        ledger.run(settle(answer_of("credentials", lane=f"c{i}", call=f"t-c{i}"), now=NOW + 100 + i))

    assert read(redis).gate == {
        "why": "credentials",
        "until": str(NOW + 10_100),
        "step": "10000",
        "need": "1",
    }


def test_a_pause_of_credentials_doubles_with_each_probe_up_to_its_cap(ledger: Ledger, redis: Redis) -> None:
    put(redis, in_flight("ann", "ann-1", token="t0"))
    ledger.run(settle(answer_of("credentials", call="t0"), now=NOW))
    waits = []

    for attempt in range(1, 8):
        until = int(read(redis).gate["until"])
        ledger.run(claim(f"t{attempt}", now=until))
        ledger.run(settle(answer_of("credentials", call=f"t{attempt}"), now=until))
        waits.append(int(read(redis).gate["until"]) - until)

    assert waits == [20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000]


def answers(failed: int, good: int, *, at: int = NOW) -> tuple[str, ...]:
    return tuple([f"{at} 1"] * failed + [f"{at} 0"] * good)


TRIPS = {
    "the tenth of twenty calls that fails opens it": (answers(9, 10), True),
    "nine of twenty that fail are not half": (answers(8, 11), False),
    "nineteen calls are too few to judge by": (answers(18, 0), False),
    "calls of more than 30 s ago are forgotten": (answers(19, 0, at=LATER - 30_000), False),
    "calls of just under 30 s ago are not": (answers(19, 0, at=LATER - 29_999), True),
}


@pytest.mark.parametrize(("recent", "opens"), TRIPS.values(), ids=TRIPS.keys())
def test_the_breaker_opens_when_half_of_twenty_calls_fail(
    recent: tuple[str, ...], opens: bool, ledger: Ledger, redis: Redis
) -> None:
    put(redis, in_flight("ann", "ann-1").but(recent=recent))

    ledger.run(settle(answer_of("refused_for_now")))

    assert read(redis).gate == (closed_for("breaker", 10_000, 3) if opens else NOTHING)


def test_a_good_answer_never_opens_the_breaker(ledger: Ledger, redis: Redis) -> None:
    put(redis, in_flight("ann", "ann-1").but(recent=answers(30, 0)))

    ledger.run(settle(answer_of("accepted")))

    assert read(redis).gate == NOTHING


def test_the_breaker_remembers_the_last_hundred_calls(ledger: Ledger, redis: Redis) -> None:
    put(redis, in_flight("ann", "ann-1").but(recent=answers(0, 100)))

    ledger.run(settle(answer_of("not_sent")))

    assert read(redis).recent == (f"{LATER} 1", *answers(0, 99))


def test_three_probes_that_succeed_close_the_breaker(ledger: Ledger, redis: Redis) -> None:
    put(
        redis,
        lanes_in_flight(0)
        + _waiting_lanes(4)
        + Book(gate=BREAKER, recent=answers(20, 0), burst=frozenset({"x"})),
    )
    needs = []

    for i in range(3):
        call = ledger.run(claim(f"p{i}", "more", now=LATER)).calls[0]
        ledger.run(settle(answer_of("accepted", lane=call.lane, call=call.token)))
        needs.append(read(redis).gate.get("need"))

    assert needs == ["2", "1", None]
    assert read(redis).recent == ()
    assert read(redis).burst == frozenset()


def _waiting_lanes(count: int) -> Book:
    book = Book()
    for i in range(count):
        book += waiting(f"c{i}", f"c{i}-1")
    return book


def test_an_account_that_refuses_everybody_is_paused_until_it_is_resumed(
    ledger: Ledger, redis: Redis
) -> None:
    put(redis, lanes_in_flight(51))
    refusals = [answer_of("permanent", lane=f"c{i}", call=f"t-c{i}") for i in range(51)]

    ledger.run(settle(*refusals[:50]))
    after_fifty = read(redis).gate
    ledger.run(settle(refusals[50]))

    assert after_fifty == NOTHING
    assert read(redis).gate == {"why": "refusals", "until": str(FOR_EVER), "step": "0", "need": "1"}
    assert ledger.run(claim("t1", now=NOW + 10**10)).at == FOR_EVER
    assert ledger.run(operations.resume(now=LATER)) == "refusals"
    assert read(redis).burst == frozenset()


def test_one_acceptance_begins_the_count_of_refusals_again(ledger: Ledger, redis: Redis) -> None:
    put(redis, lanes_in_flight(102))
    calls = [answer_of("permanent", lane=f"c{i}", call=f"t-c{i}") for i in range(102)]
    calls[50] = answer_of("accepted", lane="c50", call="t-c50")

    ledger.run(settle(*calls[:101]))

    assert read(redis).gate == NOTHING
    assert len(read(redis).burst) == 50


def test_one_customer_refused_again_and_again_is_one(ledger: Ledger, redis: Redis) -> None:
    for i in range(60):
        put(redis, in_flight("ann", "ann-1", token=f"t{i}"))
        ledger.run(settle(answer_of("permanent", call=f"t{i}")))
        redis.delete("{shipper:default}:l:ann")

    assert read(redis).gate == NOTHING
    assert read(redis).burst == {"ann"}


def test_without_a_limit_no_refusals_pause_the_account(ledger: Ledger, redis: Redis) -> None:
    put(redis, lanes_in_flight(60))

    ledger.run(
        settle(*(answer_of("permanent", lane=f"c{i}", call=f"t-c{i}") for i in range(60)), refusal_burst=0)
    )

    assert read(redis).gate == NOTHING
    assert read(redis).burst == frozenset()


def test_refusals_do_not_take_the_place_of_an_operators_pause(ledger: Ledger, redis: Redis) -> None:
    operators = {"why": "operator", "until": str(NOW + 60_000), "step": "1000", "need": "1"}
    put(redis, lanes_in_flight(51) + Book(gate=operators))

    ledger.run(settle(*(answer_of("permanent", lane=f"c{i}", call=f"t-c{i}") for i in range(51))))

    assert read(redis).gate == operators


@pytest.mark.parametrize("until", [None, NOW + 60_000])
def test_an_operators_pause_takes_the_place_of_any_other_hold(
    until: int | None, ledger: Ledger, redis: Redis
) -> None:
    put(redis, Book(gate=probing(BREAKER)))

    answer = ledger.run(operations.pause(until=until, now=NOW))

    assert answer == (until or FOR_EVER)
    assert read(redis) == Book(
        gate={"why": "operator", "until": str(until or FOR_EVER), "step": "1000", "need": "1"}
    )


def test_the_success_of_a_call_from_before_the_pause_does_not_lift_it(ledger: Ledger, redis: Redis) -> None:
    put(redis, in_flight("ann", "ann-1").but(gate=probing(BREAKER)))
    ledger.run(operations.pause(now=NOW))

    ledger.run(settle(answer_of("accepted")))

    assert read(redis).gate["until"] == str(FOR_EVER)


def test_an_operators_pause_for_ever_outlives_a_century(ledger: Ledger, redis: Redis) -> None:
    put(redis, waiting("ann", "ann-1"))
    ledger.run(operations.pause(now=NOW))

    answer = ledger.run(claim("t1", now=NOW + 100 * 365 * 86_400 * SECOND))

    assert answer.word == "paused"
    assert answer.why == "operator"


def test_resume_lifts_any_hold_and_rings(ledger: Ledger, redis: Redis) -> None:
    put(redis, Book(gate=probing(BREAKER), recent=answers(20, 0), burst=frozenset({"ann"})))

    answer = ledger.run(operations.resume(now=NOW))

    assert answer == "breaker"
    assert read(redis) == Book(bell=("1",))


def test_resuming_what_nobody_holds_says_so(ledger: Ledger, redis: Redis) -> None:
    put(redis, Book(bell=("1",)))

    answer = ledger.run(operations.resume(now=NOW))

    assert answer is None
    assert read(redis) == Book(bell=("1",))


def test_a_throttled_account_rests_as_long_as_it_was_told(ledger: Ledger, redis: Redis) -> None:
    put(redis, in_flight("ann", "ann-1"))

    ledger.run(settle(answer_of("throttled", hold_ms=3000)))

    assert ledger.run(claim("t2", now=LATER + 2999)).at == LATER + 3000
    assert ledger.run(claim("t2", now=LATER + 3000)).word == "calls"


def test_a_probe_that_is_handed_back_unsent_lets_the_next_one_try(ledger: Ledger, redis: Redis) -> None:
    put(redis, waiting("ann", "ann-1").but(gate=BREAKER))
    ledger.run(claim("t1"))

    ledger.run(settle(answer_of("unsent")))

    assert [call.token for call in ledger.run(claim("t2")).calls] == ["t2"]
    assert read(redis).gate["probe"] == "t2"
