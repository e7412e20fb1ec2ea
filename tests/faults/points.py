"""Points: read points.toml, which says what must come of events at every point where a worker is struck."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.faults.boundaries import Deed, decided

TABLE: Final = Path(__file__).parent / "points.toml"
RETRY: Final = "retry"
PARK: Final = "park"
LETTERS: Final = {"delivered": "d", "dead": "x", "unclear": "u", "waiting": "w", "in_flight": "f"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One boundary of a scene: the cell that holds from there on, and the cell for its answer lost."""

    boundary: str
    killed: str
    lost: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What Gameball does to the events of one customer, and what must come of it, under one policy."""

    name: str
    policy: str
    does: str
    events: int
    answers: tuple[dict[str, Any], ...]
    """Faults of the sandbox, one after another; then it accepts."""
    always: bool
    """Whether the answers never end."""
    lines: tuple[Line, ...]

    @property
    def key(self) -> str:
        """Name it and its policy."""
        return f"{self.name}, {self.policy}"

    @property
    def steps(self) -> list[str]:
        """Return the decisive boundaries in the order in which an untouched life crosses them."""
        return [line.boundary for line in self.lines[1:]]

    def cells(self, deed: Deed, trace: Sequence[str]) -> list[str]:
        """Return what may have come of a life with this trace: one cell, two if it died amid a boundary.

        Of a process with several threads one may have been amid a POST when another was struck.
        """
        if deed is Deed.LOSE:
            return [self._lost(trace)]
        crossed, begun = decided(trace)
        wanted = self.steps[: len(crossed)]
        if crossed != wanted:
            return [f"a life that crosses {' '.join(wanted)}, not {' '.join(crossed)}"]
        place = len(crossed)
        return [line.killed for line in self.lines[place : place + 1 + len(begun)]]

    def _lost(self, trace: Sequence[str]) -> str:
        """Return the cell of the boundary whose answer was lost; an idle one decides nothing."""
        at = next((number for number, line in enumerate(trace) if line.startswith("lost ")), None)
        if at is None:
            crossed, _ = decided(trace)
            whole = crossed == self.steps
            return self.lines[0].killed if whole else f"a whole life, which crosses {' '.join(self.steps)}"
        before, _ = decided(trace[: at - 1])
        crossed, _ = decided(trace[:at])
        return self.lines[len(crossed)].lost if len(crossed) > len(before) else self.lines[0].killed


def scenes(path: Path = TABLE) -> list[Scene]:
    """Read every scene, once for each policy."""
    return [
        Scene(
            name=name,
            policy=policy,
            does=found["does"],
            events=found["events"],
            answers=tuple(found["answers"]),
            always=found.get("always", False),
            lines=tuple(_line(line) for line in found[policy].strip().splitlines()),
        )
        for name, found in tomllib.loads(path.read_text()).items()
        for policy in (RETRY, PARK)
    ]


def _line(text: str) -> Line:
    boundary, *words = text.split()
    assert len(words) in {4, 8}, f"a line has one cell or two of four words each: {text}"
    return Line(boundary=boundary, killed=" ".join(words[:4]), lost=" ".join(words[4:]))
