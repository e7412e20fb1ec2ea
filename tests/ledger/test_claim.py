from __future__ import annotations

from typing import Any, Literal

import pytest
from redis import Redis

from shipper.ledger import operations
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Claim, ClaimedCall, ClaimedEvent
from shipper.ledger.record import Record, Tried
from shipper.settings import Settings
from tests.ledger.book import Book, put, read
from tests.ledger.builders import COST, NOW, SECOND, event, in_flight, settings_of, waiting
from tests.ledger.table import Row, table

DEFAULT = settings_of()
LEASE_END = NOW + 30 * SECOND


def claim(*tokens: str, settings: Settings = DEFAULT, **given: Any) -> operations.Operation[Claim]:
    return operations.claim(tokens, settings, **{"worker": "w1", "now": NOW, **given})


def call(
    lane: str,
    token: str,
    *ids: str,
    number: int = 1,
    tried: Tried | None = None,
    rec: dict[str, Record] | None = None,
) -> ClaimedCall:
    records = rec or {i: event(i, lane) for i in ids}
    events = [ClaimedEvent(event_id=i, number=number, tried=tried or Tried(), record=records[i]) for i in ids]
    return ClaimedCall(lane=lane, token=token, events=tuple(events))


def calls(*claimed: ClaimedCall) -> Claim:
    return Claim(word="calls", now=NOW, calls=claimed)


def no_calls(word: Literal["idle", "pace", "retired"], at: int | None = None) -> Claim:
    return Claim(word=word, now=NOW, at=at)


WHICH_LANES = {
    "nothing waits": Row(call=claim("t1"), answer=no_calls("idle"), after=Book()),
    "nothing is due yet": Row(
        before=waiting("ann", "E1", due=NOW + 1),
        call=claim("t1"),
        answer=no_calls("idle", NOW + 1),
        after=waiting("ann", "E1", due=NOW + 1),
    ),
    "a due lane is leased and no longer due": Row(
        before=waiting("ann", "E1"),
        call=claim("t1"),
        answer=calls(call("ann", "t1", "E1")),
        after=in_flight("ann", "E1"),
    ),
    "those that are due longest go first, as many as there are tokens": Row(
        before=waiting("ann", "E1", due=NOW - 1)
        + waiting("bob", "E2", due=NOW - 3)
        + waiting("cat", "E3", due=NOW - 2),
        call=claim("t1", "t2"),
        answer=calls(call("bob", "t1", "E2"), call("cat", "t2", "E3")),
        after=in_flight("bob", "E2", token="t1")
        + in_flight("cat", "E3", token="t2")
        + waiting("ann", "E1", due=NOW - 1),
    ),
    "tokens that find no lane are not used": Row(
        before=waiting("ann", "E1"),
        call=claim("t1", "t2", "t3"),
        answer=calls(call("ann", "t1", "E1")),
        after=in_flight("ann", "E1"),
    ),
    "a leased lane is not leased twice": Row(
        before=in_flight("ann", "E1"),
        call=claim("t2"),
        answer=no_calls("idle"),
        after=in_flight("ann", "E1"),
    ),
    "an empty lane is due no more": Row(
        before=Book(due={"ann": NOW}),
        call=claim("t1"),
        answer=no_calls("idle"),
        after=Book(),
    ),
    "an empty lane costs no token": Row(
        before=Book(due={"aaa": NOW - 1}) + waiting("ann", "E1"),
        call=claim("t1", "t2"),
        answer=calls(call("ann", "t1", "E1")),
        after=in_flight("ann", "E1"),
    ),
    "the number of the attempt grows, its numbers before are told": Row(
        before=waiting("ann", "E1").but(st={"E1": Tried(number=4, charged=2, causes=1)}),
        call=claim("t1"),
        answer=calls(call("ann", "t1", "E1", number=5, tried=Tried(number=4, charged=2, causes=1))),
        after=in_flight("ann", "E1", number=5).but(st={"E1": Tried(number=4, charged=2, causes=1)}),
    ),
}

