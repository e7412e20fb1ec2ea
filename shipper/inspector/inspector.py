"""Inspector: what an operator can see and do on one account; the doors print what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from shipper.envelope import lane_of
from shipper.inspector.check import Check, check_hooks, check_redis
from shipper.inspector.encryption import check_encryption
from shipper.inspector.erasure import Erasure, erase
from shipper.inspector.event import EventSeen, event_of
from shipper.inspector.flow import Sample, flow_of
from shipper.inspector.health import Health, Work, health_of
from shipper.inspector.hooks import Hooks
from shipper.inspector.jobs import Jobs
from shipper.inspector.letters import Letters
from shipper.inspector.metrics import Metrics, metrics_of
from shipper.inspector.now import ledger_now
from shipper.inspector.standing import Standing, standing_of
from shipper.inspector.trail import TrailEntry, TrailFilter, name_of, trail_of
from shipper.ledger.alarms import raised_alarms
from shipper.ledger.audit import Audit, Mending, audit, mend_all
from shipper.ledger.deed import Deed
from shipper.ledger.durability import inspect_durability
from shipper.ledger.hold import FOR_EVER
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import note, pause, resume, status
from shipper.ledger.pool import make_pool
from shipper.settings import Settings

BUDGET_MS: Final = 5_000
"""Longest wait of a person for one answer of Redis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Whether an account is held now; `pause_reason` is why, or why it was until just now."""

    account: str
    paused: bool
    pause_reason: str | None
    paused_until: int | None = None


class Inspector:
    """Look at one account's ledger and put right what a person decides. Every method asks Redis anew.

    `letters`, `jobs` and `hooks` are what can be seen and done of each. All raise LedgerUnavailableError
    where Redis does not answer. What is changed stands on the audit log as done by `operator`.
    """

    def __init__(self, ledger: Ledger, settings: Settings, *, operator: str = "") -> None:
        self.account: Final = ledger.account
        self.operator: Final = name_of(operator or settings.operator)
        self.letters: Final = Letters(ledger, settings, operator=self.operator)
        self.jobs: Final = Jobs(ledger, settings, operator=self.operator)
        self.hooks: Final = Hooks(ledger, settings, operator=self.operator)
        self._ledger = ledger
        self._settings = settings

    # See

    def status(self) -> Standing:
        """Tell how the account stands, and warn of a Redis that may lose events."""
        seen = self._ledger.run(status())
        return standing_of(
            self.account,
            seen,
            self._settings,
            inspect_durability(self._ledger.pool, wait_replicas=self._settings.wait_replicas),
            raised_alarms(self._ledger),
        )

    def flow(self) -> tuple[Sample, ...]:
        """Return how the account stood over the last hour, oldest first, with a gap where no worker lived."""
        return flow_of(self._ledger)

    def metrics(self) -> Metrics:
        """Gather the numbers that a monitoring system asks for."""
        return metrics_of(self._ledger, self._settings)

    def health(self, *, of: Work = "deliver") -> Health:
        """Tell whether somebody is at work on what is due; one script, as quick as Redis.

        `of` says whose absence is a problem; the other's is a warning.
        """
        return health_of(self.account, self._ledger.run(status()), self._settings, of=of)

    def event(self, event_id: str, *, unmasked: bool = False) -> EventSeen:
        """Tell all of an event; raise EventNotFoundError for one that the ledger does not know.

        Who asks for it `unmasked` stands on the audit log before it is told.
        """
        if unmasked:
            self._ledger.run(note(self._deed("unmask"), count=1, ids=[event_id]))
        return event_of(self._ledger, event_id, self._settings.keyring, unmasked=unmasked)

    def checks(self) -> Iterator[Check]:
        """Look at Redis as a doctor would."""
        return check_redis(self._ledger, self._settings)

    def hooks_check(self) -> Check:
        """Look, as a doctor would, whether somebody tells this account's completion hooks."""
        return check_hooks(self._ledger, self._settings)

    def encryption_check(self) -> Check:
        """Look, as a doctor would, whether what is stored opens under the keys at hand."""
        return check_encryption(self._ledger, self._settings.keyring)

    def audit(self) -> Audit:
        """Prove by recount that every accepted event is somewhere."""
        return audit(self._ledger)

    # Put right

    def expunge(self, customer_id: str) -> Erasure:
        """Erase whatever the ledger still knows of a customer."""
        about = f"lane={lane_of(customer_id)}"
        return erase(self._ledger, customer_id, deed=self._deed("expunge", about))

    def pause(self, *, for_ms: int | None = None) -> Pause:
        """Make no more calls for a time, or until the account is resumed."""
        about = "" if for_ms is None else f"for {for_ms} ms"
        until = None if for_ms is None else ledger_now(self._ledger) + for_ms
        held_until = self._ledger.run(pause(until=until, deed=self._deed("pause", about)))
        return Pause(
            account=self.account,
            paused=True,
            pause_reason="operator",
            paused_until=held_until if held_until < FOR_EVER else None,
        )

    def resume(self) -> Pause:
        """Lift whatever holds the account."""
        was = self._ledger.run(resume(deed=self._deed("resume")))
        return Pause(account=self.account, paused=False, pause_reason=was)

    def mend(self) -> Mending:
        """Put right what an audit complains of."""
        deed = self._deed("mend", "begun")
        self._ledger.run(note(deed))
        mended = mend_all(self._ledger)
        told = f"{mended.lanes} lanes, {len(mended.counters)} counters, {mended.unreadable} unreadable"
        told += f", {mended.indices} in indices" if mended.indices else ""
        self._ledger.run(note(replace(deed, about=told), count=mended.events))
        return mended

    # What was done

    def trail(
        self,
        wanted: TrailFilter,
        *,
        limit: int | None = None,
        beyond: str | None = None,
        folded: bool = False,
    ) -> Iterator[TrailEntry]:
        """Yield what operators did, newest first, from the other side of a place in the audit log.

        `folded` makes one entry of those of a large deed that follow each other.
        """
        return trail_of(self._ledger, wanted, limit=limit, beyond=beyond, folded=folded)

    def _deed(self, did: str, about: str = "") -> Deed:
        return Deed(by=self.operator, did=did, about=about)


def open_inspectors(
    settings: Settings, accounts: Iterable[str], *, operator: str = ""
) -> tuple[Inspector, ...]:
    """Make an inspector for each account, all on one pool; raise SettingsError for an unusable URL."""
    pool = make_pool(settings.redis_url, budget_ms=BUDGET_MS)
    return tuple(
        Inspector(Ledger(pool, account, budget_ms=BUDGET_MS), settings, operator=operator)
        for account in accounts
    )
