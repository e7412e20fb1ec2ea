"""Plan: which trouble strikes when, for how long, and with which dice. A seed gives the same plan."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

Undo = Callable[[], object]
"""Ends a trouble."""

NOBODY: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One kind of trouble. `begin` takes the scene and the dice of the step, and returns how to end it."""

    name: str
    begin: Callable[[Any, random.Random], Undo | None]
    target: str = NOBODY
    """What it holds while it lasts: two troubles of one target never overlap, those of different ones do."""
    lasts_s: tuple[float, float] = (0.0, 0.0)
    """At least and at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One trouble at its time, in seconds since the start."""

    at_s: float
    for_s: float
    trouble: Trouble
    dice: int
    """Seed of what the trouble itself draws."""

    @property
    def ends_s(self) -> float:
        """Return when it ends."""
        return self.at_s + self.for_s


GAP_S: Final = 0.3
"""Between two troubles of one target: it is whole for at least so long."""


def plan(troubles: Sequence[Trouble], *, seed: int, seconds: float, every_s: float) -> tuple[Step, ...]:
    """Deal troubles like cards, a deck for each target, so that each kind comes as often as its neighbours.

    A target with many kinds is struck more often than one with few, but not so much more: by the root.
    All have ended after `seconds`.
    """
    dice = random.Random(seed)  # noqa: S311 - reproducible is the point
    kinds: dict[str, list[Trouble]] = {}
    for trouble in troubles:
        kinds.setdefault(trouble.target, []).append(trouble)
    decks: dict[str, list[Trouble]] = {target: [] for target in kinds}
    free = dict.fromkeys(kinds, 0.0)
    steps: list[Step] = []
    at_s = 0.0
    while (at_s := at_s + every_s * dice.uniform(0.5, 1.5)) < seconds:
        targets = [target for target in kinds if free[target] <= at_s]
        if not targets:
            continue
        (target,) = dice.choices(targets, [math.sqrt(len(kinds[each])) for each in targets])
        decks[target] = decks[target] or dice.sample(kinds[target], len(kinds[target]))
        found = decks[target].pop()
        for_s = min(dice.uniform(*found.lasts_s), seconds - at_s)
        if target != NOBODY:
            free[target] = at_s + for_s + GAP_S
        steps.append(Step(at_s=at_s, for_s=for_s, trouble=found, dice=dice.randrange(2**32)))
    return tuple(steps)
