"""Workers and producers struck at every boundary: what must come of it stands in points.toml.

Here every life is led without Celery, in a forked process, with the clock moved. `make faults` kills whole
Celery workers too, and tries every scene both before and after each boundary.
"""

from __future__ import annotations

import pytest

from tests.faults import producers
from tests.faults.boundaries import Deed, Strike
from tests.faults.checks import Yard
from tests.faults.enumeration import ALL, missed_in, wrong
from tests.faults.points import scenes
from tests.faults.stopped import STORIES, Story
from tests.support.servers import StartServer

WHOLE = ("accepted", "unanswered")
"""Scenes struck in every way. Nothing lies after one boundary and before the next: the others are killed on
one side only."""


@pytest.mark.parametrize("policy", ["retry", "park"])
def test_a_worker_killed_or_left_unanswered_at_any_boundary_does_what_the_table_says(
    there: Yard, policy: str
) -> None:
    mine = [scene for scene in scenes() if scene.policy == policy]

    whole = there.stage.walk([scene for scene in mine if scene.name in WHOLE], ALL)
    killed = there.stage.walk([scene for scene in mine if scene.name not in WHOLE], [Deed.KILL_AFTER])

    assert wrong([*whole, *killed]) == []
    assert len(whole) > 2 * 3 * 15
    assert len(killed) > 5 * 15


def test_a_producer_killed_or_left_unanswered_at_any_command_leaves_its_events_whole_or_absent(
    there: Yard, private_server: StartServer
) -> None:
    private_server(on="redis7", options={"replicaof": f"127.0.0.1 {there.server.port}"})

    points = producers.walk(there.stage, producers.KINDS, forget=there.forget_scripts)

    assert wrong(points) == []
    assert len(points) > 80


@pytest.mark.parametrize("story", STORIES, ids=[story.name for story in STORIES])
def test_a_worker_that_stands_still_while_others_go_on_does_what_its_story_says(
    there: Yard, story: Story
) -> None:
    point = story.tell(there.stage)

    assert wrong([point]) == []


def test_a_strike_at_a_boundary_that_no_life_comes_to_is_complained_of(there: Yard) -> None:
    accepted = next(scene for scene in scenes() if scene.name == "accepted")
    strike = Strike(deed=Deed.KILL_AFTER, at=1, name="wait")

    (point,) = there.stage.strike([(accepted, strike)])

    assert (point.struck, point.complaints) == ("untouched", ("never came about: killed after wait 1",))
    assert not point.holds


@pytest.mark.parametrize(
    ("deed", "at", "missed"),
    [
        (Deed.KILL_BEFORE, 3, True),
        (Deed.KILL_BEFORE, 4, False),
        (Deed.KILL_AFTER, 2, True),
        (Deed.LOSE, 1, True),
        (Deed.LOSE, 2, False),  # nothing is answered to who publishes
        (Deed.LOSE, 3, False),  # it raised: there was no answer
    ],
)
def test_an_unstruck_life_was_missed_if_it_crossed_the_boundary_to_be_struck(
    deed: Deed, at: int, *, missed: bool
) -> None:
    trace = [">sweep", "<sweep", ">publish", "<publish", ">claim", "!claim"]

    assert missed_in(trace, Strike(deed=deed, at=at)) is missed
