"""Demo: ship a shop's events through everything that is real here, with faults, and see that it adds up."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Final, Protocol, TextIO

from shipper.admission import Receipt
from shipper.client import close, configure
from shipper.clock import monotonic_ms, now_ms
from shipper.enqueue import enqueue_events
from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Status, status
from shipper.ledger.pool import make_pool
from shipper.ledger.record import read_call
from shipper.local.admin import SandboxAdmin
from shipper.local.demo_hooks import TOLD_FILE
from shipper.local.ending import Ending
from shipper.local.fact import Fact
from shipper.local.plan import plan_of_demo
from shipper.local.progress import Meter, Progress
from shipper.local.report import Report, report_of
from shipper.local.shop import HOOK, Done, what_happens
from shipper.local.stack import Layout, Stack
from shipper.local.sums import Shipped
from shipper.local.surroundings import without_ours
from shipper.local.witnesses import hear_all
from shipper.outcome import OnUnclear
from shipper.settings import Settings

PACE_PER_SECOND: Final = 200
"""Twice Gameball's limit, so that the demo is brief."""
PACE_PER_30_SECONDS: Final = 30 * PACE_PER_SECOND
LATENCY_MS: Final = 20
TIMEOUT_MS: Final = 3000
SHORT: Final = {
    "SHIPPER_TIMEOUT_MS": str(TIMEOUT_MS),
    "SHIPPER_CONNECT_TIMEOUT_MS": "1000",
    "SHIPPER_CALLS_IN_FLIGHT": "16",
    "SHIPPER_LEASE_MS": str(TIMEOUT_MS + 5000),
    "SHIPPER_BACKOFF_BASE_MS": "100",
    "SHIPPER_BACKOFF_CAP_MS": "1000",
}
"""Retries and leases of the workers: short, so that what a killed worker had comes back in seconds."""

BUDGET_MS: Final = 5000
PARCEL: Final = 50
"""Most events of one enqueue."""
LOOK_MS: Final = 100
KILL_AT: Final = 0.12
"""The part of the events that has ended when a worker is killed: early, so its leases run out meanwhile."""
PATIENCE_MS: Final = 60_000
PATIENCE_MS_AN_EVENT: Final = 15
"""After a minute, and so long for each event, the demo counts whether or not all is at rest."""


class Audience(Protocol):
    """Whom the demo plays to."""

    def tell(self, fact: Fact) -> None:
        """Show something that happened. Called from several threads."""

    def opened(self, stack: Stack) -> None:
        """Show what runs now."""

    def look(self, progress: Progress) -> None:
        """Show how far it is."""


