"""Part: one thing that is measured, by name, and how much effort is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.finding import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to measure: `quick` shows that everything works, its figures are worth little."""

    rounds: int
    quick: bool
    say: Callable[[str], object]
    """Tells what is under way."""

    def scaled(self, full: int, quick: int) -> int:
        """Return the size of a measurement."""
        return quick if self.quick else full


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something to measure: `python -m benchmarks NAME` runs it alone."""

    name: str
    title: str
    about: str
    """A paragraph for the page: what is measured and how."""
    minutes: float
    """What it takes about, in full."""
    main: Callable[[Effort], Finding]
    rounds: int = 3
    """Rounds of a full run; fewer where one is long and its figure hardly moves."""
