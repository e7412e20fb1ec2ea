from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from shipper.ledger import operations
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import EARLY_MS
from tests.ledger.book import Book, put, read
from tests.ledger.builders import HOUR, NOW, SECOND, dead, ended, in_flight, settings_of, unclear, waiting
from tests.ledger.conftest import LedgerOf
from tests.ledger.table import Row, table
from tests.support.servers import StartServer

MEMORY = {"most_bytes": "0"}
"""What forget leaves in `meta` on a Redis without maxmemory."""


def forget(
    *, now: int = NOW, limit: int = 1000, **settings: Any
) -> operations.Operation[tuple[int, int, int]]:
    return operations.forget(settings_of(**settings), limit=limit, now=now)


def gate(why: str, *, until: int, pend: int | None = None) -> dict[str, str]:
    """A gate that holds; with the end of its probe's lease if one is out."""
    held = {"why": why, "until": str(until), "step": "10000", "need": "1"}
    return held if pend is None else {**held, "probe": "t1", "pend": str(pend)}


RETENTIONS = {
    "an id is kept for six hours after the end, and as long as one could have been born ahead": Row(
        before=ended("E1"),
        call=forget(now=NOW + 6 * HOUR + EARLY_MS),
        answer=(0, 0, 0),
        after=ended("E1").but(meta=MEMORY),
    ),
    "then it is forgotten, and counted": Row(
        before=ended("E1"),
        call=forget(now=NOW + 6 * HOUR + EARLY_MS + 1),
        answer=(1, 0, 0),
        after=Book(meta=MEMORY, n={"accepted": 1, "delivered": 1, "forgotten_delivered": 1}),
    ),
    "each end has a counter of its own": Row(
        before=ended("E1") + ended("E2", "discarded") + ended("E3", "expunged"),
        call=forget(now=NOW + 6 * HOUR + EARLY_MS + 1),
        answer=(3, 0, 0),
        after=Book(
            meta=MEMORY,
            n={
                "accepted": 3,
                "delivered": 1,
                "discarded": 1,
                "expunged": 1,
                "forgotten_delivered": 1,
                "forgotten_discarded": 1,
                "forgotten_expunged": 1,
            },
        ),
    ),
    "a key outlives its id, up to seven days": Row(
        before=ended("E1", key="K"),
        call=forget(now=NOW + 168 * HOUR - 1),
        answer=(1, 0, 0),
        after=Book(
            idem={"K": "E1 fp-E1"},
            idemx=(f"K {NOW}",),
            meta=MEMORY,
            n={"accepted": 1, "delivered": 1, "forgotten_delivered": 1},
        ),
    ),
    "a key is forgotten after seven days": Row(
        before=ended("E1", key="K"),
        call=forget(now=NOW + 168 * HOUR),
        answer=(1, 1, 0),
        after=Book(meta=MEMORY, n={"accepted": 1, "delivered": 1, "forgotten_delivered": 1}),
    ),
    "those that ended later stay": Row(
        before=ended("E1", at=NOW, key="K1") + ended("E2", at=NOW + 1, key="K2"),
        call=forget(now=NOW + 6 * HOUR + EARLY_MS + 1),
        answer=(1, 0, 0),
        after=(Book(idem={"K1": "E1 fp-E1"}, idemx=(f"K1 {NOW}",)) + ended("E2", at=NOW + 1, key="K2")).but(
            meta=MEMORY, n={"accepted": 2, "delivered": 2, "forgotten_delivered": 1}
        ),
    ),
    "no more than the limit, the oldest first": Row(
        before=ended("E1") + ended("E2"),
        call=forget(now=NOW + 6 * HOUR + EARLY_MS + 1, limit=1),
        answer=(1, 0, 0),
        after=ended("E2").but(meta=MEMORY, n={"accepted": 2, "delivered": 2, "forgotten_delivered": 1}),
    ),
    "what has not ended is never forgotten, keys neither": Row(
        before=waiting("ann", "E1", key="K1")
        + in_flight("bob", "E2", key="K2", until=NOW + 9999 * HOUR)
        + dead("cat", "E3", key="K3")
        + unclear("dan", "E4", key="K4"),
        call=forget(now=NOW + 9999 * HOUR),
        answer=(0, 0, 0),
        after=(
            waiting("ann", "E1", key="K1")
            + in_flight("bob", "E2", key="K2", until=NOW + 9999 * HOUR)
            + dead("cat", "E3", key="K3")
            + unclear("dan", "E4", key="K4")
        ).but(meta=MEMORY),
    ),
    "an id without a fate is dropped from the list": Row(
        before=ended("E1").but(fate={}),
        call=forget(),
        answer=(1, 0, 0),
        after=Book(meta=MEMORY, n={"accepted": 1, "delivered": 1}),
    ),
}

