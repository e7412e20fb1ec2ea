"""Stopped: what must come of events whose worker is stopped amid its work while others go on, step by step.

Each story is told by lives of workers that stand still at a boundary until they are let go on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.faults.boundaries import Deed, Strike
from tests.faults.enumeration import Enumeration, Point
from tests.faults.points import Line, Scene

OUTAGE_MS: Final = 40_000
"""Longer than a lease, in one step: no sweep ran meanwhile."""
CROWD: Final = 5
MARGIN_MS: Final = 10_000
"""What `pace_margin_ms` is where these are told: a claim older than this is not sent. The clock moves by a
lease, twice as much; a busy machine takes less from a claim to its call."""
LEASE_MS: Final = 20_000
"""What `lease_ms` is there: long enough for the clock to pass a ticket's life and no lease's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What happens, and the cell that must come of it (see points.toml)."""

    name: str
    scene: Scene
    happens: Callable[[Enumeration, str], tuple[str, ...]]
    """Told of the account; names what was not as it must be, beside the cell."""
    cell: str

    def tell(self, stage: Enumeration) -> Point:
        """Let it happen; then let an unstruck worker finish."""
        stage.warm_up(self.scene)
        stay = stage.settle_in(self.scene)
        try:
            complaints = self.happens(stage, stay.account)
        except AssertionError as error:
            complaints = (str(error).splitlines()[0],)
            stage.forks.release()
        stage.forks.finish([stay.account], processes=1)
        ((found, unsound),) = stage.look([stay])
        return Point(
            scene=self.name,
            struck=self.scene.key,
            expected=(self.cell,),
            found=found,
            complaints=(*complaints, *unsound),
        )


def _at(deed: Deed, name: str, at: int = 1) -> Strike:
    return Strike(deed=deed, at=at, name=name)


def _between_claim_and_post(stage: Enumeration, account: str) -> tuple[str, ...]:
    zombie = stage.forks.start(account, _at(Deed.HOLD_AFTER, "claim"), _at(Deed.KILL_AFTER, "settle"))
    stage.forks.wait_until_stopped(zombie)
    stage.forks.finish([account], processes=1)  # which moves the clock beyond the lease
    zombie.go_on()
    stage.forks.wait(zombie)
    return ("it posted all the same",) if ">post" in zombie.trace else ()


def _in_the_call_then_accepted(stage: Enumeration, account: str) -> tuple[str, ...]:
    zombie = stage.forks.start(account, _at(Deed.HOLD_BEFORE, "settle"), _at(Deed.KILL_AFTER, "settle"))
    stage.forks.wait_until_stopped(zombie)
    stage.forks.wait(stage.forks.start(account, _at(Deed.KILL_AFTER, "claim")))
    zombie.go_on()
    stage.forks.wait(zombie)
    return ()


def _in_the_call_then_refused(stage: Enumeration, account: str) -> tuple[str, ...]:
    zombie = stage.forks.start(account, _at(Deed.HOLD_BEFORE, "settle"), _at(Deed.KILL_AFTER, "settle"))
    stage.forks.wait_until_stopped(zombie)
    second = stage.forks.start(account, _at(Deed.HOLD_BEFORE, "post"), _at(Deed.KILL_AFTER, "settle"))
    stage.forks.wait_until_stopped(second)
    zombie.go_on()
    stage.forks.wait(zombie)
    # The second one's call is still under way: a third finds nothing to do, though all tickets have run out.
    stage.forks.wait(stage.forks.start(account, rounds=2))
    second.go_on()
    stage.forks.wait(second)
    return ()


def _outage_in_the_call(stage: Enumeration, account: str) -> tuple[str, ...]:
    worker = stage.forks.start(account, _at(Deed.HOLD_BEFORE, "settle"))
    stage.forks.wait_until_stopped(worker)
    stage.forks.clock.move(account, OUTAGE_MS)
    stage.forks.wait(stage.forks.start(account, rounds=0))
    worker.go_on()
    stage.forks.wait(worker)
    return ()


def _many_dispatchers(stage: Enumeration, account: str) -> tuple[str, ...]:
    # At once: one after another they could take longer than a ticket lasts.
    lives = [stage.forks.start(account, _at(Deed.KILL_BEFORE, "publish"), rounds=0) for _ in range(CROWD)]
    stage.forks.wait(*lives)
    pumps = sum(1 for life in lives if life.killed)
    return () if pumps == 1 else (f"{pumps} pumps were started for one lane",)


def _scene(*answers: dict[str, object]) -> Scene:
    return Scene(
        name="told step by step",
        policy="retry",
        does="",
        events=1,
        answers=answers,
        always=False,
        lines=(Line(boundary="-", killed="", lost=""),),
    )


STORIES: Final = (
    Story(
        name="stopped between claim and POST",
        scene=_scene(),
        happens=_between_claim_and_post,
        cell="1 d 1 1",
    ),
    Story(
        name="stopped in the call, then accepted",
        scene=_scene(),
        happens=_in_the_call_then_accepted,
        cell="1 d 1 1",
    ),
    Story(
        name="stopped in the call, then refused",
        scene=_scene({"status": 503, "code": 5003}),
        happens=_in_the_call_then_refused,
        cell="1 d 1 1",
    ),
    Story(
        name="an outage in the call",
        scene=_scene(),
        happens=_outage_in_the_call,
        cell="1 d 0 1",
    ),
    Story(
        name="one lane, many dispatchers",
        scene=_scene(),
        happens=_many_dispatchers,
        cell="1 d 0 1",
    ),
)
