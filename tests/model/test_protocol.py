"""The protocol keeps its promises in every world of every case."""

from __future__ import annotations

import pytest

from .cases import LONG, ONE, QUICK, ROLLED_BACK, Row
from .invariants import Broken, broken_by_late_post
from .scripts import Scripts
from .search import play, search
from .world import Budget, Case, World


@pytest.mark.parametrize("row", [*QUICK, *ROLLED_BACK], ids=str)
def test_the_protocol_keeps_every_promise_in_every_world(row: Row) -> None:
    scripts = Scripts(row.case)

    found = search(scripts)

    assert found.told() == {}
    assert (len(found.reached), found.steps) == (row.worlds, row.steps)


@pytest.mark.slow
@pytest.mark.parametrize("row", LONG, ids=str)
def test_the_protocol_keeps_every_promise_in_every_world_of_a_long_search(row: Row) -> None:
    scripts = Scripts(row.case)

    found = search(scripts)

    assert found.told() == {}
    assert (len(found.reached), found.steps) == (row.worlds, row.steps)


def test_a_post_after_a_known_success_cannot_be_prevented_which_is_why_invariant_10_speaks_of_claims() -> (
    None
):
    scripts = Scripts(Case(parks=ONE, budget=Budget(late=1)))

    found = search(scripts, step_check=broken_by_late_post, until=Broken.KNOWN_POST)

    assert found.told()[Broken.KNOWN_POST] == [
        "w0 claim",
        "w0 post: accepted",
        "sweep",
        "w1 claim",
        "w0 settle",
        "w1 post: accepted",
    ]


def test_a_trace_played_from_the_start_leads_to_the_world_it_was_taken_from() -> None:
    scripts = Scripts(Case(merge=2, budget=Budget(kills=1, redrives=1)))
    found = search(scripts)
    sampled = list(found.reached)[1::200]

    played = [list(play(scripts, found.trace(world)))[-1] for world in sampled]

    assert [_seen_from_outside(world) for world in played] == [_seen_from_outside(world) for world in sampled]


def _seen_from_outside(world: World) -> object:
    """Return what does not depend on the workers' numbers, nor on what a search strikes out."""
    states = [(event.state, event.charged, event.crashes, event.solo) for event in world.events]
    return states, world.lane, world.call, sorted(world.slots), world.budget
