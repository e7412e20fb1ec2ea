"""Dispatcher: see that whatever is due finds a pump, whoever loses, repeats or forges a message.

One thread an account in every worker's main process. It waits on the bell, sweeps at least once a second,
and starts the pumps and tellers that the sweep reserved tickets for. All Dispatchers do the same; tickets
keep them from starting too many, so none has to lead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread
from typing import Final

from shipper.alarm import marks_of
from shipper.clock import monotonic_ms
from shipper.errors import LedgerUnavailableError
from shipper.ledger.alarms import look_for_alarms
from shipper.ledger.failure import ReplyLostError
from shipper.ledger.jobs import carry_on, due_jobs
from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import STEP_MS, Sweep, forget, retire, sweep
from shipper.logs import get_logger
from shipper.settings import Settings
from workers.pump import new_tokens
from workers.slots import Flag

log: Final = get_logger(__name__)

REST_MS: Final = 20
"""Shortest time between two looks, however often the bell rings."""
FORGET_MS: Final = 10_000
"""How often retention is enforced."""
FORGOTTEN_AT_ONCE: Final = 1000
MOST_FORGOTTEN: Final = 20
"""Times a turn: 20,000 events in 10 s are more than Gameball's limits let be delivered."""
ALARMS_MS: Final = 10_000
"""How often numbers are compared with the marks of alarms."""
JOBS_MS: Final = 1000
"""How often one looks for redrive jobs where none ran lately."""
QUIET_MS: Final = 10_000
"""Lanes were due for so long, tickets were given out, and no pump came: messages get lost. One runs here."""
DEAF_MS: Final = 30_000
"""The same went on for so long: this worker's consumer is deaf."""

Start = Callable[[str, str], object]
"""Starts a pump or a teller for (account, ticket); raises whatever the broker raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Whom a Dispatcher calls."""

    start_pump: Start
    start_teller: Start
    run_here: Start
    """Runs a pump in this process: what remains when the broker takes no message, or loses them all."""
    tell_here: Callable[[str, str], bool]
    """Runs a teller in this process, and returns at once; False if none may run here, or one does."""
    wake: Callable[[str], object]
    """Wakes this process' pumps of an account: something was enqueued. True if there are any."""
    give_up: Callable[[str], None]
    """Ends the worker with an error, so that its supervisor starts a better one."""
    hanging_hooks: Callable[[], list[str]]
    """Names the hooks in this process that have run for far longer than they may."""


