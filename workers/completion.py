"""Completion: tell hooks how their events ended, `(response, error)`, at least once each.

A hook that raises is told again with backoff, and listed after its last try. Hooks are found by name among
those that this process imported; a name that is not among them is tried again like any failure, for a
deploy may bring it, and then listed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from types import MappingProxyType
from typing import Any, Final, Literal

from structlog.contextvars import bound_contextvars

from shipper.alarm import Alarm, alarm_hooks
from shipper.clock import monotonic_ms
from shipper.context import read_context, told
from shipper.ending import Delivery
from shipper.errors import (
    AgedError,
    CrashedError,
    DeliveryError,
    DiscardedError,
    LedgerUnavailableError,
    RefusedError,
    SpentError,
    UnclearError,
)
from shipper.hooks import find
from shipper.keyring import DamagedError, LockedError
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Operation, hook_claim, hook_lease_ms, hook_settle, retire
from shipper.ledger.record import HookJob, Record
from shipper.logs import get_logger
from shipper.settings import Settings
from workers.backoff import backoff_ms
from workers.pump import SETTLE_AGAIN_MS, new_tokens
from workers.slots import Flag
from workers.tracing import Tracing

log: Final = get_logger(__name__)

TELL_MS: Final = 2000
"""How long a teller claims further jobs; then the next one takes over."""

ALARM: Final = "alarm"
"""What a job has to tell that is about no event."""
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
CUT_OFF: Final = "its process ended, or was cut off, during each try"
"""So it was never settled."""

_ERRORS: Final[dict[str, tuple[type[DeliveryError], str]]] = {
    "refused": (RefusedError, "Gameball refused the event"),
    "vague": (RefusedError, "Gameball refused the event without saying why, too often"),
    "spent": (SpentError, "every attempt was used"),
    "aged": (AgedError, "the event was too old when its last attempt failed"),
    "crashed": (CrashedError, "workers died while the event was under way"),
    "unclear": (UnclearError, "Gameball may have the event, and its policy forbids to send it again"),
    "discarded": (DiscardedError, "an operator discarded the event"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """What the tellers of an account share in a process."""

    ledger: Ledger
    settings: Settings
    stopping: Flag
    tracing: Tracing = field(default_factory=Tracing)
    telling: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Token → hook and the monotonic ms at which it was called: what hangs is seen here."""