REPEATS = {"E1": event("E1", names=("view", "buy")), "E2": event("E2", names=("like", "buy"))}
OTHER_MAIL = {"E1": event("E1"), "E2": event("E2", sig="sig-other")}
PARK_SECOND = {"E1": event("E1"), "E2": event("E2", park=True), "E3": event("E3")}
PARK_FIRST = {"E1": event("E1", park=True), "E2": event("E2")}
SOLO_SECOND = {"E1": event("E1"), "E2": event("E2", solo=True)}
SOLO_FIRST = {"E1": event("E1", solo=True), "E2": event("E2")}
CONDEMNED = {"E2": Tried(number=1, solo=True)}
LOST_FIRST = {"E2": event("E2")}
NEWER_FIRST = {"E1": b"2|who knows", "E2": event("E2")}
NEWER_SECOND = {"E1": event("E1"), "E2": b"2|who knows"}
LOST = {"accepted": 2, "waiting": 1, "bytes": 2 * COST, "lost": 1}

WHICH_EVENTS = {
    "all that share a signature and differ in names": Row(
        before=waiting("ann", "E1", "E2", "E3"),
        call=claim("t1"),
        answer=calls(call("ann", "t1", "E1", "E2", "E3")),
        after=in_flight("ann", "E1", "E2", "E3"),
    ),
    "no more than the setting": Row(
        before=waiting("ann", "E1", "E2", "E3"),
        call=claim("t1", settings=settings_of(coalesce_max=2)),
        answer=calls(call("ann", "t1", "E1", "E2")),
        after=in_flight("ann", "E1", "E2", behind=("E3",)),
    ),
    "no more bytes than the setting": Row(
        before=waiting("ann", "E1", "E2", "E3"),
        call=claim("t1", settings=settings_of(coalesce_bytes=2 * 400)),
        answer=calls(call("ann", "t1", "E1", "E2")),
        after=in_flight("ann", "E1", "E2", behind=("E3",)),
    ),
    "one that is larger than the setting by itself": Row(
        before=waiting("ann", "E1", "E2"),
        call=claim("t1", settings=settings_of(coalesce_bytes=399)),
        answer=calls(call("ann", "t1", "E1")),
        after=in_flight("ann", "E1", behind=("E2",)),
    ),
    "up to a name that repeats": Row(
        before=waiting("ann", "E1", "E2").but(rec=REPEATS),
        call=claim("t1"),
        answer=calls(call("ann", "t1", "E1", rec=REPEATS)),
        after=in_flight("ann", "E1", behind=("E2",)).but(rec=REPEATS),
    ),
    "up to another merge signature": Row(
        before=waiting("ann", "E1", "E2").but(rec=OTHER_MAIL),
        call=claim("t1"),
        answer=calls(call("ann", "t1", "E1", rec=OTHER_MAIL)),
        after=in_flight("ann", "E1", behind=("E2",)).but(rec=OTHER_MAIL),
    ),
    "up to a park event": Row(
        before=waiting("ann", "E1", "E2", "E3").but(rec=PARK_SECOND),
        call=claim("t1"),
        answer=calls(call("ann", "t1", "E1", rec=PARK_SECOND)),
        after=in_flight("ann", "E1", behind=("E2", "E3")).but(rec=PARK_SECOND),
    ),
    "a park event alone": Row(
        before=waiting("ann", "E1", "E2").but(rec=PARK_FIRST),
        call=claim("t1"),
        answer=calls(call("ann", "t1", "E1", rec=PARK_FIRST)),
        after=in_flight("ann", "E1", behind=("E2",)).but(rec=PARK_FIRST),
    ),
    "up to a solo event": Row(
        before=waiting("ann", "E1", "E2").but(rec=SOLO_SECOND),
        call=claim("t1"),
        answer=calls(call("ann", "t1", "E1", rec=SOLO_SECOND)),
        after=in_flight("ann", "E1", behind=("E2",)).but(rec=SOLO_SECOND),
    ),
    "a solo event alone": Row(
        before=waiting("ann", "E1", "E2").but(rec=SOLO_FIRST),
        call=claim("t1"),
        answer=calls(call("ann", "t1", "E1", rec=SOLO_FIRST)),
        after=in_flight("ann", "E1", behind=("E2",)).but(rec=SOLO_FIRST),
    ),
    "up to one that has to travel alone since a merged call was condemned": Row(
        before=waiting("ann", "E1", "E2").but(st=CONDEMNED),
        call=claim("t1"),
        answer=calls(call("ann", "t1", "E1")),
        after=in_flight("ann", "E1", behind=("E2",)).but(st=CONDEMNED),
    ),
    "the readable ones before a newer format": Row(
        before=waiting("ann", "E1", "E2").but(rec=NEWER_SECOND),
        call=claim("t1"),
        answer=calls(call("ann", "t1", "E1")),
        after=in_flight("ann", "E1", behind=("E2",)).but(rec=NEWER_SECOND),
    ),
    "none that lost its record, which is counted as lost": Row(
        before=waiting("ann", "E1", "E2").but(rec=LOST_FIRST),
        call=claim("t1"),
        answer=calls(call("ann", "t1", "E2")),
        after=in_flight("ann", "E2").but(
            n={"accepted": 2, "in_flight": 1, "bytes": 2 * COST, "lost": 1},
        ),
    ),
}

