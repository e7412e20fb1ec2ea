"""Forks: lead many lives at once, each in a process of its own, forked from one that has imported everything.

The client of `tests.faults.lives`, which does the forking: it writes a request a line, and is told a line
when a life has ended.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from tests.faults.boundaries import Strike, go_of
from tests.faults.clock import Clock
from tests.faults.life import ROUNDS
from tests.support import reaper
from tests.support.waiting import until
from tests.support.worker import ROOT

HOOK: Final = "told"
AT_ONCE: Final = 8
"""Lives led at the same time."""


@dataclass(slots=True, kw_only=True)
class Fork:
    """One life in a process of its own."""

    account: str
    path: Path
    ended: bool = False
    killed: bool = False

    @property
    def trace(self) -> list[str]:
        """Return what it crossed."""
        return self.path.read_text().splitlines() if self.path.exists() else []

    def go_on(self) -> None:
        """Let it go on, if it is stopped."""
        go_of(self.path).touch()


class Forks:
    """The client's side. Use as a context."""

    def __init__(self, folder: Path, redis_url: str, gameball_url: str, **settings: object) -> None:
        self.build = ""
        """The broken build that lives begun from now on are led on (see `tests.faults.broken`)."""
        self.clock = Clock(folder / "clock")
        self._folder = folder
        self._forks: list[Fork] = []
        self._open = 0
        self._unheard = b""
        with (folder / "forks.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "tests.faults.lives",
                    str(folder),
                    redis_url,
                    gameball_url,
                    json.dumps(settings),
                ],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                start_new_session=True,
            )
        reaper.watch(self._process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        reaper.forget(self._process.pid)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    @property
    def told(self) -> list[str]:
        """Return the event id of every call of the hook."""
        path = self._folder / "told"
        return path.read_text().split() if path.exists() else []

    def start(self, account: str, *strikes: Strike, rounds: int = ROUNDS) -> Fork:
        """Lead one life."""
        fork = Fork(account=account, path=self._folder / f"{len(self._forks)}.trace")
        self._forks.append(fork)
        self._ask("live", [account], fork.path, strikes, rounds=rounds)
        return fork

    def produce(self, account: str, kind: str, ids: Sequence[str], *strikes: Strike) -> Fork:
        """Let a producer enqueue events under these ids or keys."""
        fork = Fork(account=account, path=self._folder / f"{len(self._forks)}.trace")
        self._forks.append(fork)
        self._ask("produce", [account], fork.path, strikes, kind=kind, ids=list(ids))
        return fork

    def finish(self, accounts: Sequence[str], *, processes: int = 2) -> None:
        """Let unstruck workers do what is left, and return when nothing is."""
        forks = []
        for i in range(processes):
            if mine := accounts[i::processes]:
                forks.append(Fork(account="", path=self._folder / f"{len(self._forks)}.trace"))
                self._forks.append(forks[-1])
                self._ask("finish", mine, forks[-1].path, ())
        if forks:
            self.wait(*forks)

    def wait(self, *forks: Fork) -> None:
        """Return when these have ended; all, where none are named."""
        while any(not fork.ended for fork in forks) if forks else self._open:
            self._hear()

    def wait_until_stopped(self, fork: Fork) -> None:
        """Return when it stands at a boundary; fail if it ends instead."""

        def stands() -> bool:
            self._hear(0.0)
            return fork.ended or bool(fork.trace and fork.trace[-1].startswith("stopped"))

        until(stands, why=lambda: str(fork.trace))
        assert not fork.ended, f"a worker did not come as far as it should: {fork.trace[-1:]}"

    def release(self) -> None:
        """Let everybody who is stopped go on, and return when all have ended."""
        for fork in self._forks:
            if not fork.ended:
                fork.go_on()
        self.wait()

    def _ask(
        self, job: str, accounts: Sequence[str], path: Path, strikes: Iterable[Strike], **more: object
    ) -> None:
        while self._open >= AT_ONCE:
            self._hear()
        request = {
            "number": len(self._forks) - 1,
            "job": job,
            "build": self.build,
            "accounts": accounts,
            "trace": str(path),
            "strikes": ",".join(f"{strike.deed}:{strike.at}:{strike.name}" for strike in strikes),
            **more,
        }
        _pipe(self._process.stdin).write(f"{json.dumps(request)}\n".encode())
        self._open += 1

    def _hear(self, within_s: float | None = None) -> None:
        """Note which lives have ended, once there is something to hear."""
        heard = _pipe(self._process.stdout)
        if not select.select([heard], [], [], within_s)[0]:
            return
        piece = os.read(heard.fileno(), 65536)
        assert piece, self._log
        *lines, self._unheard = (self._unheard + piece).split(b"\n")
        for line in lines:
            number, code = json.loads(line)
            fork = self._forks[number]
            fork.ended, fork.killed = True, code == -signal.SIGKILL
            self._open -= 1
            assert code in {0, -signal.SIGKILL}, self._log

    @property
    def _log(self) -> str:
        return (self._folder / "forks.log").read_text()[-3000:]


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe
