"""Store: what campaigns found, kept in files, so that a run can go on where it was broken off."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from tests.faults.row import Row, from_json, to_json

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / ".faults"
PRODUCT: Final = ("shipper", "workers", "deploy")
SUFFIXES: Final = frozenset({".py", ".lua", ".toml", ".c", ".template"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one run of a campaign found."""

    name: str
    seed: int
    took_s: int
    sources: str
    """Hash of all that it ran, harness and product."""
    product: dict[str, str]
    """The files of the product, each with the hash of what it said."""
    machine: str
    """What it ran on: cores, Python, servers."""
    rows: tuple[Row, ...]
    failure: str = ""
    """Why it did not come to its end; empty if it did."""

    @property
    def green(self) -> bool:
        """Tell whether it ended, showed anything, and all that was promised held."""
        return not self.failure and bool(self.rows) and all(row.green for row in self.rows)

    def changed(self, product: dict[str, str]) -> list[str]:
        """List the files of the product that have changed, come or gone since."""
        return sorted({path for path, _ in self.product.items() ^ product.items()})


class Store:
    """Keep the results of the long runs apart from those of the quick ones."""

    def __init__(self, *, quick: bool, folder: Path = FOLDER) -> None:
        self.folder = folder / ("quick" if quick else "full")

    def keep(self, found: Found) -> None:
        """Write one result down, in place of the last of its name."""
        self.folder.mkdir(parents=True, exist_ok=True)
        content = {**asdict(found), "rows": to_json(list(found.rows))}
        path = self._path(found.name)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(content, indent=1))
        fresh.replace(path)

    def find(self, name: str) -> Found | None:
        """Return the last result of a name; None if there is none."""
        try:
            content = json.loads(self._path(name).read_text())
        except FileNotFoundError:
            return None
        return Found(**{**content, "rows": tuple(from_json(content["rows"]))})

    def done(self, name: str, sources: str) -> Found | None:
        """Return a green result of these very sources, if there is one."""
        found = self.find(name)
        return found if found and found.green and found.sources == sources else None

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def hash_of(sources: Iterable[str], root: Path = ROOT) -> str:
    """Hash files and folders that campaigns run, 12 hexadecimal digits."""
    return _hash("\n".join(f"{path} {said}" for path, said in hashes_of(sources, root).items()).encode())


def hashes_of(sources: Iterable[str], root: Path = ROOT) -> dict[str, str]:
    """Hash each file of these files and folders, by its path."""
    found = {}
    for source in sources:
        place = root / source
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.suffix in SUFFIXES:
                found[str(path.relative_to(root))] = _hash(path.read_bytes())
    return found


def _hash(said: bytes) -> str:
    return hashlib.sha256(said).hexdigest()[:12]
