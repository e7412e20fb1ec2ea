"""Child: one process that a supervisor started, in a group of its own, and what it says."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import IO, Final

from shipper.clock import monotonic_ms
from shipper.local.fact import Fact, fact_of
from shipper.local.guard import Guard

KEPT_LINES: Final = 40
READ_OUT_S: Final = 1.0
"""How long a reader may go on behind an ended process whose output somebody else still holds."""

Tell = Callable[[Fact], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """How a process is started, and when it is ready: told by its pid and the lines it has written."""

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]
    is_ready: Callable[[int, Sequence[str]], bool]
    rank: int = 0
    """Roles are ended from the highest rank to the lowest."""
    grace_ms: int = 10_000
    """How long it may take to end after SIGTERM."""
    is_quiet: bool = False
    """What it says is kept for the case that it ends, and not told."""
    holds: tuple[int, ...] = ()
    """Open files that it inherits, and so holds as long as it lives."""


class Child:
    """Start a role's process, end it, start it again; each time in a session of its own.

    Signals of the terminal do not reach it, and whatever it started itself ends with it.
    """

    def __init__(self, role: Role, *, tell: Tell, guard: Guard) -> None:
        self.role = role
        self.said: deque[str] = deque(maxlen=KEPT_LINES)
        self.started_at = 0
        self._tell = tell
        self._guard = guard
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: Thread | None = None
        self._is_cleared = False

    @property
    def pid(self) -> int:
        """Return the pid of the process that was started last; 0 before the first."""
        return self._process.pid if self._process else 0

    @property
    def runs(self) -> bool:
        """Tell whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """Return how it ended: a code, a signal's number negative, or None while it runs."""
        return self._process.poll() if self._process else None

    @property
    def is_ready(self) -> bool:
        """Tell whether it runs and is ready to work."""
        return self.runs and self.role.is_ready(self.pid, tuple(self.said))

    def start(self) -> None:
        """Start the process; raise OSError if that is impossible."""
        self.said.clear()
        self._is_cleared = False
        self.started_at = monotonic_ms()
        self._process = subprocess.Popen(  # noqa: S603 - roles are made here, not by strangers
            self.role.command,
            env=dict(self.role.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=self.role.holds,
        )
        self._guard.watch(self._process.pid, self.role.rank)
        self._reader = Thread(
            target=self._read, args=(self._process.stdout,), name=self.role.name, daemon=True
        )
        self._reader.start()

    def ask_to_end(self) -> None:
        """Send SIGTERM to the process alone: its own children are its business."""
        if self._process is not None and self.runs:
            self._process.send_signal(signal.SIGTERM)
            self._process.send_signal(signal.SIGCONT)  # one that was stopped takes no SIGTERM

    def kill(self) -> None:
        """Send SIGKILL to the whole group, unless it was cleared away: its number may be another's now."""
        if self._process is not None and not self._is_cleared:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def clear_away(self) -> None:
        """Wait for an ended process, kill what it left of its group, and read the last it said."""
        if self._process is None:
            return
        self._process.wait()
        self.kill()
        self._is_cleared = True
        self._guard.forget(self._process.pid)
        if self._reader is not None:
            self._reader.join(READ_OUT_S)

    def _read(self, out: IO[bytes]) -> None:
        with out:
            for raw in out:
                line = raw.decode(errors="replace").rstrip()
                if line:
                    if not self.role.is_quiet:
                        self._pass_on(line)
                    # Behind the telling: what follows from a line, as that it is ready, is told after it.
                    self.said.append(line)

    def _pass_on(self, line: str) -> None:
        """Tell; but go on reading when nobody hears it any more, or the process would hang on its output."""
        fact = fact_of(self.role.name, line)
        with suppress(OSError, ValueError):
            if fact is not None:
                self._tell(fact)
