"""Scripts with one thing wrong: the simulator must notice each of them.

Every mutant remembers the seed that caught it. Where that one no longer does, the others are tried, which is
slow: `python -m tests.simulator.hunt` finds all seeds anew.
"""

from __future__ import annotations

import pytest

from shipper.ledger.ledger import Ledger
from tests.simulator.mutation import LOADER, Mutant, first_seed, loader, mutants, mutated

ALL = [pytest.param("redis7", mutant, id=mutant.name) for mutant in mutants()]
TOLD_BY_PROMISES = [pytest.param("redis7", mutant, id=mutant.name) for mutant in mutants() if mutant.alone]


@pytest.mark.parametrize(("ledger", "mutant"), ALL, indirect=["ledger"])
def test_the_simulator_catches_that(ledger: Ledger, mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LOADER, loader(mutated(mutant)))

    seed = first_seed(ledger, mutant.caught, by_rules=True)

    assert seed is not None


@pytest.mark.parametrize(("ledger", "mutant"), TOLD_BY_PROMISES, indirect=["ledger"])
def test_the_promises_alone_catch_that(
    ledger: Ledger, mutant: Mutant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LOADER, loader(mutated(mutant)))

    seed = first_seed(ledger, mutant.alone, by_rules=False)

    assert seed is not None


def test_a_mutant_whose_text_is_gone_is_refused() -> None:
    mutant = Mutant(name="outdated", file="claim", old="no such text", new="", caught="normal:0")

    with pytest.raises(ValueError, match=r"claim\.lua has 0 places of 'no such text'"):
        mutated(mutant)
