"""Run a web server as a process of its own: on a free port of loopback, and leave none behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import requests

from tests.support import reaper
from tests.support.servers import HOST, _free_port
from tests.support.waiting import until

ROOT: Final = Path(__file__).parents[2]
STOP_SECONDS: Final = 30
ANSWER_SECONDS: Final = 30


class WebServer:
    """Start `python` with arguments made for a port, in `folder`; it listens when the port answers."""

    def __init__(
        self, arguments: Callable[[int], Sequence[str]], folder: Path, environment: Mapping[str, str]
    ) -> None:
        self.port = _free_port()
        self.log_path = folder / "web.log"
        self._arguments = arguments
        self._folder = folder
        self._environment = environment

    def __enter__(self) -> Self:
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self._arguments(self.port)],
                cwd=self._folder,
                env={**os.environ, "PYTHONPATH": str(ROOT), **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        reaper.watch(self._process.pid)
        until(self._listens, why=lambda: self.log)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def post(self, path: str, **given: Any) -> requests.Response:
        """Post over a connection of its own, past any proxy."""
        with requests.Session() as session:
            session.trust_env = False
            return session.post(f"http://{HOST}:{self.port}{path}", timeout=ANSWER_SECONDS, **given)

    def stop(self) -> int:
        """End it as Ctrl-C would, and return its exit code."""
        self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(STOP_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()
            reaper.forget(self._process.pid)

    def _listens(self) -> bool:
        assert self._process.poll() is None, f"the server ended:\n{self.log}"
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1):
            return True
        return False
