"""The two rate windows: what is claimed, and what arrives at Gameball."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from redis import Redis

from shipper.ledger import operations
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import LATEST_MS, Claim
from shipper.outcome import Free, Verdict
from shipper.settings import Settings
from tests.ledger.book import Book, put, read
from tests.ledger.builders import HOUR, NOW, SECOND, event, in_flight, settings_of, settled, waiting
from tests.ledger.table import Row, table

LIMITS = settings_of(pace_per_second=3, pace_per_30_seconds=5, pace_margin_ms=250)


def claim(
    *tokens: str, settings: Settings = LIMITS, now: int = NOW, late_ms: int = 0
) -> operations.Operation[Claim]:
    return operations.claim(tokens, settings, worker="w1", now=now, late_ms=late_ms)


def pace(*ages: int) -> dict[str, int]:
    return {f"old{i}": NOW - age for i, age in enumerate(ages)}


def must_wait(before: dict[str, int], until: int) -> Row:
    book = waiting("ann", "E1").but(pace=before)
    return Row(before=book, call=claim("t1"), answer=Claim(word="pace", now=NOW, at=until), after=book)


WAITS = {
    "three in a second and a margin are enough": must_wait(pace(1249, 500, 0), NOW + 1),
    "five in thirty seconds and a margin are enough": must_wait(
        pace(30_249, 20_000, 15_000, 10_000, 5000), NOW + 1
    ),
    "the window that frees later decides": must_wait(pace(20_000, 15_000, 3, 2, 1), NOW + 10_250),
}


@table(WAITS)
def test_an_account_at_its_limit_is_told_when_there_is_room(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


ROOMS = {
    "an entry leaves the short window after a second and the margin": (pace(1250, 500, 0), 1),
    "an entry leaves the long window after thirty seconds and the margin": (
        pace(30_250, 20_000, 15_000, 10_000, 5000),
        1,
    ),
    "no more are claimed than there is room for": (pace(1200), 2),
    "the long window may be the narrower one": (pace(29_000, 20_000, 10_000, 5000), 1),
    "entries of the future are from a clock that stepped back": (pace(-6000, -9000, -HOUR, 0, 0), 1),
    "entries as far ahead as a late call's still count": (pace(-5999, -1, 0), 0),
}


@pytest.mark.parametrize(("before", "room"), ROOMS.values(), ids=ROOMS.keys())
def test_only_so_many_lanes_are_claimed(
    before: dict[str, int], room: int, ledger: Ledger, redis: Redis
) -> None:
    lanes = Book()
    for i in range(5):
        lanes += waiting(f"c{i}", f"E{i}")
    put(redis, lanes.but(pace=before))

    answer = ledger.run(claim("t1", "t2", "t3", "t4", "t5"))

    assert len(answer.calls) == room
    assert read(redis).pace.keys() >= {f"t{i + 1}" for i in range(room)}


def test_entries_that_count_no_more_are_dropped(ledger: Ledger, redis: Redis) -> None:
    put(redis, waiting("ann", "E1").but(pace=pace(30_250, 30_249, 0, -5999, -6000)))

    ledger.run(claim("t1"))

    assert read(redis).pace == {"old1": NOW - 30_249, "old2": NOW, "old3": NOW + 5999, "t1": NOW}


def test_a_call_that_was_not_sent_in_time_gives_its_slot_back_and_no_other_does(
    ledger: Ledger, redis: Redis
) -> None:
    put(redis, in_flight("ann", "E1", token="t1") + in_flight("bob", "E2", token="t2"))
    outcome = Free(delay_ms=0)

    ledger.run(
        operations.settle(
            [
                settled("ann", "t1", Verdict.UNSENT, E1=outcome),
                settled("bob", "t2", Verdict.NOT_SENT, E2=outcome),
            ],
            LIMITS,
            now=NOW,
        )
    )

    assert read(redis).pace == {"t2": NOW}


UNLIMITED = settings_of(pace_per_second=0, pace_per_30_seconds=0)


def test_without_limits_a_claim_asked_again_is_still_the_same(ledger: Ledger, redis: Redis) -> None:
    put(redis, waiting("ann", "E1") + waiting("bob", "E2") + waiting("cat", "E3"))
    first = ledger.run(claim("t1", "t2", settings=UNLIMITED))

    again = ledger.run(claim("t1", "t2", settings=UNLIMITED, now=NOW + 1))

    assert sorted(again.calls, key=lambda call: call.lane) == list(first.calls)
    assert read(redis).due == {"cat": NOW}
    assert read(redis).pace == {"t1": NOW}


@pytest.mark.parametrize(("per_second", "per_30"), [(0, 5), (3, 0)])
def test_one_limit_may_be_none(per_second: int, per_30: int, ledger: Ledger, redis: Redis) -> None:
    lanes = Book()
    for i in range(9):
        lanes += waiting(f"c{i}", f"E{i}")
    put(redis, lanes)
    settings = settings_of(pace_per_second=per_second, pace_per_30_seconds=per_30)

    answer = ledger.run(claim(*(f"t{i}" for i in range(9)), settings=settings))

    assert len(answer.calls) == (per_second or per_30)


# What arrives at Gameball when every call is delayed by up to the margin, at will.

MARGIN = 250
SPAN = 65 * SECOND
noise = random.Random(20)  # noqa: S311

DELAYS: dict[str, Callable[[int], int]] = {
    "at random": lambda _t: noise.randint(0, MARGIN),
    "a stall that clears": lambda t: max(0, MARGIN - t % (MARGIN + 7)),
    "long and short by turns": lambda t: MARGIN if t // 15_000 % 2 else 0,
    "a stall at each second": lambda t: max(0, MARGIN - t % 1000),
}


@pytest.mark.parametrize("delay", DELAYS.values(), ids=DELAYS.keys())
def test_arrivals_never_exceed_the_quota_and_nearly_use_it(
    delay: Callable[[int], int], ledger: Ledger, redis: Redis
) -> None:
    settings = settings_of(pace_margin_ms=MARGIN)
    put(redis, _lanes(3000))

    claimed = _claim_all(ledger, settings)

    arrivals = sorted(t + delay(t - NOW) for t in claimed)
    assert _most_within(arrivals, 1000) <= 100
    assert _most_within(arrivals, 30_000) <= 1200
    assert len(claimed) >= 0.95 * 40 * SPAN / 1000


def test_arrivals_never_exceed_the_quota_while_redis_is_slow_for_some_and_then_for_none(
    ledger: Ledger, redis: Redis
) -> None:
    settings = settings_of(pace_margin_ms=MARGIN)
    put(redis, _lanes(3000))
    lates = [0, 3000, 700, 0, 0, LATEST_MS]

    claimed = _claim_all(ledger, settings, late=lambda t: lates[t // 7000 % len(lates)])

    arrivals = sorted(t + MARGIN + lates[(t - NOW) // 7000 % len(lates)] for t in claimed)
    assert _most_within(arrivals, 1000) <= 100
    assert _most_within(arrivals, 30_000) <= 1200
    assert len(claimed) >= 0.8 * 40 * SPAN / 1000


def _lanes(count: int) -> Book:
    return Book(
        rec={f"E{i}": event(f"E{i}", f"c{i}") for i in range(count)},
        lanes={f"c{i}": [f"E{i}"] for i in range(count)},
        due={f"c{i}": NOW - count + i for i in range(count)},
    )


def _claim_all(ledger: Ledger, settings: Settings, *, late: Callable[[int], int] = lambda _t: 0) -> list[int]:
    """Claim whenever there is room, for two windows and more; return the times."""
    claimed: list[int] = []
    now = NOW
    while now < NOW + SPAN:
        tokens = [f"t{now}-{i}" for i in range(8)]
        answer = ledger.run(claim(*tokens, settings=settings, now=now, late_ms=late(now - NOW)))
        claimed += [now] * len(answer.calls)
        now = answer.at if answer.word == "pace" and answer.at else now + 5
    return claimed


def _most_within(times: list[int], window: int) -> int:
    most = first = 0
    for last, time in enumerate(times):
        while times[first] <= time - window:
            first += 1
        most = max(most, last - first + 1)
    return most
