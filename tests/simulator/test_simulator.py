"""Simulated crashes, zombies, lost replies and operators against the real scripts.

`SIM_SEEDS=5000` runs so many seeds of each mix; `SIM_SEED=zombies:17` runs that one alone, as a failure says.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest

from shipper.ledger.ledger import Ledger
from tests.simulator.mix import MIXES
from tests.simulator.simulation import run

SERVERS: Final = ("redis7", "valkey9")
CHUNK: Final = 25
SEEDS: Final = {
    "normal": 250,
    "zombies": 250,
    "hours": 50,
    "spoilt": 50,
    "skewed": 25,
    "busy": 25,
    "failing": 25,
    "letters": 25,
    "jobs": 50,
    "edits": 25,
    "rolled back": 50,
}
REACHED: Final = {
    "normal": {
        "claim paused",
        "claim pace",
        "claim retired",
        "call of several",
        "settle stale",
        "settle lost",
    },
    "zombies": {"post by a zombie", "settle adopted", "dead: crashed", "redrive ok", "lease expired"},
    "hours": {"enqueue full", "enqueue stale", "key forgotten", "settle lost"},
    "spoilt": {"lane spoilt", "enqueue broken", "mend mended", "mend leased"},
    "skewed": {"claim pace", "lease expired", "settle lost"},
    "busy": {"claim pace", "call of several"},
    "failing": {"claim paused", "redrive ok", "resumed from operator"},
    "letters": {"dead: refused", "redrive ok", "resumed from refusals"},
    "jobs": {
        "job ok",
        "job stale",
        "job late",
        "job held",
        "job ok behind an ended hold",
        "job full",
        "job paused",
        "job done",
        "job sent",
        "job cancelled",
    },
    "edits": {"edit ok", "edit changed", "edit no", "restore ok", "restore known", "restore key", "kept out"},
    "rolled back": {"rolled back", "settle stale", "claim after its void"},
}
"""What each chunk of a mix must have come to: a simulation proves nothing about what it never reaches."""


def chunks() -> Iterator[object]:
    """Share the seeds out over tests, and the tests over both servers."""
    one = os.environ.get("SIM_SEED")
    if one:
        mix, _, seed = one.partition(":")
        yield pytest.param(SERVERS[0], mix, range(int(seed), int(seed) + 1), id=one)
        return
    for mix, usual in SEEDS.items():
        most = int(os.environ.get("SIM_SEEDS", usual))
        for number, first in enumerate(range(0, most, CHUNK)):
            seeds = range(first, min(first + CHUNK, most))
            yield pytest.param(SERVERS[number % 2], mix, seeds, id=f"{mix}-{first}")


@pytest.mark.parametrize(("ledger", "mix", "seeds"), [*chunks()], indirect=["ledger"])
def test_no_seed_breaks_a_promise(ledger: Ledger, mix: str, seeds: range) -> None:
    seen: Counter[str] = Counter()

    for seed in seeds:
        seen += run(ledger, MIXES[mix], seed)

    assert len(seeds) < CHUNK or seen.keys() >= REACHED[mix]