class Teller:
    """Tell one hook after another."""

    def __init__(self, counter: Counter, *, ticket: str = "") -> None:
        self.told = 0
        self._at = counter
        self._ticket = ticket
        (self._token,) = new_tokens(1)
        self._lease_ends_at = 0

    def run(self) -> int:
        """Tell until nothing is due or the time is up; return how many hooks were told."""
        ends_at = monotonic_ms() + TELL_MS
        while not self._at.stopping.is_set() and monotonic_ms() < ends_at:
            job = self._claim()
            if job is None or not self._tell_and_settle(job):
                break
        self._retire()
        return self.told

    def _claim(self) -> HookJob | None:
        self._lease_ends_at = monotonic_ms() + hook_lease_ms(self._at.settings)
        try:
            jobs = self._at.ledger.run(hook_claim(self._token, self._at.settings, ticket=self._ticket))
        except LedgerUnavailableError as error:
            log.warning("hook.claim_failed", account=self._at.ledger.account, error=str(error))
            return None
        return jobs[0] if jobs else None

    def _tell_and_settle(self, job: HookJob) -> bool:
        """Call the hook and write down how it went; return whether to go on with the next one."""
        try:
            return self._settle(job, self._tell(job))
        except LockedError as error:
            return self._keep(job, error)

    def _tell(self, job: HookJob) -> str:
        """Call the hook; return what went wrong, or an empty string. Raises LockedError."""
        if job.what == ALARM:
            return self._tell_alarm(job)
        if job.record is None:
            return "its event cannot be read"
        try:
            record = job.record.opened(
                self._at.settings.keyring, account=self._at.ledger.account, event_id=job.event_id
            )
        except DamagedError as error:
            return f"its event was {error}"
        if job.tries > self._at.settings.hook_tries:
            return CUT_OFF
        hook = find(job.record.hook)
        if hook is None:
            return f"no completion_hook is named {job.record.hook}: add its module to SHIPPER_HOOKS"
        return self._call(
            job.record.hook,
            partial(hook, *ending_of(job, record)),
            context=read_context(record.context),
            event_id=job.event_id,
        )

    def _tell_alarm(self, job: HookJob) -> str:
        """Call every alarm hook; those that were told are told again with one that failed."""
        if job.tries > self._at.settings.hook_tries:
            return CUT_OFF
        alarm = Alarm(account=self._at.ledger.account, at=job.ended_at, **job.attempt)
        problems = [(place, self._call(place, partial(hook, alarm))) for place, hook in alarm_hooks().items()]
        return "; ".join(f"{place}: {problem}" for place, problem in problems if problem)

    def _call(
        self,
        name: str,
        hook: Callable[[], object],
        *,
        context: Mapping[str, str] = NOTHING,
        event_id: str = "",
    ) -> str:
        """Call a hook in the context of its event's enqueue: what it logs, or enqueues, carries that on."""
        self._at.telling[self._token] = (name, monotonic_ms())
        # By the names of our own settings alone: structlog keeps a variable for each name for ever.
        bound = {key: context[key] for key in self._at.settings.context if key in context}
        try:
            with bound_contextvars(**bound), self._at.tracing.hook(name, context, event_id):
                hook()
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it does, its event stays delivered
            return _told_of(error)
        finally:
            self._at.telling.pop(self._token, None)
        return ""

    def _keep(self, job: HookJob, error: LockedError) -> bool:
        """Give back a job whose event this worker lacks the key of: another may have it, or a later one."""
        fields = {"account": self._at.ledger.account, "event_id": job.event_id, "key_id": error.key_id}
        log.warning("hook.locked", note=str(error), **fields)
        delay_ms = self._at.settings.pause_max_ms
        freed = hook_settle(job.job, self._token, "free", delay_ms=delay_ms, error=str(error))
        return self._persist(freed, fields) is not None

    def _settle(self, job: HookJob, problem: str) -> bool:
        """Write down how it went; return whether to go on with the next one."""
        word, delay_ms = self._outcome(job, problem)
        fields: dict[str, Any] = {
            "account": self._at.ledger.account,
            "event_id": job.event_id,
            "hook": job.record.hook if job.record else "",
            "what": job.what,
            "tries": job.tries,
        }
        if job.record and job.record.context:
            fields["context"] = told([read_context(job.record.context)])
        if word == "again":
            fields["delay_ms"] = delay_ms
        hide = partial(
            self._at.settings.keyring.encrypt_text, account=self._at.ledger.account, event_id=job.event_id
        )
        settle = hook_settle(job.job, self._token, word, delay_ms=delay_ms, error=problem, hide=hide)
        settled = self._persist(settle, fields)
        if settled is None:
            return False
        self.told += word == "told"
        # The error's own words stay in the ledger: a hook may put anything into them.
        (log.info if word == "told" else log.warning)(f"hook.{word}", settled=settled, **fields)
        return True

    def _persist(self, settle: Operation[str], fields: Mapping[str, Any]) -> str | None:
        """Settle; go on where Celery's soft limit, which comes once, cuts in: it was for the hook."""
        try:
            return self._settle_until_lease_ends(settle, fields)
        except Exception:  # noqa: BLE001 - Celery's own class: a teller does not know in which pool it runs
            return self._settle_until_lease_ends(settle, fields)

    def _settle_until_lease_ends(self, settle: Operation[str], fields: Mapping[str, Any]) -> str | None:
        """Settle, again and again while the ledger is away, or the hook is told twice; None: in vain."""
        while True:
            try:
                return self._at.ledger.run(settle)
            except LedgerUnavailableError as error:
                if monotonic_ms() >= self._lease_ends_at:
                    log.warning("hook.settle_failed", error=str(error), **fields)
                    return None
                log.warning("hook.settle_again", error=str(error), **fields)
                Event().wait(SETTLE_AGAIN_MS / 1000)

    def _outcome(self, job: HookJob, problem: str) -> tuple[Literal["told", "again", "failed"], int]:
        """Return what becomes of a job, and how long it waits for its next try."""
        if not problem:
            return "told", 0
        if job.tries >= self._at.settings.hook_tries:
            return "failed", 0
        delay_ms = backoff_ms(
            job.tries - 1,
            base_ms=self._at.settings.backoff_base_ms,
            cap_ms=self._at.settings.backoff_cap_ms,
            random=random.random,
        )
        return "again", delay_ms

    def _retire(self) -> None:
        if self._ticket:
            try:
                self._at.ledger.run(retire(self._ticket))
            except LedgerUnavailableError as error:
                log.warning("retire.failed", account=self._at.ledger.account, error=str(error))


def _told_of(error: BaseException) -> str:
    """Return what an error of a hook says; its `__str__` is the hook's code too."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - as above
        return type(error).__name__


def ending_of(job: HookJob, record: Record) -> tuple[Delivery | None, DeliveryError | None]:
    """Return what the hook is called with."""
    event = record.event
    common: dict[str, Any] = {
        "event_id": job.event_id,
        "customer_id": event["customerId"],
        "events": event["events"],
        "attempts": job.attempts,
        "status": job.attempt.get("status"),
        "request_id": job.attempt.get("request_id"),
    }
    if job.what == "delivered":
        return Delivery(**common), None
    kind, message = _ERRORS[job.what]
    return None, kind(message, code=job.attempt.get("code"), **common)
