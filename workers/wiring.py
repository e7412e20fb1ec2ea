"""Wiring: put a worker process together, once a process, and again in a child after a fork."""

from __future__ import annotations

import importlib
import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.util import find_spec
from threading import Lock, Thread
from typing import Final

from shipper.clock import monotonic_ms
from shipper.errors import Problem, SettingsError
from shipper.ledger.durability import Durability, inspect_durability
from shipper.ledger.ledger import Ledger
from shipper.ledger.pool import Pool, make_pool
from shipper.ledger.scripts import sources
from shipper.logs import get_logger
from shipper.settings import Settings, load_settings
from workers.collector import open_tracing
from workers.completion import Counter, Teller
from workers.fleet import Fleet
from workers.gameball import Gameball
from workers.pump import Pump, Station
from workers.settings import Account, load_accounts
from workers.sky import FleetSky, Sky, ThreadSky
from workers.slots import Flag, SharedFlag, Slots
from workers.tracing import Tracing

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
    tellers_here: dict[str, Thread] = field(default_factory=dict)
    serves_hooks: bool = False
    hears_bell: bool = False
    """A Dispatcher in this very process wakes its pumps, and they may linger for it (docs/decisions/0012)."""

    def ledger(self, account: str) -> Ledger:
        """Return an account's book."""
        return Ledger(self.pool, account, budget_ms=LEDGER_BUDGET_MS)

    def run_pump(self, account: str, ticket: str, *, lingers: bool = False) -> int:
        """Run a pump, unless this process runs as many as it may: they look at once, others may have it."""
        if not self._serves(account):
            return 0
        pump = Pump(self._station(account), ticket=ticket, lingers=lingers and self.hears_bell)
        with self.lock:
            running = self.pumps.setdefault(account, [])
            crowded = len([other for other in running if not other.draining]) >= self.settings.pumps
            if not crowded:
                running.append(pump)
        if crowded:
            pump.decline()
            self.wake(account)
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

    def tell_here(self, account: str, ticket: str) -> bool:
        """Run a teller beside the caller, one at a time for an account, if hooks are served; tell whether.

        What remains when the broker takes no message. It has no time limit in any pool, hence only one.
        """
        if not self.serves_hooks or (account in self.tellers_here and self.tellers_here[account].is_alive()):
            return False
        self.tellers_here[account] = Thread(
            target=self.run_teller, args=(account, ticket), name=f"teller-{account}", daemon=True
        )
        self.tellers_here[account].start()
        return True

    def join_tellers(self) -> None:
        """Return when the tellers beside the callers have settled; no hook is waited for beyond its limit."""
        give_up_at = monotonic_ms() + self.settings.hook_timeout_ms
        for teller in self.tellers_here.values():
            teller.join(max(0, give_up_at - monotonic_ms()) / 1000)

    def wake(self, account: str) -> bool:
        """Let this process' pumps look at once; tell whether there is one."""
        with self.lock:
            pumps = [pump for pump in self.pumps.get(account, ()) if not pump.draining]
        for pump in pumps:
            pump.wake()
        return bool(pumps)

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
                connect_timeout_ms = self.settings.connect_timeout_ms
                gameball = Gameball(self.accounts[account], connect_timeout_ms=connect_timeout_ms)
                open_tracing(os.environ)
                self.stations[account] = Station(
                    ledger=self.ledger(account),
                    sky=make_sky(gameball, most),
                    settings=self.settings,
                    slots=Slots(most),
                    worker=self.worker,
                    stopping=self.stopping,
                    tracing=self._tracing(account),
                )
            return self.stations[account]

    def _counter(self, account: str) -> Counter:
        with self.lock:
            if account not in self.counters:
                open_tracing(os.environ)
                self.counters[account] = Counter(
                    ledger=self.ledger(account),
                    settings=self.settings,
                    stopping=self.stopping,
                    tracing=self._tracing(account),
                )
            return self.counters[account]

    def _tracing(self, account: str) -> Tracing:
        return Tracing(account=account, url=self.accounts[account].events_url, worker=self.worker)


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
    sources()  # before anything is claimed
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


def make_sky(gameball: Gameball, most: int) -> Sky:
    """Return what carries at most so many calls at once.

    Under gevent each call has a real thread: libcurl would block its loop, and a fleet's wake-ups would not
    reach it. Under eventlet threads are green, and a call holds up all others.
    """
    if is_patched("gevent.monkey", "is_module_patched", "threading"):
        from gevent.threadpool import ThreadPoolExecutor as NativeExecutor  # noqa: PLC0415

        return ThreadSky(gameball, NativeExecutor(most))
    if is_patched("eventlet.patcher", "is_monkey_patched", "thread"):
        return ThreadSky(gameball, ThreadPoolExecutor(most, thread_name_prefix="flight"))
    return FleetSky(gameball, Fleet(most))


def is_patched(module: str, ask: str, what: str) -> bool:
    """Tell whether a library of green threads replaced a module; one that was not imported did not."""
    patcher = sys.modules.get(module)
    return patcher is not None and bool(getattr(patcher, ask)(what))


def import_hooks(settings: Settings) -> None:
    """Import the modules of `SHIPPER_HOOKS`, which register completion hooks; raise SettingsError."""
    if settings.hooks:
        _set_up_django()
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


def _set_up_django() -> None:
    """Make Django's models importable where hooks belong to a project of it; raise SettingsError.

    Celery does so itself, but later than the app is made, and hooks are imported by then.
    """
    name = os.environ.get("DJANGO_SETTINGS_MODULE")
    if not name or find_spec("django") is None:
        return
    try:
        importlib.import_module("django").setup()
    except Exception as error:
        told = f"names {name}, which fails: {type(error).__name__}: {error}"
        raise SettingsError([Problem("DJANGO_SETTINGS_MODULE", told)]) from error


def check_keys(works_: Works) -> None:
    """Refuse to deliver for an account whose key is not given; raise SettingsError."""
    load_accounts(works_.settings, os.environ)


def check_redis(works_: Works) -> Durability:
    """Warn of a Redis that may lose events, or refuse it where durability is required."""
    durability = inspect_durability(works_.pool)
    for problem in durability.problems:
        log.warning("redis.not_durable", problem=problem)
    for warning in durability.warnings:
        log.warning("redis.weak", warning=warning)
    if durability.problems and works_.settings.require_durable_redis:
        raise SettingsError([Problem("SHIPPER_REDIS_URL", problem) for problem in durability.problems])
    return durability
