"""Run a program in a pseudo-terminal, as a person would: see what it prints, answer, press Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.support import reaper
from tests.support.waiting import LIMIT_SECONDS, until

ROOT: Final = Path(__file__).parents[2]
SECONDS: Final = LIMIT_SECONDS
CTRL_C: Final = "\x03"
_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


class Terminal:
    """Start a program with a terminal of its own; leaving the `with` block ends it, whatever it does."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        columns: int = 80,
        lines: int = 40,
        cwd: Path = ROOT,
    ) -> None:
        self.output = ""
        """All that was printed, escape sequences included."""
        self._seen = 0
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509 - one ioctl, so that Ctrl-C reaches it
        )
        reaper.watch(self._process.pid)
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        reaper.forget(self._process.pid)
        os.close(self._ours)

    @property
    def text(self) -> str:
        """What was printed, without colours and movements."""
        return plain(self.output)

    def await_text(self, text: str, *, seconds: float = SECONDS) -> None:
        """Wait until this is printed, after what was awaited before."""
        deadline = time.monotonic() + seconds
        while (found := self.text.find(text, self._seen)) < 0:
            if not self._read(deadline):
                raise AssertionError(f"{text!r} was not printed:\n{self.text}")
        self._seen = found + len(text)

    def type(self, text: str) -> None:
        """Press keys; `\\n` is the return key.

        Ctrl-C waits until the program does: one that comes between the printing of a prompt and the reading
        of its answer interrupts nothing, and the reading goes on.
        """
        if CTRL_C in text:
            until(self._rests, why=lambda: self.text)
        os.write(self._ours, text.encode())

    def await_end(self, *, seconds: float = SECONDS) -> int:
        """Wait until the program ends; return its exit code."""
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            pass
        return self._process.wait(max(deadline - time.monotonic(), 0.1))

    def _rests(self) -> bool:
        """Tell whether the main thread sleeps; without /proc nobody knows, and it is taken to."""
        try:
            stat = Path(f"/proc/{self._process.pid}/stat").read_text()
        except FileNotFoundError:
            return True
        return stat.rpartition(")")[2].split()[0] == "S"

    def _read(self, deadline: float) -> bool:
        """Take what was printed; answer False at the end of the program or of the time."""
        ready, _, _ = select.select([self._ours], [], [], max(deadline - time.monotonic(), 0))
        if not ready:
            return False
        try:
            some = os.read(self._ours, 65_536)
        except OSError:  # on Linux a terminal whose program has ended cannot be read
            return False
        self.output += some.decode("utf-8", "replace")
        return bool(some)


def plain(output: str) -> str:
    """Return a terminal's output without colours and movements."""
    return _ESCAPES.sub("", output).replace("\r\n", "\n")


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