class Dispatcher:
    """Look after one account. `worker` is empty where this process serves hooks alone.

    Once it is `leaving` it looks no more: a ticket that nobody here uses would keep others' pumps away.
    """

    def __init__(
        self, ledger: Ledger, settings: Settings, desk: Desk, *, worker: str, hold_ms: int, leaving: Flag
    ) -> None:
        self._ledger = ledger
        self._settings = settings
        self._desk = desk
        self._worker = worker
        self._hold_ms = hold_ms
        self._leaving = leaving
        self._stopping = Event()
        self._seen = 0
        self._swept_at = 0
        self._next_look_at = 0
        self._forget_at = 0
        self._jobs_at = 0
        self._alarms_at = 0
        self._silent_since: int | None = None
        self._hanging: list[str] = []
        self._thread = Thread(target=self._run, name=f"dispatcher-{ledger.account}", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()

    def join(self) -> None:
        """Return when the last look is over, and with it the calls of a pump that runs here."""
        self._thread.join(timeout=(self._settings.sweep_ms + self._settings.timeout_ms) / 1000 + 2)

    def _run(self) -> None:
        while not self._stopping.wait(REST_MS / 1000):
            try:
                self._await_bell()
                if self._leaving.is_set():
                    return
                found = self._sweep()
                self._start_what_is_wanted(found)
                self._notice_silence(found)
                self._notice_hanging_hooks()
                self._watch()
                self._forget()
                self._carry_jobs_on(found)
            except LedgerUnavailableError as error:
                log.warning("ledger.unavailable", account=self._ledger.account, error=str(error))
                self._silent_since = None  # an outage of Redis is no deafness of the worker's
                self._stopping.wait(self._settings.sweep_ms / 1000)
            except Exception:
                # Whatever it is: a worker that no longer looks would be worse.
                log.exception("dispatcher.failed", account=self._ledger.account)
                self._silent_since = None
                self._stopping.wait(self._settings.sweep_ms / 1000)

    def _await_bell(self) -> None:
        """Pop first, then look: who rings after the pop is heard by the next one."""
        longest_ms = min(self._settings.sweep_ms, self._ledger.budget_ms // 2)
        wait_ms = min(longest_ms, max(10, self._next_look_at - monotonic_ms()))
        bell = key_of(self._ledger.account, "bell")
        try:
            rang = self._ledger.ask("BLPOP", bell, f"{wait_ms / 1000:.3f}")
        except ReplyLostError:
            return  # a forged bell, of another type: the sweep takes it away. An outage it meets itself
        if rang and self._desk.wake(self._ledger.account):
            # The pump may have claimed all by then, so that nobody else need start.
            self._stopping.wait(REST_MS / 1000)

    def _sweep(self) -> Sweep:
        asked_at = monotonic_ms()
        self._tickets = new_tokens(self._settings.pumps)
        self._teller_tickets = new_tokens(self._settings.tellers)
        operation = sweep(
            self._settings,
            tickets=self._tickets,
            teller_tickets=self._teller_tickets,
            most_pumps=self._settings.pumps,
            most_tellers=self._settings.tellers,
            seen=self._seen,
            swept_at=self._swept_at,
            hold_ms=self._hold_ms,
            worker=self._worker,
        )
        found = self._ledger.run(operation)
        self._seen, self._swept_at = found.turn, found.now
        wait_ms = self._settings.sweep_ms
        if found.next_due is not None and not found.due:
            wait_ms = min(wait_ms, found.next_due - found.now)
        self._next_look_at = asked_at + wait_ms
        return found

    def _start_what_is_wanted(self, found: Sweep) -> None:
        if found.expired:
            log.warning("lease.expired", account=self._ledger.account, lanes=found.expired)
        for ticket in self._tickets[: found.pumps]:
            self._start_pump(ticket)
        for ticket in self._teller_tickets[: found.tellers]:
            self._start_teller(ticket)

    def _start_pump(self, ticket: str) -> None:
        try:
            self._desk.start_pump(self._ledger.account, ticket)
        except Exception as error:  # noqa: BLE001 - kombu's errors are many, and one answer fits all
            log.warning("pump.not_started", account=self._ledger.account, error=str(error))
            if self._worker:
                self._desk.run_here(self._ledger.account, ticket)
                self._silent_since = None  # a pump did run, and has gone before the next sweep can see it

    def _start_teller(self, ticket: str) -> None:
        try:
            self._desk.start_teller(self._ledger.account, ticket)
        except Exception as error:  # noqa: BLE001 - as above
            log.warning("teller.not_started", account=self._ledger.account, error=str(error))
            if not self._desk.tell_here(self._ledger.account, ticket):
                self._ledger.run(retire(ticket))  # else it keeps a worker that serves hooks from telling

    def _notice_silence(self, found: Sweep) -> None:
        """Where pumps are wanted, and for long no pump anywhere made a claim: run one here, then give up."""
        if not found.due or found.running or found.held_until > found.now:
            self._silent_since = None
            return
        now = monotonic_ms()
        self._silent_since = self._silent_since or now
        silent_ms = now - self._silent_since
        if self._worker and silent_ms > DEAF_MS:
            self._desk.give_up(f"{found.due} lanes are due, and no pump has started for {DEAF_MS // 1000} s")
        elif self._worker and silent_ms > QUIET_MS:
            # It has no ticket, so a silence that lasts is still noticed.
            self._desk.run_here(self._ledger.account, "")

    def _notice_hanging_hooks(self) -> None:
        """Tell of hooks that hang, and give up when they hold every slot: no thread can be ended."""
        hanging = self._desk.hanging_hooks()
        if hanging != self._hanging:
            self._hanging = hanging
            log.warning("hook.hanging", hooks=hanging)
        if len(hanging) >= self._settings.tellers:
            self._desk.give_up(f"{len(hanging)} completion hooks hang: {', '.join(sorted(set(hanging)))}")

    def _watch(self) -> None:
        """Raise and clear alarms. Without marks it is done once, for those raised under earlier ones."""
        if monotonic_ms() < self._alarms_at or (
            self._alarms_at and not any(marks_of(self._settings).values())
        ):
            return
        self._alarms_at = monotonic_ms() + ALARMS_MS
        for change in look_for_alarms(self._ledger, self._settings):
            fields = {"alarm": change.name, "value": change.value, "mark": change.mark}
            if change.raised:
                log.warning("alarm.raised", account=self._ledger.account, **fields)
            else:
                log.info("alarm.cleared", account=self._ledger.account, **fields)

    def _carry_jobs_on(self, found: Sweep) -> None:
        """Carry redrive jobs on by the steps that are due; whoever does it, each is done once."""
        if not self._worker or monotonic_ms() < self._jobs_at:
            return
        names = due_jobs(self._ledger, now=found.now)
        for name in names:
            if sent := carry_on(self._ledger, name, per_30_seconds=self._settings.pace_per_30_seconds):
                log.info("job.stepped", account=self._ledger.account, job=name, sent=sent)
        self._jobs_at = monotonic_ms() + (STEP_MS if names else JOBS_MS)
        if names:
            self._next_look_at = min(self._next_look_at, self._jobs_at)

    def _forget(self) -> None:
        if monotonic_ms() >= self._forget_at:
            for _ in range(MOST_FORGOTTEN):
                forgotten = self._ledger.run(forget(self._settings, limit=FORGOTTEN_AT_ONCE))
                if max(forgotten) < FORGOTTEN_AT_ONCE:
                    break
            self._forget_at = monotonic_ms() + FORGET_MS
