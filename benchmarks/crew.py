"""Crew: the worker processes of one contestant, and what they cost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Self

ROOT: Final = Path(__file__).parents[1]
BIN: Final = Path(sys.executable).parent
TICK: Final = os.sysconf("SC_CLK_TCK")
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_COMMANDS: Final[dict[tuple[str, str], list[tuple[str, ...]]]] = {}
"""What was asked before: it takes a second, and never changes."""


class Crew:
    """Run a contestant's commands, each the leader of a group of its own; ended with all their children."""

    def __init__(
        self, commands: Iterable[tuple[str, ...]], environment: Mapping[str, str], folder: Path
    ) -> None:
        self._commands = tuple(commands)
        self._environment = environment
        self._log = folder / "workers.log"
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            for name, *arguments in self._commands:
                program = sys.executable if name == "python" else BIN / name
                process = subprocess.Popen(  # noqa: S603 - the contestants' own commands
                    [program, *arguments],
                    cwd=ROOT,
                    env=self._environment,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
                self._running.append(process)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            finally:
                process.wait()

    def said(self) -> str:
        """Return what they wrote."""
        return self._log.read_text(errors="replace")

    def pids(self) -> list[int]:
        """Return the processes of all groups, children too."""
        leaders = {process.pid for process in self._running}
        found = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
        return [pid for pid in found if _group(pid) in leaders]


def commands_of(module: str, attribute: str, environment: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Ask a contestant's module for its commands, in a process of its own: it configures its library."""
    if (module, attribute) in _COMMANDS:
        return _COMMANDS[module, attribute]
    asked = [sys.executable, "-m", "benchmarks.load", module, attribute]
    printed = subprocess.run(  # noqa: S603 - our own module
        asked, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    return _COMMANDS.setdefault(
        (module, attribute), [tuple(line.split("\t")) for line in printed.splitlines()]
    )


def cpu_s(pids: Iterable[int]) -> float:
    """Return the CPU seconds that processes have used, user and system; those gone count nothing."""
    return sum(int(fields[11]) + int(fields[12]) for pid in pids if (fields := _stat(pid))) / TICK


def rss_bytes(pids: Iterable[int]) -> int:
    """Return the memory that processes hold."""
    return sum(int(fields[21]) for pid in pids if (fields := _stat(pid))) * PAGE_BYTES


def _group(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[2]) if fields else 0


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/<pid>/stat behind the name, or none of a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
