"""Guard: end what a supervisor started when the supervisor itself is gone, however it went.

A process of its own that holds the reading end of a pipe: the pipe ends when the supervisor does, by SIGKILL
too. (Linux' death signal would come when the *thread* that started a child ends, and macOS has none.) This
file is that process' program as well, so it imports nothing of ours.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

GRACE_S: Final = 5.0
"""How long each rank may take to end by itself, once the supervisor is gone."""
LOOK_S: Final = 0.05


class Guard:
    """Hold the pipe; tell the guard which process groups to end, those of the highest rank first."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def watch(self, pid: int, rank: int) -> None:
        """End this group too, if it comes to that; `pid` leads it."""
        self._tell(f"+ {pid} {rank}")

    def forget(self, pid: int) -> None:
        """Leave this group alone: it has ended."""
        self._tell(f"- {pid} 0")

    def close(self) -> None:
        """End the guard, and with it whatever it has not been told to forget."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
            self._process.wait()
            self._process = None

    def _tell(self, line: str) -> None:
        with self._lock:
            self._process = self._process or _start()
            with suppress(BrokenPipeError):  # somebody killed the guard: the rest works without it
                print(line, file=self._process.stdin, flush=True)


def _start() -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - this file, by this interpreter
        [sys.executable, "-I", "-S", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # Ctrl-C in a terminal must not end it before us
    )


def main(lines: Iterable[str]) -> None:
    """Read whom to watch until the lines end; then end them, rank by rank, the highest first."""
    ranks: dict[int, int] = {}
    for line in lines:
        sign, *numbers = line.split()
        pid, its_rank = map(int, numbers)
        if sign == "+":
            ranks[pid] = its_rank
        else:
            ranks.pop(pid, None)
    for now in sorted(set(ranks.values()), reverse=True):
        _end([pid for pid, rank in ranks.items() if rank == now])


def _end(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    waiting = threading.Event()
    for _ in range(int(GRACE_S / LOOK_S)):
        if not any(_is_there(pid) for pid in pids):
            return
        waiting.wait(LOOK_S)
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def _is_there(pid: int) -> bool:
    try:
        os.killpg(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    main(sys.stdin)
