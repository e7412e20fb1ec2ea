"""A breadth-first search through every world of a case; whatever it finds first has the shortest trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from .invariants import Broken, broken_by_step, broken_in, is_at_rest
from .scripts import Scripts
from .steps import CALM, Step, steps
from .world import World, canonical

StepCheck = Callable[[World, Step, World], Iterator[Broken]]


@dataclass(slots=True, kw_only=True)
class Search:
    """What a search has reached and found."""

    scripts: Scripts
    reached: dict[World, tuple[World, Step] | None] = field(default_factory=dict)
    """Each canonical world, with the world and the step by which it was found first."""
    steps: int = 0
    broken: dict[Broken, list[Step]] = field(default_factory=dict)
    """The shortest trace to each thing found broken."""

    def told(self) -> dict[Broken, list[str]]:
        """Return what was found broken, in words."""
        return {what: [str(taken) for taken in trace] for what, trace in self.broken.items()}

    def note(self, what: Broken, world: World, last: Step | None = None) -> None:
        """Keep the first trace to what is broken."""
        if what not in self.broken:
            self.broken[what] = self.trace(world, last)

    def trace(self, world: World, last: Step | None = None) -> list[Step]:
        """Return the shortest way to a reached world and one step more, each worker under one number."""
        way = [] if last is None else [(world, last)]
        while edge := self.reached[world]:
            way.append(edge)
            world = edge[0]
        return _named(way[::-1], self.scripts)


def search(
    scripts: Scripts, *, step_check: StepCheck = broken_by_step, until: Broken | None = None
) -> Search:
    """Visit every world of the scripts' case, or stop as soon as `until` is found broken."""
    found = Search(scripts=scripts)
    case = scripts.case
    first = canonical(case.first_world(), case.spare_causes)
    found.reached[first] = None
    worlds = [first]
    calm: dict[World, World | None] = {}
    for world in worlds:  # it grows while it is read: that is the queue
        onward: World | None = None
        for taken, raw in steps(world, scripts):
            found.steps += 1
            for what in step_check(world, taken, raw):
                found.note(what, world, taken)
            after = canonical(raw, case.spare_causes)
            if after not in found.reached:
                found.reached[after] = (world, taken)
                worlds.append(after)
                for what in broken_in(after, case):
                    found.note(what, after)
            if onward is None and taken.verb in CALM:
                onward = after
        calm[world] = onward
        if until in found.broken:
            return found
    for world in _stuck(worlds, calm):
        found.note(Broken.STUCK, world)
    return found


def play(scripts: Scripts, trace: list[Step]) -> Iterator[World]:
    """Yield the world after each step of a trace, with all copies and causes counted."""
    world = scripts.case.first_world()
    for taken in trace:
        world = dict(steps(world, scripts))[taken]
        yield world


def _named(way: list[tuple[World, Step]], scripts: Scripts) -> list[Step]:
    """Return the steps with the workers' own numbers, which sorting the slots has shuffled."""
    trace = []
    numbers = list(range(scripts.case.slots))
    for world, taken in way:
        trace.append(taken if taken.worker is None else replace(taken, worker=numbers[taken.worker]))
        slots = dict(steps(world, scripts))[taken].slots
        seats = sorted(zip(slots, numbers, strict=True), key=lambda seat: (seat[0], -seat[1]), reverse=True)
        numbers = [number for _, number in seats]
    return trace


def _stuck(worlds: list[World], calm: dict[World, World | None]) -> Iterator[World]:
    """Yield the worlds from which calm steps alone never lead to rest."""
    restful = {world for world in worlds if is_at_rest(world)}
    for start in worlds:
        way: dict[World, None] = {}
        world: World | None = start
        while world is not None and world not in restful and world not in way:
            way[world] = None
            world = calm[world]
        if world in restful:
            restful.update(way)
        else:
            yield start
