"""The samples that sweeps write: one each ten seconds, whoever sweeps, for an hour."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from shipper.ledger import operations as ask
from shipper.ledger.flow import Drop, flow, read_drop
from shipper.ledger.ledger import Ledger
from tests.ledger.book import Book, put, read
from tests.ledger.builders import NOW, SECOND, dead, in_flight, settings_of, waiting

FLOW = "{shipper:default}:flow"
NAMES = (
    "pace_1s pace_30s hooks due oldest_ms leased held workers pumps accepted waiting in_flight delivered "
    "dead unclear discarded expunged retried redriven calls events_sent hooks_told bytes"
)
ZEROS = dict.fromkeys(NAMES.split(), 0)


def sweep(now: int, worker: str = "w1", **given: Any) -> ask.Operation[ask.Sweep]:
    return ask.sweep(settings_of(), worker=worker, now=now, **given)


def test_a_sample_tells_the_counters_and_what_the_sweep_found(ledger: Ledger, redis: Redis) -> None:
    book = waiting("ann", "E1", due=NOW - 4 * SECOND) + in_flight("bob", "E2") + dead("cid", "E3")
    put(redis, book.but(gate={"why": "operator", "until": str(NOW + 1)}))

    ledger.run(sweep(NOW))

    seen = {
        "accepted": 3,
        "waiting": 1,
        "in_flight": 1,
        "dead": 1,
        "bytes": 3000,
        "due": 1,
        "oldest_ms": 4000,
    }
    seen |= {"leased": 1, "held": 1, "workers": 1, "pace_1s": 1, "pace_30s": 1}
    assert flow(ledger) == [Drop(at=NOW, numbers=ZEROS | seen)]
    assert read(redis).meta["sampled"] == str(NOW)


def test_ten_seconds_have_one_sample_whoever_sweeps(ledger: Ledger) -> None:
    for ms in (0, 1, 5000, 9999, 10_000, 10_400, 19_999, 20_000):
        ledger.run(sweep(NOW + ms, worker=f"w{ms % 3}"))

    assert [drop.at - NOW for drop in flow(ledger)] == [0, 10_000, 20_000]


def test_a_worker_that_only_tells_hooks_samples_too(ledger: Ledger) -> None:
    ledger.run(sweep(NOW, worker=""))

    assert [drop.at for drop in flow(ledger)] == [NOW]


def test_an_hour_is_kept(ledger: Ledger) -> None:
    for i in range(365):
        ledger.run(sweep(NOW + i * 10_000))

    kept = flow(ledger)
    assert len(kept) == 360
    assert (kept[0].at, kept[-1].at) == (NOW + 50_000, NOW + 3_640_000)


@pytest.mark.parametrize("forge", ["set", "hset"])
def test_a_forged_flow_stops_no_sweep(forge: str, ledger: Ledger, redis: Redis) -> None:
    put(redis, waiting("ann", "E1"))
    getattr(redis, forge)(FLOW, *("x",) if forge == "set" else ("x", "y"))

    assert ledger.run(sweep(NOW)).due == 1


def test_lines_that_nobody_of_ours_wrote_are_left_out(ledger: Ledger, redis: Redis) -> None:
    put(redis, Book(flow=(f"{NOW + 1} calls 2", "nonsense", "5 calls", "\xff", f"{NOW} calls 1")))

    assert flow(ledger) == [Drop(at=NOW, numbers={"calls": 1}), Drop(at=NOW + 1, numbers={"calls": 2})]
    assert read_drop(b"1 calls inf") is None