PAST = NOW + 6 * HOUR + EARLY_MS + 1
LONG_PAST = NOW + 400 * 24 * HOUR
FORGOTTEN = {"accepted": 1, "delivered": 1, "forgotten_delivered": 1}
EXPORTED = {
    "what was delivered stays known to imports": Row(
        before=ended("E1").but(exported={"E1": NOW - 1}),
        call=forget(now=PAST),
        answer=(1, 0, 0),
        after=Book(meta=MEMORY, n=FORGOTTEN, exported={"E1": -PAST}),
    ),
    "what was expunged too": Row(
        before=ended("E1", "expunged").but(exported={"E1": NOW - 1}),
        call=forget(now=PAST),
        answer=(1, 0, 0),
        after=Book(
            meta=MEMORY,
            n={"accepted": 1, "expunged": 1, "forgotten_expunged": 1},
            exported={"E1": -PAST},
        ),
    ),
    "what was discarded may come back": Row(
        before=ended("E1", "discarded").but(exported={"E1": NOW - 1, "E2": NOW - 1}),
        call=forget(now=PAST),
        answer=(1, 0, 0),
        after=Book(
            meta=MEMORY,
            n={"accepted": 1, "discarded": 1, "forgotten_discarded": 1},
            exported={"E2": NOW - 1},
        ),
    ),
    "what no file has is forgotten as ever": Row(
        before=ended("E1").but(exported={"E2": NOW}),
        call=forget(now=PAST),
        answer=(1, 0, 0),
        after=Book(meta=MEMORY, n=FORGOTTEN, exported={"E2": NOW}),
    ),
    "imports forget with the audit log, four hundred days later": Row(
        before=Book(exported={"E1": NOW, "E2": -NOW, "E3": NOW + 1, "E4": -(NOW + 1)}),
        call=forget(now=LONG_PAST),
        answer=(0, 0, 0),
        after=Book(meta=MEMORY, exported={"E3": NOW + 1, "E4": -(NOW + 1)}),
    ),
    "no more than the limit": Row(
        before=Book(exported={"E1": -NOW, "E2": NOW - 1, "E3": NOW}),
        call=forget(now=LONG_PAST, limit=2),
        answer=(0, 0, 0),
        after=Book(meta=MEMORY, exported={"E3": NOW}),
    ),
    "what is here still, or ended a moment ago, is kept as if it had left now": Row(
        before=(dead("ann", "E1") + ended("E2", at=LONG_PAST)).but(exported={"E1": NOW, "E2": NOW}),
        call=forget(now=LONG_PAST),
        answer=(0, 0, 0),
        after=(dead("ann", "E1") + ended("E2", at=LONG_PAST)).but(
            meta=MEMORY, exported={"E1": LONG_PAST, "E2": LONG_PAST}
        ),
    ),
}

