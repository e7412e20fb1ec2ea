"""The protocol keeps its promises in every world of every case."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from .invariants import Broken, broken_by_late_post
from .scripts import Scripts
from .search import play, search
from .world import Budget, Case, World

ONE = (False,)
THREE = (False, False, False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Hold a case and what its complete search visits, so that none is cut short unseen."""

    name: str
    case: Case
    worlds: int
    steps: int

    def __str__(self) -> str:
        return self.name


QUICK = [
    Row(
        name="two events that travel alone, and a redrive",
        worlds=32_895,
        steps=114_045,
        case=Case(budget=Budget(late=1, redrives=1)),
    ),
    Row(
        name="a shared call, a worker killed and a lease outlived",
        worlds=34_203,
        steps=120_600,
        case=Case(merge=2, budget=Budget(kills=1, late=1)),
    ),
    Row(
        name="a shared call, settled again because the reply was lost",
        worlds=35_561,
        steps=123_088,
        case=Case(merge=2, budget=Budget(late=1, lost=1)),
    ),
    Row(
        name="a shared call, and a redrive",
        worlds=43_286,
        steps=151_418,
        case=Case(merge=2, budget=Budget(late=1, redrives=1)),
    ),
    Row(
        name="a shared call or two, the second event arriving at any moment",
        worlds=23_608,
        steps=76_126,
        case=Case(arriving=1, merge=2, budget=Budget(late=1)),
    ),
    Row(
        name="a shared call, discarded and expunged from",
        worlds=21_798,
        steps=105_254,
        case=Case(merge=2, budget=Budget(late=1, discards=1, expunges=1)),
    ),
    Row(
        name="a shared call, expunged from, where one crash is enough",
        worlds=15_404,
        steps=69_029,
        case=Case(merge=2, max_crashes=1, budget=Budget(kills=1, late=1, expunges=1)),
    ),
    Row(
        name="the first event parked",
        worlds=15_248,
        steps=50_461,
        case=Case(parks=(True, False), merge=2, budget=Budget(late=1, redrives=1)),
    ),
    Row(
        name="the second event parked",
        worlds=12_313,
        steps=39_020,
        case=Case(parks=(False, True), merge=2, budget=Budget(late=1, redrives=1)),
    ),
    Row(
        name="both events parked",
        worlds=31_136,
        steps=106_400,
        case=Case(parks=(True, True), merge=2, budget=Budget(kills=1, late=1, lost=1, redrives=1)),
    ),
    Row(
        name="one event and every misfortune",
        worlds=34_501,
        steps=189_785,
        case=Case(
            parks=ONE,
            spare_causes=3,
            budget=Budget(kills=1, late=2, lost=1, redrives=1, discards=1, expunges=1),
        ),
    ),
    Row(
        name="one event, three workers, two of them zombies",
        worlds=35_349,
        steps=190_391,
        case=Case(parks=ONE, slots=3, spare_causes=3, budget=Budget(late=2, lost=1, redrives=1)),
    ),
    Row(
        name="three events, the third arriving, one attempt and one crash each",
        worlds=15_887,
        steps=45_482,
        case=Case(parks=THREE, arriving=1, merge=3, max_attempts=1, max_crashes=1, budget=Budget(late=1)),
    ),
    Row(
        name="three events, the third arriving, and a worker killed",
        worlds=26_752,
        steps=52_030,
        case=Case(parks=THREE, arriving=1, merge=3, budget=Budget(kills=1)),
    ),
]

LONG = [
    Row(
        name="two events that travel alone, every fault of workers and a redrive",
        worlds=287_032,
        steps=1_166_710,
        case=Case(budget=Budget(kills=1, late=1, lost=1, redrives=1)),
    ),
    Row(
        name="a shared call, every fault of workers and a redrive",
        worlds=421_772,
        steps=1_695_910,
        case=Case(merge=2, budget=Budget(kills=1, late=1, lost=1, redrives=1)),
    ),
    Row(
        name="a shared call, one worker killed and two too late",
        worlds=151_117,
        steps=586_800,
        case=Case(merge=2, spare_causes=3, budget=Budget(kills=1, late=2)),
    ),
    Row(
        name="a shared call or two, the second event arriving at any moment, and a redrive",
        worlds=449_406,
        steps=1_658_911,
        case=Case(arriving=1, merge=2, budget=Budget(late=1, lost=1, redrives=1)),
    ),
    Row(
        name="a shared call, redriven and discarded from",
        worlds=54_388,
        steps=225_042,
        case=Case(merge=2, budget=Budget(late=1, redrives=1, discards=1)),
    ),
    Row(
        name="one event, two workers killed, two too late, two redrives",
        worlds=37_580,
        steps=153_550,
        case=Case(parks=ONE, spare_causes=3, budget=Budget(kills=2, late=2, redrives=2)),
    ),
    Row(
        name="the first event parked, every fault of workers and a redrive",
        worlds=125_081,
        steps=486_489,
        case=Case(parks=(True, False), merge=2, budget=Budget(kills=1, late=1, lost=1, redrives=1)),
    ),
    Row(
        name="both events parked, and redriven twice",
        worlds=196_799,
        steps=722_176,
        case=Case(parks=(True, True), merge=2, budget=Budget(kills=1, late=1, lost=1, redrives=2)),
    ),
    Row(
        name="three events, the third arriving, and a lease outlived",
        worlds=173_974,
        steps=575_103,
        case=Case(parks=THREE, arriving=1, merge=3, budget=Budget(late=1)),
    ),
]


@pytest.mark.parametrize("row", QUICK, ids=str)
def test_the_protocol_keeps_every_promise_in_every_world(row: Row) -> None:
    scripts = Scripts(row.case)

    found = search(scripts)

    assert found.told() == {}
    assert (len(found.reached), found.steps) == (row.worlds, row.steps)


@pytest.mark.slow
@pytest.mark.timeout(600)
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
