"""Model: every interleaving of small cases, searched to the end, and its steps taken on the real scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final
from unittest.mock import patch

from shipper.ledger.ledger import Ledger
from shipper.ledger.pool import make_pool
from shipper.ledger.scripts import sources
from tests.faults.campaign import Campaign, Ground
from tests.faults.row import Row
from tests.model.cases import LONG, QUICK, ROLLED_BACK
from tests.model.cases import Row as CaseRow
from tests.model.handover import Handover, Plan, search_handover
from tests.model.replay import DisagreementError
from tests.model.sample import Kind, replay_kinds
from tests.model.scripts import Scripts
from tests.model.search import search
from tests.simulator.mutation import LOADER, PATIENCE_MS, loader

EACH: Final = 6
"""How often each kind of step is taken on the real scripts."""
PLANS: Final = (Plan(), Plan(crew=2), Plan(crew=2, repeats=1), Plan(enqueues=3, deaths=2, slow=2))
POLICY: Final = "retry and park"


def every_interleaving(ground: Ground) -> Iterator[Row]:
    """Search cases to their ends, then replay traces that show every kind of step."""
    cases = QUICK[6:9] if ground.quick else [*QUICK, *LONG]
    yield _searched("every interleaving of a small case", cases, ground)
    yield _searched("the same, and the ledger rolled back at any moment", ROLLED_BACK, ground)
    yield _handed_over(ground)
    yield _replayed([QUICK[8], *ROLLED_BACK[:2]] if ground.quick else [*QUICK, *ROLLED_BACK], ground)


def _searched(fault: str, cases: list[CaseRow], ground: Ground) -> Row:
    worlds = steps = 0
    problems = []
    for case in cases:
        ground.say(f"searched: {case.name}")
        found = search(Scripts(case.case))
        worlds, steps = worlds + len(found.reached), steps + found.steps
        problems += [f"{case.name}: {what}: {', '.join(way)}" for what, way in found.told().items()]
    return Row(
        fault=fault,
        policy=POLICY,
        injected=f"{steps:,} steps to {worlds:,} worlds",
        load=f"{len(cases)} cases of up to 3 events and 3 workers",
        problems=tuple(problems),
    )


def _handed_over(ground: Ground) -> Row:
    towns = moves = 0
    problems = []
    for plan in PLANS[:1] if ground.quick else PLANS:
        ground.say(f"handed over: {plan}")
        found = search_handover(Handover(plan))
        towns, moves = towns + len(found.reached), moves + found.moves
        problems += [f"{what}: {', '.join(way)}" for what, way in found.wrong.items()]
    return Row(
        fault="bells, tickets, messages and pumps lost, late, repeated, forged",
        policy=POLICY,
        injected=f"{moves:,} steps to {towns:,} worlds",
        load="up to 3 due lanes and 2 pumps",
        note="a message that comes twice lets one pump more in, until the first gives their ticket back",
        problems=tuple(problems),
    )


def _replayed(cases: list[CaseRow], ground: Ground) -> Row:
    taken: Counter[Kind] = Counter()
    problems = []
    server = ground.server({})
    server.start()
    pool = make_pool(server.url, budget_ms=PATIENCE_MS)
    ledger = Ledger(pool, budget_ms=PATIENCE_MS)
    try:
        with patch(LOADER, loader(sources())):
            for case in cases:
                ground.say(f"replayed: {case.name}")
                each = 1 if ground.quick else EACH
                try:
                    taken += replay_kinds(ledger, Scripts(case.case), each=each, seed=ground.seed)
                except DisagreementError as error:
                    problems.append(f"{case.name}: {error}")
    finally:
        pool.disconnect()
        server.kill()
    return Row(
        fault="traces of these searches, on the scripts as they are built",
        policy=POLICY,
        injected=f"{taken.total():,} steps, both worlds compared after each",
        load=f"{len(taken):,} kinds of steps of {len(cases)} cases",
        problems=tuple(problems),
    )


CAMPAIGNS: Final = (
    Campaign(
        name="model",
        tells="Explicit-state searches: crash anywhere, leases outlived, replies, bells and messages lost,"
        " merged and parked events, redrive, discard, expunge, the ledger rolled back. Every promise must"
        " hold in every world, and the real scripts must go where the model goes.",
        run=every_interleaving,
        minutes=14,
        sources=("shipper", "workers/retry.py", "tests/model", "tests/faults/campaigns/model.py"),
    ),
)