STEPPED = {
    "a lease from a clock that was ahead ends after two leases": Row(
        before=in_flight("ann", "E1", until=NOW + HOUR),
        call=forget(),
        answer=(0, 0, 1),
        after=in_flight("ann", "E1", until=NOW + 60 * SECOND).but(meta=MEMORY),
    ),
    "a lease that may be right is left alone": Row(
        before=in_flight("ann", "E1", until=NOW + 60 * SECOND),
        call=forget(),
        answer=(0, 0, 0),
        after=in_flight("ann", "E1", until=NOW + 60 * SECOND).but(meta=MEMORY),
    ),
    "a lane is due after the longest backoff at the latest": Row(
        before=waiting("ann", "E1", due=NOW + HOUR + 1),
        call=forget(),
        answer=(0, 0, 1),
        after=waiting("ann", "E1", due=NOW + HOUR).but(meta=MEMORY),
    ),
    "a redrive that is spread further is left alone": Row(
        before=waiting("ann", "E1", due=NOW + 3 * HOUR).but(meta={"spread_until": str(NOW + 3 * HOUR)}),
        call=forget(),
        answer=(0, 0, 0),
        after=waiting("ann", "E1", due=NOW + 3 * HOUR).but(
            meta={"spread_until": str(NOW + 3 * HOUR), **MEMORY}
        ),
    ),
    "a gate opens after the longest pause at the latest": Row(
        before=Book(gate=gate("breaker", until=NOW + 24 * HOUR)),
        call=forget(),
        answer=(0, 0, 1),
        after=Book(gate=gate("breaker", until=NOW + 300 * SECOND), meta=MEMORY),
    ),
    "or after the longest Retry-After, if that is longer": Row(
        before=Book(gate=gate("throttled", until=NOW + 24 * HOUR)),
        call=forget(retry_after_max_ms=HOUR),
        answer=(0, 0, 1),
        after=Book(gate=gate("throttled", until=NOW + HOUR), meta=MEMORY),
    ),
    "or after a lease, if that is longer": Row(
        before=Book(gate=gate("restarted", until=NOW + 24 * HOUR)),
        call=forget(lease_ms=2 * HOUR),
        answer=(0, 0, 1),
        after=Book(gate=gate("restarted", until=NOW + 2 * HOUR), meta=MEMORY),
    ),
    "the next step of a job is no second away": Row(
        before=Book(jdue={"J1": NOW + HOUR, "J2": NOW + SECOND}),
        call=forget(),
        answer=(0, 0, 1),
        after=Book(jdue={"J1": NOW + SECOND, "J2": NOW + SECOND}, meta=MEMORY),
    ),
    "a probe is waited for no longer than two leases": Row(
        before=Book(gate=gate("credentials", until=NOW, pend=NOW + 24 * HOUR)),
        call=forget(),
        answer=(0, 0, 1),
        after=Book(gate=gate("credentials", until=NOW, pend=NOW + 60 * SECOND), meta=MEMORY),
    ),
    "a gate that may be right is left alone": Row(
        before=Book(gate=gate("breaker", until=NOW + 300 * SECOND, pend=NOW + 60 * SECOND)),
        call=forget(),
        answer=(0, 0, 0),
        after=Book(gate=gate("breaker", until=NOW + 300 * SECOND, pend=NOW + 60 * SECOND), meta=MEMORY),
    ),
    "what an operator holds is held as long as was said": Row(
        before=Book(gate=gate("operator", until=NOW + 24 * HOUR)),
        call=forget(),
        answer=(0, 0, 0),
        after=Book(gate=gate("operator", until=NOW + 24 * HOUR), meta=MEMORY),
    ),
    "what refusals hold is held until an operator says so": Row(
        before=Book(gate=gate("refusals", until=9_007_199_254_740_991)),
        call=forget(),
        answer=(0, 0, 0),
        after=Book(gate=gate("refusals", until=9_007_199_254_740_991), meta=MEMORY),
    ),
    "the probe of an operator's hold is waited for no longer than two leases": Row(
        before=Book(gate=gate("operator", until=NOW, pend=NOW + 24 * HOUR)),
        call=forget(),
        answer=(0, 0, 1),
        after=Book(gate=gate("operator", until=NOW, pend=NOW + 60 * SECOND), meta=MEMORY),
    ),
}


AHEAD = {
    "what ended ahead of the clock is taken to have ended now, and holds up none behind it": Row(
        before=ended("E1", at=PAST + 1, key="K1") + ended("E2", key="K2"),
        call=forget(now=PAST),
        answer=(1, 0, 2),
        after=(
            ended("E1", at=PAST, accepted_at=NOW - 1, key="K1")
            + Book(idem={"K2": "E2 fp-E2"}, n={"accepted": 1, "delivered": 1, "forgotten_delivered": 1})
        ).but(idemx=(f"K2 {NOW}", f"K1 {PAST}"), meta=MEMORY),
    ),
    "a key that ended ahead holds up no key": Row(
        before=Book(idem={"K1": "E1 fp-E1", "K2": "E2 fp-E2"}, idemx=(f"K1 {NOW + 999 * HOUR}", f"K2 {NOW}")),
        call=forget(now=NOW + 168 * HOUR),
        answer=(0, 1, 1),
        after=Book(idem={"K1": "E1 fp-E1"}, idemx=(f"K1 {NOW + 168 * HOUR}",), meta=MEMORY),
    ),
    "no more than the limit, together with those forgotten": Row(
        before=ended("E1", at=PAST + 1) + ended("E2") + ended("E3"),
        call=forget(now=PAST, limit=2),
        answer=(1, 0, 1),
        after=(ended("E3") + ended("E1", at=PAST, accepted_at=NOW - 1)).but(
            meta=MEMORY, n={"accepted": 3, "delivered": 3, "forgotten_delivered": 1}
        ),
    ),
}

