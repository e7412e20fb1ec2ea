"""Field: where one campaign meets one side: its Redis, its Gameball, its load, and what came of it all."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from typing import Final

from redis.exceptions import RedisError

from shipper.errors import ShipperError
from tests.faults.history import Tally, disorder, lies, tally
from tests.faults.load import Load, Sending
from tests.faults.row import Row
from tests.faults.side import Side
from tests.support.proxy import Proxy
from tests.support.sandbox import Sandbox
from tests.support.servers import RedisServer
from tests.support.worker import Worker

LOOK_SECONDS: Final = 0.05
GRACE_SECONDS: Final = 60
"""How long a worker may take to end; what a row asks of it is less."""
MOST_PROBLEMS: Final = 5
"""Of one kind in a row; how many more there are is said."""

Check = Callable[[Tally], Iterable[str]]
"""Looks at a run that has come to rest, and names what did not hold."""


class Field:
    """Drive one side through one campaign. Times are seconds of the monotonic clock."""

    def __init__(
        self,
        side: Side,
        server: RedisServer,
        sandbox: Sandbox,
        *,
        seed: int,
        quick: bool,
        say: Callable[[str], None],
    ) -> None:
        self.side = side
        self.server = server
        self.sandbox = sandbox
        self.random = random.Random(seed)  # noqa: S311 - reproducible is the point
        self.quick = quick
        self.say = say
        self.load: Sending | None = None
        self.unordered: set[str] = set()
        """References of events whose place among their customer's is not promised: parked, or redriven."""
        self.exits = 0
        """Workers that ended by themselves and were started again."""
        self.gone: set[Worker] = set()
        """Workers that ended because the campaign wanted it: nobody starts them again."""
        self.recover_within_s: float | None = None
        """How long after the last fault something may still wait; None: as long as there is patience."""
        self._healed = time.monotonic()
        self._wrongs: list[str] = []
        self._checks: list[Check] = []
        self._stack = ExitStack()

    def close(self) -> None:
        """Take down what was put up for this field alone."""
        self._stack.close()

    def proxy(self) -> Proxy:
        """Put a proxy before Redis; it lasts as long as the field."""
        return self._stack.enter_context(Proxy(self.server.port))

    def wrong(self, complaint: str) -> None:
        """Say that something did not hold."""
        self._wrongs.append(complaint)

    def check(self, check: Check) -> None:
        """Let this be looked at when all has come to rest."""
        self._checks.append(check)

    def start_load(
        self, *, events: int, customers: int, per_second: float = 1000.0, threads: int = 4
    ) -> Load:
        """Begin to send; `load` holds it."""
        load = Load(
            self.side.send, events=events, customers=customers, per_second=per_second, threads=threads
        )
        self.send(load)
        return load

    def send(self, load: Sending) -> None:
        """Begin to send a load of another kind; `load` holds it."""
        assert self.load is None, "a field has one load"
        self.load = load
        load.start()

    def until(self, condition: Callable[[], object], *, within_s: float = 60.0, why: str = "") -> None:
        """Wait for a condition; start workers again that ended by themselves, as a supervisor would."""
        deadline = time.monotonic() + within_s
        while not self._holds(condition):
            self.tend()
            assert time.monotonic() < deadline, f"not so after {within_s} s: {why}\n{self._logs()}"
            time.sleep(LOOK_SECONDS)

    def pass_time(self, seconds: float) -> None:
        """Let the faults work for so long, the workers tended."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= end, within_s=seconds + 60)

    def tend(self) -> None:
        """Start every worker again that ended by itself."""
        for worker in self.side.workers:
            if worker not in self.gone and not worker.running:
                self.exits += 1
                worker.start(ready=False)

    def kill(self, worker: Worker) -> None:
        """Kill a worker with all its children, and start it again."""
        worker.kill()
        worker.start(ready=False)

    def end(self, worker: Worker) -> float:
        """Ask a worker to end (SIGTERM), and let it stay away until `begin`; return the seconds it took."""
        self.gone.add(worker)
        asked = time.monotonic()
        worker.terminate()
        worker.wait(within_s=GRACE_SECONDS)
        return time.monotonic() - asked

    def begin(self, worker: Worker, *, ready: bool = True) -> None:
        """Start a worker again that was ended."""
        self.gone.discard(worker)
        worker.start(ready=ready)

    def dismiss(self, worker: Worker) -> None:
        """Let a worker that ends, or has ended, stay away."""
        self.gone.add(worker)

    def healed(self) -> None:
        """Say that the last fault has just ended: recovery counts from now."""
        self._healed = time.monotonic()

    def rest(self, *, within_s: float = 120.0) -> int:
        """Wait until the load was sent and nothing waits any more; return the ms since the last fault."""
        assert self.load is not None, "without a load there is nothing to wait for"
        self.load.finish()
        at_rest = [0.0]

        def rests() -> bool:
            now = time.monotonic()
            if self.side.active():
                at_rest[0] = 0.0
            elif not at_rest[0]:
                at_rest[0] = now
            return bool(at_rest[0]) and now - at_rest[0] >= self.side.quiet_s

        self.until(rests, within_s=within_s, why="events still wait")
        return round((at_rest[0] - self._healed) * 1000)

    def row(
        self, fault: str, injected: str, *, note: str = "", within_s: float = 120.0, may_die: bool = False
    ) -> Row:
        """Wait for rest, check the whole history, and return the line of the matrix."""
        assert self.load is not None
        problems, recovery_ms = self._wrongs.copy(), None
        try:
            recovery_ms = self.rest(within_s=within_s)
        except AssertionError as error:
            problems.append(str(error).splitlines()[0])
        if recovery_ms is not None and self.recover_within_s and recovery_ms > self.recover_within_s * 1000:
            problems.append(f"recovered after {recovery_ms} ms, later than {self.recover_within_s:g} s")
        attempts = self.load.attempts
        arrived = self.arrived()
        copies, ends = Counter(arrived), self.side.ends(attempts)
        causes = self.side.causes()
        counted = tally(attempts, copies, ends, keeps_causes=causes is not None)
        if self.side.promised:
            problems += first(lies(attempts, copies, ends))
            problems += first(
                disorder([each for each in attempts if each.reference not in self.unordered], arrived)
            )
            problems += first(iter(self.side.findings()))
            if causes is not None and counted.duplicated > causes:
                problems.append(f"{counted.duplicated} duplicates have only {causes} causes on record")
            problems += [complaint for check in self._checks for complaint in check(counted)]
        else:
            note = "; ".join([note, *self.side.findings()] if note else self.side.findings())
        ended = f"{self.exits} workers ended by themselves" if self.exits else ""
        workers = f"{len(self.side.workers)} worker{'' if len(self.side.workers) == 1 else 's'}"
        return Row(
            fault=fault,
            policy=self.side.policy,
            injected=injected,
            load=f"{self.load.sent:,} events of {self.load.customers:,} customers, {workers}",
            tally=counted,
            recovery_ms=recovery_ms,
            promised=self.side.promised,
            may_die=may_die,
            note="; ".join(part for part in (note, ended) if part),
            problems=tuple(problems),
        )

    def arrived(self) -> list[str]:
        """Return the reference of each copy that Gameball accepted, in the order of arrival."""
        return [
            metadata["reference"]
            for call in self.sandbox.accepted()
            for metadata in call["events"].values()
            if "reference" in metadata
        ]

    def copies(self) -> Counter[str]:
        """Count how often Gameball accepted each reference."""
        return Counter(self.arrived())

    def _holds(self, condition: Callable[[], object]) -> bool:
        with suppress(RedisError, ShipperError, OSError):
            return bool(condition())
        return False

    def _logs(self) -> str:
        return "\n".join(f"{worker.folder.name}:\n{worker.log[-1500:]}" for worker in self.side.workers)


def first(complaints: Iterable[str]) -> list[str]:
    """Keep the first few complaints of one kind, and say how many more there are."""
    found = list(complaints)
    more = [f"and {len(found) - MOST_PROBLEMS} more like it"] if len(found) > MOST_PROBLEMS else []
    return found[:MOST_PROBLEMS] + more