class Demo:
    """One demo, in a folder of its own."""

    def __init__(
        self, folder: Path, *, events: int, seed: int, environ: Mapping[str, str], audience: Audience
    ) -> None:
        self._folder = folder
        self._events = events
        self._seed = seed
        self._environ = without_ours(environ)
        self._audience = audience
        self._meter = Meter(events)
        self._shipped: list[Shipped] = []
        self._killed = ""
        self._cut_off = 0
        self._gate = ""
        self._log: TextIO

    def run(self, ending: Ending) -> Report:
        """Bring everything up, ship, wait until all is at rest, and count.

        Raise ShipperError where that is impossible, and InterruptedRunError when it is asked to end.
        """
        layout = self._furnish()
        with (
            (self._folder / "facts.jsonl").open("a", buffering=1) as self._log,
            Stack(layout, tell=self._tell, ending=ending) as stack,
        ):
            self._audience.opened(stack)
            pool = make_pool(stack.redis_url, budget_ms=BUDGET_MS)
            # Not from the environment: this process may have settings for a real account.
            configure(Settings.model_construct(redis_url=stack.redis_url, enqueue_budget_ms=BUDGET_MS))
            try:
                ledger, started_at = Ledger(pool, budget_ms=BUDGET_MS), monotonic_ms()
                self._play(stack, ledger, ending)
                return self._report(stack, ledger, took_ms=monotonic_ms() - started_at)
            finally:
                close()
                pool.disconnect()

    def _furnish(self) -> Layout:
        """Write what the processes will read, and say how they are started."""
        plan, told = self._folder / "plan.json", self._folder / "told"
        plan.write_text(json.dumps(plan_of_demo()))
        told.touch()
        limits = (f"--per-second={PACE_PER_SECOND}", f"--per-30-seconds={PACE_PER_30_SECONDS}")
        pace = {
            "SHIPPER_PACE_PER_SECOND": str(PACE_PER_SECOND),
            "SHIPPER_PACE_PER_30_SECONDS": str(PACE_PER_30_SECONDS),
        }
        hooks = {"SHIPPER_HOOKS": "shipper.local.demo_hooks", TOLD_FILE: str(told)}
        return Layout(
            folder=self._folder / "redis",
            environ={**self._environ, **SHORT, **pace, **hooks},
            sandbox=(f"--latency-ms={LATENCY_MS}", f"--plan={plan}", f"--seed={self._seed}", *limits),
            timeout_ms=TIMEOUT_MS,
        )

    def _play(self, stack: Stack, ledger: Ledger, ending: Ending) -> None:
        """Ship all, kill a worker on the way, and wait until everything is at rest."""
        parcels = parcels_of(what_happens(self._events, seed=self._seed))
        give_up_at = monotonic_ms() + PATIENCE_MS + PATIENCE_MS_AN_EVENT * self._events
        look_at, is_all_shipped = 0, False
        while monotonic_ms() < give_up_at:
            ending.wait(max(0, look_at - monotonic_ms()) if is_all_shipped else 0)
            if monotonic_ms() >= look_at:
                look_at = monotonic_ms() + LOOK_MS
                progress = self._look(ledger)
                self._kill_one(stack, ledger, progress)
                if is_all_shipped and progress.is_at_rest:
                    return
            parcel = next(parcels, ())
            self._ship(parcel)
            is_all_shipped = not parcel

    def _ship(self, parcel: tuple[Done, ...]) -> None:
        """Do what a shop does; the one line of it that matters is `enqueue_events`."""
        if not parcel:
            return
        deed = parcel[0].deed
        receipts = enqueue_events(
            [done.event for done in parcel],
            hook=HOOK if deed.hooked else None,
            on_unclear=OnUnclear.PARK if deed.parked else OnUnclear.RETRY,
        )
        for done, receipt in zip(parcel, receipts, strict=True):
            if not isinstance(receipt, Receipt):
                raise receipt
            self._shipped.append(Shipped(event_id=receipt.event_id, done=done))

    def _look(self, ledger: Ledger) -> Progress:
        seen = ledger.run(status())
        progress = self._meter.read(seen)
        self._watch_gate(seen)
        self._audience.look(progress)
        return progress

    def _watch_gate(self, seen: Status) -> None:
        """Tell when the account is held, and why: a 429 of the sandbox, or its breaker."""
        until = seen.gate.get("until", "")
        if until and until != self._gate:
            held_ms = max(0, int(until) - seen.now)
            fields = {"why": seen.gate.get("why", ""), "for_ms": held_ms}
            self._tell(Fact(process="account", event="account.held", level="warning", fields=fields))
        self._gate = until

    def _kill_one(self, stack: Stack, ledger: Ledger, progress: Progress) -> None:
        """Kill the worker that has the most calls under way, once enough has ended."""
        if self._killed or progress.ended < KILL_AT * progress.total:
            return
        names = {pid: name for name, pid in stack.supervisor.pids().items()}
        busy = [(calls, names[pid]) for pid, calls in _calls_by_pid(ledger).items() if pid in names]
        if busy:
            calls, self._killed = max(busy)
            fields = {"by": "SIGKILL", "calls_under_way": calls}
            self._tell(Fact(process=self._killed, event="worker.killed", level="warning", fields=fields))
            pid = stack.supervisor.kill(self._killed)
            # Nobody settles what it had: its calls stay on record until their leases end.
            self._cut_off = _calls_by_pid(ledger)[pid]

    def _report(self, stack: Stack, ledger: Ledger, *, took_ms: int) -> Report:
        admin = SandboxAdmin(stack.sandbox_url)
        return report_of(
            hear_all(self._shipped, ledger=ledger, admin=admin, told=self._folder / "told"),
            stats=admin.stats(),
            pace_per_second=PACE_PER_SECOND,
            worker_killed=self._killed,
            calls_cut_off=self._cut_off,
            took_ms=took_ms,
        )

    def _tell(self, fact: Fact) -> None:
        """Show a fact, and keep it for those who run with --keep."""
        self._log.write(json.dumps({"at": now_ms(), **asdict(fact)}) + "\n")
        self._audience.tell(fact)


def parcels_of(happens: Iterable[Done]) -> Iterator[tuple[Done, ...]]:
    """Yield what can be enqueued together: neighbours that are shipped alike, so that the order stays."""
    for _, alike in groupby(happens, key=lambda done: (done.deed.hooked, done.deed.parked)):
        many = list(alike)
        for first in range(0, len(many), PARCEL):
            yield tuple(many[first : first + PARCEL])


def _calls_by_pid(ledger: Ledger) -> Counter[int]:
    """Count the calls under way by the pid of their worker."""
    flat = ledger.ask("HGETALL", key_of(ledger.account, "calls"))
    return Counter(int(read_call(stored).worker.rpartition(":")[2]) for stored in flat[1::2])
