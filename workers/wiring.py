"""Wiring: put a worker process together, once a process, and again in a child after a fork."""

from __future__ import annotations

import importlib
import os
import socket
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from shipper.clock import monotonic_ms
from shipper.errors import Problem, SettingsError
from shipper.ledger.durability import Durability, inspect_durability
from shipper.ledger.ledger import Ledger
from shipper.ledger.pool import Pool, make_pool
from shipper.logs import get_logger
from shipper.settings import Settings, load_settings
from workers.completion import Counter, Teller
from workers.gameball import Gameball
from workers.pump import Pump, Station
from workers.settings import Account, load_accounts
from workers.slots import Flag, SharedFlag, Slots

log: Final = get_logger(__name__)

LEDGER_BUDGET_MS: Final = 3000
"""Longest time that a worker waits for one answer of the ledger."""


@dataclass(slots=True, kw_only=True)
class Works:
    """All that one process needs to deliver and to tell."""

    settings: Settings
    accounts: dict[str, Account]
    worker: str
    pool: Pool
    stopping: Flag
    lock: Lock = field(default_factory=Lock)
    stations: dict[str, Station] = field(default_factory=dict)
    counters: dict[str, Counter] = field(default_factory=dict)
    pumps: dict[str, list[Pump]] = field(default_factory=dict)

    def ledger(self, account: str) -> Ledger:
        """Return an account's book."""
        return Ledger(self.pool, account, budget_ms=LEDGER_BUDGET_MS)

    def run_pump(self, account: str, ticket: str) -> int:
        """Run a pump, unless this process runs as many as it may: then another worker may have it."""
        if not self._serves(account):
            return 0
        pump = Pump(self._station(account), ticket=ticket)
        with self.lock:
            running = self.pumps.setdefault(account, [])
            crowded = len([other for other in running if not other.draining]) >= self.settings.pumps
            if not crowded:
                running.append(pump)
        if crowded:
            pump.decline()
            return 0
        try:
            return pump.run()
        finally:
            with self.lock:
                running.remove(pump)

    def run_teller(self, account: str, ticket: str) -> int:
        """Tell hooks that are due."""
        if not self._serves(account):
            return 0
        return Teller(self._counter(account), ticket=ticket).run()

    def wake(self, account: str) -> None:
        """Let this process' pumps look at once."""
        with self.lock:
            pumps = list(self.pumps.get(account, ()))
        for pump in pumps:
            pump.wake()

    def hanging_hooks(self) -> list[str]:
        """Name the hooks that run for longer than twice their limit: a thread cannot be ended."""
        limit = monotonic_ms() - 2 * self.settings.hook_timeout_ms
        tellings = [list(counter.telling.values()) for counter in self.counters.values()]
        return [hook for telling in tellings for hook, since in telling if since < limit]

    def _serves(self, account: str) -> bool:
        """Tell whether the account is ours: a message may be for other workers, or forged."""
        if account not in self.accounts:
            log.warning("account.unknown")  # and not which: the name came from outside
        return account in self.accounts

    def _station(self, account: str) -> Station:
        with self.lock:
            if account not in self.stations:
                most = self.settings.calls_in_flight * self.settings.pumps
                self.stations[account] = Station(
                    ledger=self.ledger(account),
                    gameball=Gameball(
                        self.accounts[account], connect_timeout_ms=self.settings.connect_timeout_ms
                    ),
                    settings=self.settings,
                    executor=make_executor(most),
                    slots=Slots(most),
                    worker=self.worker,
                    stopping=self.stopping,
                )
            return self.stations[account]

    def _counter(self, account: str) -> Counter:
        with self.lock:
            if account not in self.counters:
                self.counters[account] = Counter(
                    ledger=self.ledger(account), settings=self.settings, stopping=self.stopping
                )
            return self.counters[account]


class _Process:
    """The works of the process that asks, and the flag that it shares with those forked from it."""

    pid = 0
    stopping: Flag = SharedFlag()
    works: Works | None = None
    lock = Lock()


os.register_at_fork(after_in_child=lambda: setattr(_Process, "lock", Lock()))


def works() -> Works:
    """Return this process' works, put together at the first call; a forked child gets its own."""
    with _Process.lock:
        if _Process.works is None or _Process.pid != os.getpid():
            _Process.works, _Process.pid = _assemble(), os.getpid()
        return _Process.works


def stop_claiming() -> None:
    """Let the pumps of this process and of its children claim no more; a signal handler may call it."""
    _Process.stopping.set()


def _assemble() -> Works:
    settings = load_settings()
    accounts = load_accounts(settings, os.environ, need_keys=False)
    return Works(
        settings=settings,
        accounts=accounts,
        worker=worker_name(),
        pool=make_pool(settings.redis_url, budget_ms=LEDGER_BUDGET_MS),
        stopping=_Process.stopping,
    )


def worker_name() -> str:
    """Return this process' name in histories: host and pid, without what the ledger could misread."""
    host = "".join(char if char.isalnum() or char in "-." else "-" for char in socket.gethostname())
    return f"{host[:40]}:{os.getpid()}"


def make_executor(most: int) -> Executor:
    """Return the threads that post. Under gevent they are real ones: libcurl would block its loop."""
    try:
        from gevent import monkey  # noqa: PLC0415 - there only where the worker runs on it
    except ImportError:
        return ThreadPoolExecutor(most, thread_name_prefix="flight")
    if not monkey.is_module_patched("threading"):
        return ThreadPoolExecutor(most, thread_name_prefix="flight")
    from gevent.threadpool import ThreadPoolExecutor as NativeExecutor  # noqa: PLC0415

    executor: Executor = NativeExecutor(most)
    return executor


def import_hooks(settings: Settings) -> None:
    """Import the modules of `SHIPPER_HOOKS`, which register completion hooks; raise SettingsError."""
    problems = []
    for module in settings.hooks:
        try:
            importlib.import_module(module)
        except Exception as error:  # noqa: BLE001 - it is the user's code
            problems.append(
                Problem("SHIPPER_HOOKS", f"names {module}, which fails: {type(error).__name__}: {error}")
            )
    if problems:
        raise SettingsError(problems)


def check_keys(works_: Works) -> None:
    """Refuse to deliver for an account whose key is not given; raise SettingsError."""
    load_accounts(works_.settings, os.environ)


def check_redis(works_: Works) -> Durability:
    """Warn of a Redis that may lose events, or refuse it where durability is required."""
    durability = inspect_durability(works_.pool)
    for problem in durability.problems:
        log.warning("redis.not_durable", problem=problem)
    if durability.problems and works_.settings.require_durable_redis:
        raise SettingsError([Problem("SHIPPER_REDIS_URL", problem) for problem in durability.problems])
    return durability
