"""Faults on demand: which calls are struck, and by what.

A fault strikes only calls that Gameball would have accepted, so that one refusal never hides
another, and `first: 3` means three calls that would otherwise have been applied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from pydantic import BaseModel, ConfigDict, Field

from shipper.sandbox.act import OWN, Act
from shipper.sandbox.contract import Track


class Match(BaseModel):
    """Which calls: all conditions that are given must hold; none given: every call."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event: str | None = None
    customer: str | None = None
    every: int | None = Field(None, ge=1)
    """Of the calls that match so far, each n-th."""
    share: float | None = Field(None, ge=0, le=1)
    """Of the calls that match so far, this part, drawn by the sandbox's seed."""
    first: int | None = Field(None, ge=1)
    """Strike this often, then never again."""


class FaultSpec(BaseModel):
    """A fault as the plan's file and the admin API give it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    match: Match = Match()
    do: Act


@dataclass(slots=True, kw_only=True)
class Fault:
    """A fault under its number, with how often it matched and struck."""

    fault_id: int
    spec: FaultSpec
    random: Random
    matched: int = 0
    struck: int = 0

    def strikes(self, track: Track) -> bool:
        """Decide about one call, and count it."""
        match = self.spec.match
        if not self._concerns(track) or (match.first is not None and self.struck >= match.first):
            return False
        self.matched += 1
        if match.every is not None and self.matched % match.every:
            return False
        if match.share is not None and self.random.random() >= match.share:
            return False
        self.struck += 1
        return True

    def _concerns(self, track: Track) -> bool:
        match = self.spec.match
        return match.event in (None, *track.events) and match.customer in (None, track.customer_id)


class Faults:
    """Hold the faults in the order they came; the first that strikes a call has it."""

    def __init__(self, seed: int, planned: tuple[FaultSpec, ...] = ()) -> None:
        self._seed = seed
        self._faults: dict[int, Fault] = {}
        self._last_id = 0
        for spec in planned:
            self.add(spec)

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults.values())

    def add(self, spec: FaultSpec) -> Fault:
        """Put a fault behind those there are. Its number and the seed decide its share's draws."""
        self._last_id += 1
        random = Random(f"{self._seed}:{self._last_id}")  # noqa: S311 - reproducible is the point
        fault = Fault(fault_id=self._last_id, spec=spec, random=random)
        self._faults[fault.fault_id] = fault
        return fault

    def remove(self, fault_id: int) -> bool:
        """Forget one fault; say whether it was there."""
        return self._faults.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Forget all faults."""
        self._faults.clear()

    def strike(self, track: Track) -> Act:
        """Return what happens to this call."""
        for fault in self:
            if fault.strikes(track):
                return fault.spec.do
        return OWN