REPEATED = {
    "a key that came with a repeat is kept while its event waits": Row(
        before=waiting("ann", "E1").but(idem={"K": "E1 fp-E1"}, idemx=("K 0",)),
        call=forget(now=NOW + 9999 * HOUR),
        answer=(0, 0, 0),
        after=waiting("ann", "E1").but(idem={"K": "E1 fp-E1"}, idemx=("K 0",), meta=MEMORY),
    ),
    "it ages when its event has ended": Row(
        before=ended("E1").but(idem={"K": "E1 fp-E1"}, idemx=("K 0",)),
        call=forget(now=NOW + HOUR),
        answer=(0, 0, 0),
        after=ended("E1").but(idem={"K": "E1 fp-E1"}, idemx=(f"K {NOW + HOUR}",), meta=MEMORY),
    ),
    "no more of them than a quarter of the limit, which is what looking costs": Row(
        before=waiting("ann", "E1").but(
            idem={"K1": "E1 fp-E1", "K2": "E1 fp-E1", "K3": "E1 fp-E1"}, idemx=("K1 0", "K2 0", "K3 0")
        ),
        call=forget(now=NOW + HOUR, limit=8),
        answer=(0, 0, 0),
        after=waiting("ann", "E1").but(
            idem={"K1": "E1 fp-E1", "K2": "E1 fp-E1", "K3": "E1 fp-E1"},
            idemx=("K3 0", "K1 0", "K2 0"),
            meta=MEMORY,
        ),
    ),
    "it holds up no key": Row(
        before=waiting("ann", "E1").but(
            idem={"K1": "E1 fp-E1", "K2": "E2 fp-E2"}, idemx=("K1 0", f"K2 {NOW}")
        ),
        call=forget(now=NOW + 168 * HOUR),
        answer=(0, 1, 0),
        after=waiting("ann", "E1").but(idem={"K1": "E1 fp-E1"}, idemx=("K1 0",), meta=MEMORY),
    ),
}


@table(RETENTIONS)
def test_forget_ends_a_retention(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@table(AHEAD)
def test_a_clock_that_was_ahead_does_not_stop_the_forgetting(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@table(REPEATED)
def test_a_key_that_came_with_a_repeat_lives_as_long_as_its_event(
    row: Row, ledger: Ledger, redis: Redis
) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@table(EXPORTED)
def test_what_a_file_has_is_remembered_longer(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@table(STEPPED)
def test_forget_brings_back_what_a_stepped_clock_moved(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@pytest.mark.parametrize("on", ["redis7", "valkey9"])
def test_the_backlog_may_take_seven_tenths_of_maxmemory(
    on: str, private_server: StartServer, ledger_of: LedgerOf
) -> None:
    server = private_server(on=on, options={"maxmemory": "100mb"})
    ledger = ledger_of(on=server)

    ledger.run(forget())

    with server.client() as client:
        assert read(client).meta == {"most_bytes": str(7 * 100 * 1024 * 1024 // 10)}


def test_a_fate_that_was_corrupted_by_hand_does_not_stop_the_forgetting(ledger: Ledger, redis: Redis) -> None:
    put(redis, ended("E1") + ended("E2"))
    redis.hset("{shipper:default}:fate", "E1", "garbage")

    answer = ledger.run(forget(now=NOW + 6 * HOUR + EARLY_MS + 1))

    assert answer == (2, 0, 0)
    assert read(redis).fate == {}


def test_a_key_entry_that_was_corrupted_by_hand_does_not_stop_the_forgetting(
    ledger: Ledger, redis: Redis
) -> None:
    put(redis, ended("E1", key="K1").but(idemx=("garbage", f"K1 {NOW}")))

    answer = ledger.run(forget(now=NOW + 168 * HOUR))

    assert answer[0] == 1
    assert read(redis).idem == {}
