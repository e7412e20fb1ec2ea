"""Finding: what one part of the benchmark came to, as values that a terminal, a page and a file can show."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

NOTHING: Final = chr(0x2013)
"""What a cell says where there is nothing to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A figure of several rounds: the median, and how far the rounds lay apart."""

    low: float
    middle: float
    high: float

    @property
    def width(self) -> float:
        """Return the distance of the outermost rounds as a part of the median."""
        return (self.high - self.low) / self.middle if self.middle else 0.0


def spread_of(rounds: Sequence[float]) -> Spread:
    """Sum several rounds up; raise StatisticsError for none."""
    return Spread(low=min(rounds), middle=statistics.median(rounds), high=max(rounds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """Something that was asked for, and what was found."""

    name: str
    sign: Literal["≥", "≤"]
    limit: float
    found: float
    unit: str = ""

    @property
    def met(self) -> bool:
        """Tell whether what was found is on the right side of the limit."""
        return self.found >= self.limit if self.sign == "≥" else self.found <= self.limit

    @property
    def verdict(self) -> str:
        """Say `met`, or by how much it is not."""
        if self.met:
            return "met"
        return f"not met, by {abs(self.found - self.limit) / self.limit:.0%}" if self.limit else "not met"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of text under a header; the first column names the row."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar of a plot; `ours` is drawn apart from what others use."""

    label: str
    spread: Spread
    ours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Bars of one unit, drawn as docs/performance/<name>.svg."""

    name: str
    title: str
    unit: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Everything that one part found."""

    tables: tuple[Table, ...]
    goals: tuple[Goal, ...] = ()
    plots: tuple[Plot, ...] = ()
