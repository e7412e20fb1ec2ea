"""Store: what finished parts found, kept in files, so that a run can be resumed where it was broken off."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from benchmarks.finding import Finding
from shipper.clock import now_ms

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / ".bench"
SOURCES: Final = ("shipper", "workers", "benchmarks")
SHOWN: Final = {"__main__.py", "catalogue.py", "machine.py", "page.py", "plot.py", "text.py"}
"""Modules that only show what was found: a change of theirs makes no result old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What one run of a part found, when, in how many rounds, and the hash of the sources it ran on."""

    name: str
    at: int
    took_s: int
    rounds: int
    sources: str
    finding: Finding


_KEPT: Final = TypeAdapter(Kept)


class Store:
    """Keep the results of the long runs apart from those of the quick ones."""

    def __init__(self, *, quick: bool, folder: Path = FOLDER) -> None:
        self._folder = folder / ("quick" if quick else "full")

    def keep(self, name: str, finding: Finding, *, took_s: int, rounds: int) -> Kept:
        """Write one result down, in place of the last of its name."""
        sources = hash_of_sources()
        kept = Kept(name=name, at=now_ms(), took_s=took_s, rounds=rounds, sources=sources, finding=finding)
        self._folder.mkdir(parents=True, exist_ok=True)
        fresh = self._path(name).with_suffix(".new")
        fresh.write_bytes(_KEPT.dump_json(kept, indent=1))
        fresh.replace(self._path(name))
        return kept

    def find(self, name: str) -> Kept | None:
        """Return the last result of a name; None if there is none."""
        try:
            return _KEPT.validate_json(self._path(name).read_bytes())
        except FileNotFoundError:
            return None

    def done(self, name: str, *, rounds: int) -> Kept | None:
        """Return a result of these very sources and at least so many rounds, if there is one."""
        kept = self.find(name)
        return kept if kept and kept.sources == hash_of_sources() and kept.rounds >= rounds else None

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def hash_of_sources() -> str:
    """Hash all that is measured and all that measures, 12 hexadecimal digits."""
    hashed = hashlib.sha256()
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in {".py", ".lua", ".toml", ".c"} and path.name not in SHOWN:
                hashed.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return hashed.hexdigest()[:12]
