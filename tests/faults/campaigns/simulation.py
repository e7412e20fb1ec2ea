"""Simulation: seeds of every mix against the real scripts, as many as the time allows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Final
from unittest.mock import patch

from shipper.errors import ShipperError
from shipper.ledger.ledger import Ledger
from shipper.ledger.pool import make_pool
from shipper.ledger.scripts import sources
from tests.faults.campaign import Campaign, Ground
from tests.faults.row import Row
from tests.simulator.mix import MIXES, Mix
from tests.simulator.mutation import LOADER, PATIENCE_MS, loader
from tests.simulator.simulation import run

MINUTES: Final = 6
QUICK_MINUTES: Final = 0.5
FAR: Final = 10_000
"""How far apart the seeds of two runs are: a run of `make faults` tries others than `make test`."""


def every_mix(ground: Ground) -> Iterator[Row]:
    """Give each mix the same time."""
    minutes = QUICK_MINUTES if ground.quick else MINUTES
    server = ground.server({})
    server.start()
    pool = make_pool(server.url, budget_ms=PATIENCE_MS)
    ledger = Ledger(pool, budget_ms=PATIENCE_MS)
    try:
        with patch(LOADER, loader(sources())):
            for mix in MIXES.values():
                yield _of_mix(ledger, mix, ground, seconds=60 * minutes / len(MIXES))
    finally:
        pool.disconnect()
        server.kill()


def _of_mix(ledger: Ledger, mix: Mix, ground: Ground, *, seconds: float) -> Row:
    seen: Counter[str] = Counter()
    problems: list[str] = []
    first = seed = FAR * (1 + ground.seed)
    end_at = time.monotonic() + seconds
    while time.monotonic() < end_at and not problems:
        try:
            seen += run(ledger, mix, seed)
        except (AssertionError, ShipperError) as error:
            problems.append(f"SIM_SEED={mix.name}:{seed}: {str(error).partition(chr(10))[0]}")
        seed += 1
    ground.say(f"{mix.name}: seeds {first} to {seed - 1}")
    lost = seen["settle lost"] + seen["claim lost"]
    befell = f"{seen['lease expired']:,} leases expired, {lost:,} replies lost"
    return Row(
        fault=f"simulated world, {mix.name}",
        policy="retry and park",
        injected=f"{seed - first:,} seeds of {mix.steps} steps, {befell}",
        load=f"{seen['enqueue ok']:,} events, {seen['call of one'] + seen['call of several']:,} calls",
        note=f"seeds {first} to {seed - 1}; {seen['settle adopted']:,} late successes adopted",
        problems=tuple(problems),
    )


CAMPAIGNS: Final = (
    Campaign(
        name="simulation",
        tells="Seeded worlds of producers, pumps, hooks, operators and vandals drive the real scripts under a"
        " moved clock: crashes at any step, zombies, lost replies, restarts, corrupt lanes, clocks set back,"
        " the ledger rolled back. After every step all promises, the structure and the rules are compared.",
        run=every_mix,
        minutes=MINUTES,
        sources=("shipper", "tests/simulator", "tests/faults/campaigns/simulation.py"),
    ),
)