BROKEN_LANES = {
    "one that is no list is quarantined and the others go on": Row(
        before=waiting("bob", "E2") + Book(forged={"l:ann": b"boom"}, due={"ann": NOW - 1}),
        call=claim("t1", "t2"),
        answer=calls(call("bob", "t1", "E2")),
        after=in_flight("bob", "E2") + Book(forged={"l:ann": b"boom"}, broken=frozenset({"ann"})),
    ),
    "one whose head is of a newer format is quarantined whole": Row(
        before=waiting("ann", "E1", "E2", due=NOW - 1).but(rec=NEWER_FIRST) + waiting("bob", "E3"),
        call=claim("t1", "t2"),
        answer=calls(call("bob", "t1", "E3")),
        after=waiting("ann", "E1", "E2").but(rec=NEWER_FIRST, due={}, broken=frozenset({"ann"}))
        + in_flight("bob", "E3"),
    ),
    "one that lost every record looked at stays due for its others": Row(
        before=waiting("ann", "E1", "E2").but(rec=LOST_FIRST),
        call=claim("t1", settings=settings_of(coalesce_max=1)),
        answer=no_calls("idle", NOW),
        after=waiting("ann", "E2").but(n=LOST),
    ),
    "one that lost all of its records is due no more": Row(
        before=waiting("ann", "E1").but(rec={}),
        call=claim("t1"),
        answer=no_calls("idle"),
        after=Book(n={"accepted": 1, "bytes": COST, "lost": 1}),
    ),
}

VOIDED = {
    "a call whose claim was never heard of is due again, its number spent and nothing charged": Row(
        before=in_flight("ann", "E1", "E2", behind=("E3",), number=3),
        call=claim(void=["t1"]),
        answer=no_calls("pace", NOW),
        after=waiting("ann", "E1", "E2", "E3").but(
            st={"E1": Tried(number=3), "E2": Tried(number=3)}, pace={"t1": NOW}
        ),
    ),
    "it may be claimed again in the same breath": Row(
        before=in_flight("ann", "E1"),
        call=claim("t2", void=["t1"]),
        answer=calls(call("ann", "t2", "E1", number=2, tried=Tried(number=1))),
        after=in_flight("ann", "E1", token="t2", number=2).but(
            st={"E1": Tried(number=1)}, pace={"t1": NOW, "t2": NOW}
        ),
    ),
    "tokens that lease nothing are ignored": Row(
        before=in_flight("ann", "E1"),
        call=claim("t3", void=["t2", "t9"]),
        answer=no_calls("idle"),
        after=in_flight("ann", "E1").but(pace={"t1": NOW, "t2": -NOW, "t9": -NOW}),
    ),
    "an event that was expunged meanwhile is not brought back": Row(
        before=in_flight("ann", "E1", "E2").but(
            rec={"E2": event("E2")}, lanes={"ann": ["E2"]}, n={"in_flight": 1}
        ),
        call=claim("t3", void=["t1"], settings=settings_of(pace_per_second=1)),
        answer=no_calls("pace", NOW + 1250),
        after=waiting("ann", "E2").but(st={"E2": Tried(number=1)}, pace={"t1": NOW}, n={"waiting": 1}),
    ),
    "a voided probe lets the next one try": Row(
        before=in_flight("ann", "E1").but(
            gate={"why": "breaker", "until": str(NOW - 1), "need": "3", "probe": "t1", "pend": str(LEASE_END)}
        ),
        call=claim("t2", void=["t1"]),
        answer=calls(call("ann", "t2", "E1", number=2, tried=Tried(number=1))),
        after=in_flight("ann", "E1", token="t2", number=2).but(
            st={"E1": Tried(number=1)},
            pace={"t1": NOW, "t2": NOW},
            gate={
                "why": "breaker",
                "until": str(NOW - 1),
                "need": "3",
                "probe": "t2",
                "pend": str(LEASE_END),
            },
        ),
    ),
}

