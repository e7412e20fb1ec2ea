"""Coverage: each fault that must be survived, and the campaigns and tests that inject it, in `rows.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROWS: Final = Path(__file__).with_name("rows.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """One fault with what must hold under it, and where that is proven."""

    area: str
    """What is struck: `Redis`, `Workers`; rows of one area stand together."""
    fault: str
    must_hold: str
    campaigns: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    """Node ids from the root: `tests/producer/test_full.py::test_a_full_redis_refuses_…`."""


def coverage(path: Path = ROWS) -> tuple[Covered, ...]:
    """Read every row, in order; raise TypeError for a key that no row has."""
    return tuple(_covered(**row) for row in tomllib.loads(path.read_text())["row"])


def _covered(
    *, area: str, fault: str, must_hold: str, campaigns: Sequence[str] = (), tests: Sequence[str] = ()
) -> Covered:
    return Covered(
        area=area, fault=fault, must_hold=must_hold, campaigns=tuple(campaigns), tests=tuple(tests)
    )
