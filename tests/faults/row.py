"""Row: one line of the matrix in docs/reliability.md, as a value and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from tests.faults.history import Tally

PEER = "Celery done well"
"""The policy of a row that measures plain Celery beside us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one fault did to one side, and what had to hold."""

    fault: str
    """What was done, as a noun: `Redis killed and restarted`."""
    policy: str
    """`retry`, `park`, `retry and park`, PEER, or the setting that the row is about; a dash: none matters."""
    injected: str
    """How often: `20 kills`, with its figure first."""
    load: str
    """Under which load: `6,000 events of 600 customers, 2 workers`."""
    tally: Tally | None = None
    """None where no events were shipped: a search, a simulation."""
    recovery_ms: int | None = None
    """From the last fault's end until nothing waited any more."""
    promised: bool = True
    """False for a row that is only measured: a peer, or a setting weaker than the promise asks for."""
    may_die: bool = False
    """Whether events may end dead: where Gameball refuses them, or nobody can read them."""
    note: str = ""
    """What a reader must know to read the row."""
    problems: tuple[str, ...] = ()
    """What did not hold; a green row has none."""

    @property
    def green(self) -> bool:
        """Tell whether all that was promised held."""
        return not self.promised or not self.wrongs

    @property
    def wrongs(self) -> tuple[str, ...]:
        """Name everything that did not hold, the counts included."""
        return (*(self._miscounted(self.tally) if self.tally else ()), *self.problems)

    def _miscounted(self, counted: Tally) -> Iterator[str]:
        """Name what the counts alone show; without an arrival they would show nothing."""
        if not counted.attempted:
            yield "nothing was sent"
        if counted.acknowledged and not counted.delivered:
            yield "nothing arrived"
        if counted.lost:
            yield f"{counted.lost} events lost"
        if counted.unexplained:
            yield f"{counted.unexplained} copies without a cause on record"
        if counted.waiting:
            yield f"{counted.waiting} events still waiting"
        if counted.dead and not self.may_die:
            yield f"{counted.dead} events dead"
        if counted.unclear and self.policy == "retry":
            yield f"{counted.unclear} events unclear, which were to be sent again"
        if self.policy == "park" and counted.most_copies > 1:
            yield "a parked event arrived twice"


def to_json(rows: list[Row]) -> list[dict[str, Any]]:
    """Return the rows as JSON has them."""
    found: list[dict[str, Any]] = json.loads(json.dumps([asdict(row) for row in rows]))
    return found


def from_json(rows: list[dict[str, Any]]) -> list[Row]:
    """Read the rows back."""
    return [
        Row(
            **{
                **row,
                "tally": Tally(**row["tally"]) if row["tally"] else None,
                "problems": tuple(row["problems"]),
            }
        )
        for row in rows
    ]
