"""Kill the processes that tests started when the test process itself is gone, however it went.

A child of ours holds the reading end of a pipe and knows the pids: the pipe closes when we die. (Linux' own
death signal would come when the *thread* that started a server ends, which is too early.)
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from typing import Final

CHILD: Final = """
import os, signal, sys
watched = set()
for line in sys.stdin:
    sign, pid = line.split()
    (watched.add if sign == "+" else watched.discard)(int(pid))
for pid in watched:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
"""


class Reaper:
    """Hold the pipe; the child starts with the first pid to watch. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None
        self._inherited: list[subprocess.Popen[str]] = []
        atexit.register(self._close)
        os.register_at_fork(after_in_child=self._let_go)

    def watch(self, pid: int) -> None:
        self._tell(f"+ {pid}")

    def forget(self, pid: int) -> None:
        self._tell(f"- {pid}")

    def _tell(self, line: str) -> None:
        with self._lock:
            if self._child is None:
                self._child = subprocess.Popen(
                    [sys.executable, "-I", "-S", "-c", CHILD],
                    stdin=subprocess.PIPE,
                    text=True,
                    start_new_session=True,  # Ctrl-C must not end it before us
                )
            print(line, file=self._child.stdin, flush=True)

    def _let_go(self) -> None:
        """In a forked child, which may outlive us: close our end of the pipe, and wait for nobody."""
        self._lock = threading.Lock()  # a thread that is not here may hold the other
        if self._child is not None and self._child.stdin is not None:
            self._child.stdin.close()
            self._inherited.append(self._child)
            self._child = None

    def _close(self) -> None:
        if self._child is not None and self._child.stdin is not None:
            self._child.stdin.close()
            self._child.wait()
            self._child = None


_reaper: Final = Reaper()
watch: Final = _reaper.watch
forget: Final = _reaper.forget
