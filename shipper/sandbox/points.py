"""The points ledger: every accepted copy is rewarded again, so a duplicate shows."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from shipper.sandbox.contract import Track

DEFAULT_POINTS: Final = 10
MAX_NUMBER: Final = 2**53
"""JSON holds larger whole numbers not exactly."""


class Rule(BaseModel):
    """What one event earns: `points`, or `points` for each unit of a number in its metadata."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    points: int = Field(1, ge=0)
    property: str


class Rules(BaseModel):
    """Which event name earns what; names that are not listed earn `default`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    default: int = Field(DEFAULT_POINTS, ge=0)
    events: dict[str, int | Rule] = {}

    def points_for(self, name: str, metadata: dict[str, object]) -> int:
        """Return the points of one event, rounded down; no number, or a negative or huge one, earns none."""
        match self.events.get(name, self.default):
            case int(points):
                return points
            case Rule(points=points, property=key):
                return floor(points * _number(metadata.get(key)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What one customer has, and how many accepted calls and events brought it."""

    points: int = 0
    events: int = 0
    calls: int = 0


NOTHING: Final = Balance()


class Points:
    """Hold the balance of every customer; an unknown one is created by its first call."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.balances: dict[str, Balance] = {}
        self.names: set[str] = set()
        """Every event name that was ever accepted."""

    def reward(self, track: Track) -> None:
        """Credit the events of one accepted call."""
        self.names.update(track.events)
        before = self.balances.get(track.customer_id, NOTHING)
        earned = sum(self._rules.points_for(name, metadata) for name, metadata in track.events.items())
        self.balances[track.customer_id] = Balance(
            points=before.points + earned, events=before.events + len(track.events), calls=before.calls + 1
        )


def _number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return value if 0 <= value <= MAX_NUMBER else 0