RESENT = {
    "the same tokens give the same calls, and nothing is taken": Row(
        before=in_flight("ann", "E1", "E2", token="t1")
        + in_flight("bob", "E3", token="t2")
        + waiting("cat", "E4"),
        call=claim("t1", "t2", "t3"),
        answer=calls(call("ann", "t1", "E1", "E2"), call("bob", "t2", "E3")),
        after=in_flight("ann", "E1", "E2", token="t1")
        + in_flight("bob", "E3", token="t2")
        + waiting("cat", "E4"),
    ),
    "an event that was expunged meanwhile is left out": Row(
        before=in_flight("ann", "E1", "E2").but(rec={"E2": event("E2")}),
        call=claim("t1"),
        answer=calls(call("ann", "t1", "E2")),
        after=in_flight("ann", "E1", "E2").but(rec={"E2": event("E2")}),
    ),
    "a call of which nothing is left is left out": Row(
        before=in_flight("ann", "E1").but(rec={}),
        call=claim("t1"),
        answer=calls(),
        after=in_flight("ann", "E1").but(rec={}),
    ),
    "a call that was settled meanwhile is not made again": Row(
        before=waiting("ann", "E1").but(pace={"t1": NOW}),
        call=claim("t1", "t2"),
        answer=calls(),
        after=waiting("ann", "E1").but(pace={"t1": NOW}),
    ),
    "a closed gate does not keep it from what it was given": Row(
        before=in_flight("ann", "E1").but(gate={"why": "operator", "until": str(NOW + 1)}),
        call=claim("t1"),
        answer=calls(call("ann", "t1", "E1")),
        after=in_flight("ann", "E1").but(gate={"why": "operator", "until": str(NOW + 1)}),
    ),
}

TICKETS = {
    "a ticket becomes a heartbeat": Row(
        before=Book(pumps={"p1": NOW + 1}),
        call=claim("t1", ticket="p1"),
        answer=no_calls("idle"),
        after=Book(pumps={"p1": NOW + 8 * SECOND}),
    ),
    "a ticket that ran out ends the pump": Row(
        before=waiting("ann", "E1").but(pumps={"p1": NOW}),
        call=claim("t1", ticket="p1"),
        answer=no_calls("retired"),
        after=waiting("ann", "E1"),
    ),
    "a ticket that nobody reserved ends the pump": Row(
        before=waiting("ann", "E1"),
        call=claim("t1", ticket="forged"),
        answer=no_calls("retired"),
        after=waiting("ann", "E1"),
    ),
    "a pump that is retired still gives back what it never heard of": Row(
        before=in_flight("ann", "E1"),
        call=claim("t2", ticket="p1", void=["t1"]),
        answer=no_calls("retired"),
        after=waiting("ann", "E1").but(st={"E1": Tried(number=1)}, pace={"t1": NOW}),
    ),
}


@table(WHICH_LANES)
def test_claim_chooses_lanes(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@table(WHICH_EVENTS)
def test_claim_takes_of_a_lane(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@table(BROKEN_LANES)
def test_claim_meets_a_broken_lane(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@table(VOIDED)
def test_claim_gives_back(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@table(RESENT)
def test_claim_is_asked_again(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@table(TICKETS)
def test_claim_looks_at_the_ticket(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@pytest.mark.parametrize(("lanes", "events", "calls"), [(256, 1, 256), (5, 100, 5), (16, 100, 6)])
def test_the_largest_settings_claim_in_one_script_until_it_would_hold_up_redis(
    lanes: int, events: int, calls: int, ledger: Ledger, redis: Redis
) -> None:
    ids = {f"lane{i:03}": [f"{i:03}-{j:02}" for j in range(events)] for i in range(lanes)}
    records = {i: event(i, lane) for lane, of_lane in ids.items() for i in of_lane}
    put(redis, Book(rec=records, lanes=ids, due=dict.fromkeys(ids, NOW), n={"waiting": lanes * events}))
    roomy = settings_of(coalesce_max=100, pace_per_second=0, pace_per_30_seconds=0)

    answer = ledger.run(claim(*(f"t{i}" for i in range(lanes)), settings=roomy))

    assert [len(call.events) for call in answer.calls] == [events] * calls
    assert redis.hget("{shipper:default}:n", "in_flight") == str(calls * events).encode()
