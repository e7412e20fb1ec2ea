"""What a supervisor told, what it may be given to start, and how its processes are found gone."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import Final

from shipper.local.child import Role
from shipper.local.fact import Fact

WAIT_SECONDS: Final = 30


class Told:
    """Keep what was told, and wait for what will be."""

    def __init__(self) -> None:
        self._facts: list[Fact] = []
        self._lock = Lock()

    def __call__(self, fact: Fact) -> None:
        with self._lock:
            self._facts.append(fact)

    @property
    def facts(self) -> list[Fact]:
        with self._lock:
            return list(self._facts)

    def events(self, process: str) -> list[str]:
        return [fact.event for fact in self.facts if fact.process == process]

    def wait_for(self, process: str, event: str, times: int = 1) -> Fact:
        """Return the fact that tells the event for the n-th time."""
        wait_until(lambda: self.events(process).count(event) >= times, f"{event} of {process} is not told")
        return [fact for fact in self.facts if (fact.process, fact.event) == (process, event)][times - 1]


def wait_until(condition: Callable[[], object], complaint: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{complaint} after {WAIT_SECONDS} s"
        time.sleep(0.01)


def is_gone(pid: int) -> bool:
    """Tell whether a process runs no more; a zombie that init has not buried yet counts as gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path("/proc").is_dir()


def role(
    name: str,
    program: str,
    *,
    environ: Mapping[str, str] | None = None,
    rank: int = 0,
    grace_ms: int = 10_000,
) -> Role:
    """A role whose program is a few lines of Python; it is ready when it has printed `ready`."""
    return Role(
        name=name,
        command=(sys.executable, "-u", "-I", "-S", "-c", program),
        environ=environ or {},
        is_ready=lambda _, said: "ready" in said,
        rank=rank,
        grace_ms=grace_ms,
    )
