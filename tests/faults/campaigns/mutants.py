"""Mutants: scripts and protocols with one thing wrong; the checks must notice each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final
from unittest.mock import patch

from shipper.ledger.ledger import Ledger
from shipper.ledger.pool import make_pool
from tests.faults.campaign import Campaign, Ground
from tests.faults.row import Row
from tests.model.invariants import Broken
from tests.model.replay import DisagreementError
from tests.model.sample import replay_kinds
from tests.model.scripts import Scripts
from tests.model.search import search
from tests.model.test_broken import CAUGHT
from tests.model.test_replay import MISTAKES, SEED
from tests.simulator.mutation import LOADER, PATIENCE_MS, Mutant, first_seed, loader, mutants, mutated

FEW: Final = 8
"""One in so many is tried by the quick version."""
Notices = Callable[[Ledger, Mutant], bool]


def every_mistake(ground: Ground) -> Iterator[Row]:
    """Try each mistake on the check that must see it."""
    scripts = mutants()[:: FEW if ground.quick else 1]
    server = ground.server({})
    server.start()
    pool = make_pool(server.url, budget_ms=PATIENCE_MS)
    ledger = Ledger(pool, budget_ms=PATIENCE_MS)
    try:
        alone = [mutant for mutant in scripts if mutant.alone]
        seen = [each for each in mutants() if each.name in MISTAKES]
        yield _tried("the simulator and its rules", scripts, _by_rules, ledger, ground)
        yield _tried("its promises alone", alone, _by_promises, ledger, ground)
        yield _tried("the replay of the model's traces", seen, _by_replay, ledger, ground)
    finally:
        pool.disconnect()
        server.kill()
    survivors = [
        protocol.__name__ for protocol, case, what, _ in CAUGHT if not _is_caught(protocol(case), what)
    ]
    yield _row("the model", len(CAUGHT), "broken protocols", survivors)


def _tried(by: str, wrong: list[Mutant], notices: Notices, ledger: Ledger, ground: Ground) -> Row:
    ground.say(f"{len(wrong)} broken scripts, by {by}")
    survivors = []
    for mutant in wrong:
        with patch(LOADER, loader(mutated(mutant))):
            if not notices(ledger, mutant):
                survivors.append(mutant.name)
    return _row(by, len(wrong), "broken scripts", survivors)


def _row(by: str, tried: int, what: str, survivors: list[str]) -> Row:
    return Row(
        fault=f"one thing wrong, to be noticed by {by}",
        policy="retry and park",
        injected=f"{tried} {what}",
        load=f"{tried - len(survivors)} noticed",
        problems=tuple(f"not noticed: {name}" for name in survivors),
    )


def _by_rules(ledger: Ledger, mutant: Mutant) -> bool:
    return first_seed(ledger, mutant.caught, by_rules=True) is not None


def _by_promises(ledger: Ledger, mutant: Mutant) -> bool:
    return first_seed(ledger, mutant.alone, by_rules=False) is not None


def _by_replay(ledger: Ledger, mutant: Mutant) -> bool:
    try:
        replay_kinds(ledger, Scripts(MISTAKES[mutant.name]), each=1, seed=SEED)
    except DisagreementError:
        return True
    return False


def _is_caught(protocol: Scripts, what: Broken) -> bool:
    return what in search(protocol, until=what).broken


CAMPAIGNS: Final = (
    Campaign(
        name="mutants",
        tells="Who tests the tests: every script with one thing wrong that the simulator knows, and every"
        " protocol of the model with one rule left out. Each must be noticed.",
        run=every_mistake,
        minutes=6,
        sources=("shipper", "tests/simulator", "tests/model", "tests/faults/campaigns/mutants.py"),
    ),
)
