"""Run real Celery workers as processes of their own, each with its environment and log file."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.support import reaper
from tests.support.waiting import until

ROOT: Final = Path(__file__).parents[2]
START_SECONDS: Final = 30
STOP_SECONDS: Final = 45
"""billiard may wait for 30 s for children that have long ended."""
KEY: Final = "canary-api-key-1234"
"""What Gameball's key is in tests: found in a log, it is a leak."""

QUICK: Final[Mapping[str, str]] = {
    "SHIPPER_LOG": "json",
    "SHIPPER_TIMEOUT_MS": "1000",
    "SHIPPER_CONNECT_TIMEOUT_MS": "500",
    "SHIPPER_LEASE_MS": "6000",
    "SHIPPER_PACE_PER_SECOND": "0",
    "SHIPPER_PACE_PER_30_SECONDS": "0",
    "SHIPPER_BACKOFF_BASE_MS": "20",
    "SHIPPER_BACKOFF_CAP_MS": "100",
    "SHIPPER_PAUSE_STEP_MS": "100",
    "SHIPPER_PAUSE_MAX_MS": "200",
    "SHIPPER_SWEEP_MS": "200",
    "GAMEBALL_API_KEY": KEY,
}
"""An environment in which nothing waits for long: no pace, short backoffs, the shortest lease."""

PATIENT: Final[Mapping[str, str]] = {
    **QUICK,
    "SHIPPER_TIMEOUT_MS": "5000",
    "SHIPPER_CONNECT_TIMEOUT_MS": "3000",
    "SHIPPER_LEASE_MS": "10000",
}
"""The same where a test counts calls: one that a machine which stalls for a second cuts off is sent again."""

CELERY: Final = "celery -A workers worker"


class Worker:
    """Start `celery -A workers worker` with more arguments; its files, hook modules too, are in `folder`."""

    def __init__(
        self, folder: Path, arguments: tuple[str, ...], environment: Mapping[str, str], *, by: str = CELERY
    ) -> None:
        self.by = by
        self.folder = folder
        self.log_path = folder / "worker.log"
        self.arguments = arguments
        self.environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "the worker was never started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    @property
    def facts(self) -> list[dict[str, Any]]:
        """The lines that the worker logged as JSON, in order; not yet the one that it is about to write."""
        *lines, _ = self.log.split("\n")
        return [json.loads(line) for line in lines if line.startswith("{")]

    def told(self, event: str) -> list[dict[str, Any]]:
        """Return the facts of one kind."""
        return [fact for fact in self.facts if fact["event"] == event]

    def start(self, *, ready: bool = True) -> None:
        """Start, and wait until it consumes."""
        assert not self.running, "the worker runs already"
        self._process = self._spawn()
        reaper.watch(self._process.pid)
        if ready:
            self.await_ready()

    def await_ready(self) -> None:
        """Return when it consumes; fail if it ends instead."""
        until(self._consumes, within_s=START_SECONDS, why=lambda: self.log[-3000:])

    def terminate(self) -> None:
        """Ask it to end as an operator would (SIGTERM), and do not wait."""
        os.kill(self.pid, signal.SIGTERM)

    def wait(self, *, within_s: float = STOP_SECONDS) -> int:
        """Wait for its end, and return its exit code."""
        assert self._process is not None
        return self._process.wait(within_s)

    def kill(self) -> None:
        """End it as the out-of-memory killer would, with its children. Without a process nothing happens."""
        if self._process is None:
            return
        # It leads a group of its own, which outlives it as long as a child of its pool does.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        reaper.forget(self._process.pid)

    def freeze(self) -> None:
        """Make it hang (SIGSTOP) until `thaw`."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def _consumes(self) -> bool:
        assert self.running, f"the worker ended:\n{self.log[-3000:]}"
        return any(str(fact["event"]).endswith(" ready.") for fact in self.facts)

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self.log_path.open("ab") as log:
            # A session of its own: Ctrl-C is for pytest, which then ends its workers in order.
            return subprocess.Popen(
                [sys.executable, "-m", *self.by.split(), "-l", "INFO", *self.arguments],
                cwd=self.folder,
                env={**_inherited(), **self.environment, "PYTHONPATH": f"{ROOT}{os.pathsep}{self.folder}"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


def _inherited() -> dict[str, str]:
    """Keep out of a worker what would configure it behind the test's back."""
    ours = ("SHIPPER_", "GAMEBALL_", "REDIS_", "CELERY_", "SANDBOX_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
