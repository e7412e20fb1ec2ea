"""Boundaries: every command to Redis, every POST, every hook; numbered, and one of them is struck.

A process notes each boundary that it reaches in a trace, a file that outlives it: `>claim` before, `<claim`
after; `<claim idle` for one that brought nothing to do, `!claim` for one that raised.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import Final, TypeVar

T = TypeVar("T")

LOOK_S: Final = 0.005
DECISIVE: Final = frozenset({"claim", "post", "settle", "hook_claim", "hook", "hook_settle"})
"""Boundaries that may change what becomes of an event; whatever happens at the others changes nothing."""


class Deed(StrEnum):
    """What happens to the process at a boundary."""

    KILL_BEFORE = "killed before"
    KILL_AFTER = "killed after"
    LOSE = "answer lost"
    """It was carried out, and the caller is told that the time ran out."""
    HOLD_BEFORE = "stopped before"
    HOLD_AFTER = "stopped after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """Do something at the `at`-th boundary (from 1) of a name, or of all where `name` is empty."""

    deed: Deed
    at: int
    name: str = ""


class Boundaries:
    """Count what a process crosses, and strike. Any thread may cross."""

    def __init__(self, strikes: Iterable[Strike] = (), trace: Path | None = None) -> None:
        self.quiet = False
        """Whether what is crossed now is the test's own look, and counts for nothing."""
        self._strikes = frozenset(strikes)
        self._trace = trace
        self._file = os.open(trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if trace else None
        self._crossed: Counter[str] = Counter()
        self._lock = Lock()

    def cross(
        self,
        name: str,
        act: Callable[[], T],
        *,
        lost: Callable[[T], T] | None = None,
        idle: Callable[[T], bool] = lambda answer: False,
    ) -> T:
        """Act, unless the process is struck; `lost` raises or returns what the caller is told instead."""
        if self.quiet:
            return act()
        deeds = self.reach(name)
        try:
            answer = act()
        except Exception:
            self._note(f"!{name}")
            self._leave(name, deeds)
            raise
        return self.leave(name, deeds, answer, lost=lost, idle=idle)

    async def across(self, name: str, act: Callable[[], Awaitable[T]], *, lost: Callable[[T], T]) -> T:
        """Do what `cross` does, for an event loop."""
        deeds = self.reach(name)
        try:
            answer = await act()
        except Exception:
            self._note(f"!{name}")
            self._leave(name, deeds)
            raise
        self._note(f"<{name}")
        self._leave(name, deeds)
        if Deed.LOSE in deeds:
            self._note(f"lost {name}")
            return lost(answer)
        return answer

    def reach(self, name: str) -> set[Deed]:
        """Cross the near side of a boundary whose far side another call of the product crosses."""
        with self._lock:
            self._crossed[""] += 1
            self._crossed[name] += 1
            places = {("", self._crossed[""]), (name, self._crossed[name])}
        deeds = {strike.deed for strike in self._strikes if (strike.name, strike.at) in places}
        if Deed.KILL_BEFORE in deeds:
            self._die(f"killed before {name}")
        if Deed.HOLD_BEFORE in deeds:
            self._hold(f"stopped before {name}")
        self._note(f">{name}")
        return deeds

    def leave(
        self,
        name: str,
        deeds: set[Deed],
        answer: T,
        *,
        lost: Callable[[T], T] | None = None,
        idle: Callable[[T], bool] = lambda answer: False,
    ) -> T:
        """Cross the far side with what the near side found to be done there."""
        self._note(f"<{name}{' idle' if idle(answer) else ''}")
        self._leave(name, deeds)
        if Deed.LOSE in deeds and lost is not None:
            self._note(f"lost {name}")
            return lost(answer)
        return answer

    def _leave(self, name: str, deeds: set[Deed]) -> None:
        if Deed.KILL_AFTER in deeds:
            self._die(f"killed after {name}")
        if Deed.HOLD_AFTER in deeds:
            self._hold(f"stopped after {name}")

    def _hold(self, why: str) -> None:
        assert self._trace is not None, "who stops needs a trace, so that somebody notices"
        self._note(why)
        while not go_of(self._trace).exists():
            time.sleep(LOOK_S)

    def _die(self, why: str) -> None:
        self._note(why)
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)  # the signal is on its way

    def _note(self, line: str) -> None:
        if self._file is not None:
            os.write(self._file, f"{line}\n".encode())


def go_of(trace: Path) -> Path:
    """Return the file that lets a stopped process go on, once it is there."""
    return trace.with_suffix(".go")


def decided(trace: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the decisive boundaries of a trace that were crossed, and those begun, not ended.

    A call that is settled without a POST was handed back unsent, on a slow machine: it decided nothing.
    """
    crossed: list[str] = []
    begun: list[str] = []
    for line in trace:
        name, _, idle = line[1:].partition(" ")
        if name not in DECISIVE:
            continue
        if line[0] == ">":
            begun.append(name)
        elif line[0] in "<!":
            begun.remove(name)
            if line[0] == "<" and not idle:
                crossed.append(name)
        if crossed[-2:] == ["claim", "settle"]:
            del crossed[-2:]
    return crossed, begun
