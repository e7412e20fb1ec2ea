"""Supervisor: start processes, start again what ends, end all of them in order, leave nothing behind."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Event as Flag
from threading import Lock, Thread
from types import TracebackType
from typing import Final, Self

from shipper.clock import monotonic_ms
from shipper.errors import ShipperError
from shipper.local.child import Child, Role, Tell
from shipper.local.ending import Ending
from shipper.local.fact import Fact
from shipper.local.guard import Guard
from shipper.local.port import free_port, is_free

LOOK_MS: Final = 50
READY_MS: Final = 60_000
"""Longest wait for a process to be ready; a slow machine imports Celery for many seconds."""
AGAIN_MS: Final = 500
AGAIN_MAX_MS: Final = 30_000
"""The first wait before a process is started again, doubling up to the longest."""
STEADY_MS: Final = 10_000
"""One that lived for so long is no crash loop: its next wait is the first again."""
TRIES: Final = 5
"""Ports tried for a server, should somebody be quicker to take them."""


class NotReadyError(ShipperError):
    """Say that a process ended, or took too long, before it was ready, and the last it said."""


class Supervised:
    """A child under care: how often it ended early, and when it is started again."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.is_settled = False
        """Its first start is over, so the care is the supervisor's."""
        self.is_ready = False
        self.again_at: int | None = None
        self.early_ends = 0

    def ended(self) -> int:
        """Take note of its end; return the ms until it is started again."""
        lived_ms = monotonic_ms() - self.child.started_at
        self.early_ends = 0 if lived_ms > STEADY_MS else self.early_ends + 1
        wait_ms: int = min(AGAIN_MAX_MS, AGAIN_MS << max(0, min(self.early_ends, 16) - 1))
        self.again_at = monotonic_ms() + wait_ms
        return wait_ms


class Supervisor:
    """Care for processes from a thread of its own; as a context manager, end them all with it."""

    def __init__(self, tell: Tell, ending: Ending) -> None:
        self._tell = tell
        self._ending = ending
        self._all: list[Supervised] = []
        self._lock = Lock()
        self._stopping = Flag()
        self._guard = Guard()
        self._thread = Thread(target=self._care, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, *roles: Role) -> None:
        """Start processes together, and wait until all are ready.

        Raise NotReadyError, or InterruptedRunError when the run is asked to end meanwhile.
        """
        started = [self._start(role) for role in roles]
        deadline = monotonic_ms() + READY_MS
        for each in started:
            while not each.child.is_ready:
                self._check(each.child, deadline)
                self._ending.wait(LOOK_MS)
            each.is_ready = each.is_settled = True
            self._say(each.child, "process.ready", pid=each.child.pid)

    def start_server(self, role_on: Callable[[int], Role], *, preferred: int = 0) -> int:
        """Start a server on a free port, and return the port; `preferred` if that is free."""
        for left in reversed(range(TRIES)):
            port = free_port(preferred)
            try:
                self.start(role_on(port))
            except NotReadyError:
                if is_free(port) or not left:  # the port was not the reason
                    raise
            else:
                return port
        raise AssertionError("the last try returns or raises")

    def pids(self) -> dict[str, int]:
        """Return the pid of each process, by its name."""
        return {each.child.role.name: each.child.pid for each in self._everyone()}

    def kill(self, name: str) -> int:
        """Kill a process as the out-of-memory killer would, and return its pid; it is started again."""
        (child,) = (each.child for each in self._everyone() if each.child.role.name == name)
        pid = child.pid
        child.kill()
        return pid

    def stop(self) -> None:
        """End all, the highest rank first; what outlives its grace, or a hurry, is killed."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        everyone = [each.child for each in self._everyone()]
        for rank in sorted({child.role.rank for child in everyone}, reverse=True):
            self._end([child for child in everyone if child.role.rank == rank])
        with self._lock:
            self._all.clear()
        self._guard.close()

    def _start(self, role: Role) -> Supervised:
        each = Supervised(Child(role, tell=self._tell, guard=self._guard))
        with self._lock:
            self._all.append(each)
        each.child.start()
        return each

    def _check(self, child: Child, deadline: int) -> None:
        """Raise if the child will not be ready any more; what remains of it is cleared away."""
        code = child.exit_code
        if code is None and monotonic_ms() < deadline:
            return
        child.kill()
        child.clear_away()
        with self._lock:
            self._all = [each for each in self._all if each.child is not child]
        how = f"is not ready after {READY_MS // 1000} s" if code is None else f"ended with {_how(code)}"
        last = "".join(f"\n  {line}" for line in list(child.said)[-10:])
        raise NotReadyError(f"{child.role.name} {how} before it was ready{last}")

    def _care(self) -> None:
        while not self._stopping.wait(LOOK_MS / 1000):
            for each in self._everyone():
                if each.is_settled:
                    self._look_after(each)

    def _look_after(self, each: Supervised) -> None:
        child, code = each.child, each.child.exit_code
        if code is None:
            if not each.is_ready and child.is_ready:
                each.is_ready = True
                self._say(child, "process.ready", pid=child.pid)
        elif each.again_at is None:
            each.is_ready = False
            child.clear_away()
            wait_ms = each.ended()
            said = {"said": child.said[-1]} if child.said and code > 0 else {}
            self._say(child, "process.ended", "warning", by=_how(code), again_in_ms=wait_ms, **said)
        elif monotonic_ms() >= each.again_at:
            each.again_at = None
            try:
                child.start()
            except OSError as error:
                self._say(child, "process.not_started", "error", error=str(error), again_in_ms=each.ended())
            else:
                self._say(child, "process.started", pid=child.pid)

    def _end(self, children: Sequence[Child]) -> None:
        for child in children:
            child.ask_to_end()
        asked_at = monotonic_ms()
        while late := [child for child in children if child.runs]:
            waited_ms = monotonic_ms() - asked_at
            for child in late:
                if self._ending.hurried.is_set() or waited_ms > child.role.grace_ms:
                    self._say(child, "process.killed", "warning", after_ms=waited_ms)
                    child.kill()
                    child.clear_away()
            self._ending.hurried.wait(LOOK_MS / 1000)
        for child in children:
            child.clear_away()
            self._say(child, "process.stopped")

    def _everyone(self) -> list[Supervised]:
        with self._lock:
            return list(self._all)

    def _say(self, child: Child, event: str, level: str = "info", **fields: object) -> None:
        with suppress(OSError, ValueError):  # nobody hears it any more: no reason to care less
            self._tell(Fact(process=child.role.name, event=event, level=level, fields=fields))


def _how(code: int) -> str:
    """Name how a process ended, as Popen tells it."""
    try:
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"
    except ValueError:
        return f"signal {-code}"
