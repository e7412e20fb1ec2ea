"""The scripts as they are built do what the model says, step by step; a script with a mistake does not."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from shipper.ledger.ledger import Ledger
from tests.simulator.mutation import LOADER, loader, mutants, mutated

from .replay import DisagreementError
from .sample import replay_all, replay_kinds
from .scripts import Scripts
from .world import Budget, Case

ONE = (False,)
SEED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Hold a case and how many kinds of steps it has, so that none is left out unseen."""

    name: str
    case: Case
    kinds: int

    def __str__(self) -> str:
        return self.name


ROWS = [
    Row(
        name="one event and every misfortune",
        kinds=226,
        case=Case(parks=ONE, budget=Budget(kills=1, late=1, lost=1, redrives=1, discards=1, expunges=1)),
    ),
    Row(
        name="a shared call, expunged from, where one crash is enough",
        kinds=504,
        case=Case(merge=2, max_crashes=1, budget=Budget(kills=1, late=1, expunges=1)),
    ),
    Row(
        name="the first event parked, and a redrive",
        kinds=239,
        case=Case(parks=(True, False), merge=2, budget=Budget(late=1, redrives=1)),
    ),
]
TINY = Case(parks=ONE, budget=Budget(kills=1))

MISTAKES = {
    "a late success is dropped": Case(parks=ONE, budget=Budget(late=1)),
    "a failure counts if only the event is in some call": Case(parks=ONE, budget=Budget(late=1)),
    "an expired lease is no cause": Case(parks=ONE, budget=Budget(kills=1)),
    "an expired lease does not park": Case(parks=(True,), budget=Budget(kills=1)),
    "a parked event shares a call": Case(parks=(True, False), merge=2),
    "redrive puts the event first": Case(budget=Budget(redrives=1)),
    "expunge frees the lease": Case(parks=ONE, budget=Budget(expunges=1)),
    "an adoption after the end keeps the life": Case(parks=(True,), budget=Budget(late=1)),
}
"""Mutants of the simulator, and a case in which the replay must notice each."""


@pytest.mark.parametrize(
    ("ledger", "row"),
    [(("redis7", "valkey9")[number % 2], row) for number, row in enumerate(ROWS)],
    indirect=["ledger"],
    ids=str,
)
def test_every_kind_of_step_of_a_case_leads_the_scripts_where_it_leads_the_model(
    ledger: Ledger, row: Row
) -> None:
    scripts = Scripts(row.case)

    taken = replay_kinds(ledger, scripts, each=1, seed=SEED)

    assert len(taken) == row.kinds


@pytest.mark.parametrize("ledger", ["redis7"], indirect=True)
def test_every_single_step_of_a_tiny_case_leads_the_scripts_where_it_leads_the_model(ledger: Ledger) -> None:
    scripts = Scripts(TINY)

    taken = replay_all(ledger, scripts)

    assert (len(taken), taken.total()) == (25, 964)


@pytest.mark.parametrize("ledger", ["redis7"], indirect=True)
@pytest.mark.parametrize(("mistake", "case"), MISTAKES.items(), ids=MISTAKES)
def test_a_script_with_a_mistake_does_not_follow_the_model(
    ledger: Ledger, mistake: str, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    (mutant,) = [mutant for mutant in mutants() if mutant.name == mistake]
    monkeypatch.setattr(LOADER, loader(mutated(mutant)))

    with pytest.raises(DisagreementError):
        replay_kinds(ledger, Scripts(case), each=1, seed=SEED)
