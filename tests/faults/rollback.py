"""Rollback: which second copies a ledger that lost its last moments explains, and what must hold even so."""

from __future__ import annotations

import time
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace

from tests.faults.field import Field
from tests.faults.history import WAITS
from tests.faults.row import Row
from tests.faults.side import Shipper


class Rollbacks:
    """Note what has ended while a field is under way: no roll-back excuses that it is sent again.

    An event that had not ended for sure may arrive once more for each roll-back, and no oftener.
    """

    def __init__(self, field: Field) -> None:
        self._field = field
        self._looks: list[tuple[float, frozenset[str]]] = []
        self._ended: list[frozenset[str]] = []

    def look(self) -> None:
        """Wait until something has ended, and note all that has. The peer has no causes, and no looks."""
        if isinstance(self._field.side, Shipper):
            self._field.until(self._look, why="nothing ends")

    def went_back(self, to: float) -> None:
        """Say that the ledger may have forgotten what is newer than a moment of the monotonic clock."""
        self._looks = [look for look in self._looks if look[0] <= to]
        self._ended.append(self._looks[-1][1] if self._looks else frozenset())

    def explained(self, row: Row) -> Row:
        """Take the account-wide cause into account where it explains a copy; complain of other copies."""
        side, tally = self._field.side, row.tally
        if not isinstance(side, Shipper) or tally is None:
            return row
        unexcused = sum(self._unexcused(side))
        excused = (tally.unexplained or 0) - unexcused
        problems = [problem for problem in row.problems if not problem.endswith("causes on record")]
        causes = side.causes() or 0
        if tally.duplicated - excused > causes:
            problems.append(f"{tally.duplicated - excused} copies have only {causes} causes on record")
        if (tally.lost or excused) and not recorded(side):
            problems.append("the ledger went back, and no roll-back is on record")
        if not any(self._ended):
            problems.append("nothing had ended before any roll-back: every copy would be excused")
        if side.policy == "park":
            often = len(self._surplus())
            problems += [f"{often} parked events arrived oftener than roll-backs excuse"] if often else []
        note = f"{excused} copies have the account-wide cause *ledger rolled back*"
        return replace(
            row,
            tally=replace(tally, unexplained=unexcused),
            note="; ".join(part for part in (row.note, note) if part),
            problems=tuple(problems),
        )

    def _look(self) -> bool:
        assert self._field.load is not None
        ends = self._field.side.ends(self._field.load.attempts)
        ended = frozenset(reference for reference, end in ends.items() if end.state not in WAITS)
        self._looks.append((time.monotonic(), ended))
        return bool(ended)

    def _surplus(self) -> dict[str, int]:
        return surplus(self._field.copies(), self._ended)

    def _unexcused(self, side: Shipper) -> Iterator[int]:
        assert self._field.load is not None
        ends = side.ends(self._field.load.attempts)
        for reference, extra in self._surplus().items():
            end = ends.get(reference)
            yield max(0, extra - (end.causes or 0 if end else 0))


def surplus(copies: Mapping[str, int], ended: Sequence[Container[str]]) -> dict[str, int]:
    """Return how many second copies of each event no roll-back excuses; `ended` has those before each."""
    over = {
        reference: count - 1 - sum(reference not in before for before in ended)
        for reference, count in copies.items()
    }
    return {reference: extra for reference, extra in over.items() if extra > 0}


def recorded(side: Shipper) -> int:
    """Tell how many roll-backs the ledger has on record."""
    return int(side.stage.status().meta.get("rolled_back", 0))


def held(row: Row, fault: str) -> Row:
    """Return what a setting weaker than the promise must hold too: all but that nothing is lost.

    That a parked event arrives twice is judged by `Rollbacks.explained`, one by one.
    """
    assert row.tally is not None
    spared = replace(row.tally, lost=0, most_copies=min(row.tally.most_copies, 1))
    problems = replace(row, promised=True, tally=spared).wrongs
    return replace(row, fault=fault, promised=True, tally=None, problems=problems)
