"""Inspector: what an operator can see and do on one account; the doors print what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from shipper.inspector import choice as choices
from shipper.inspector.check import Check, check_hooks, check_redis
from shipper.inspector.choice import SPREAD_MS, Choice, Handled, Told
from shipper.inspector.encryption import check_encryption
from shipper.inspector.erasure import Erasure, erase
from shipper.inspector.event import EventSeen, event_of
from shipper.inspector.health import Health, Work, health_of
from shipper.inspector.hook import HookSeen, HooksHandled, handle_all_hooks, handle_hooks, hooks_of
from shipper.inspector.letter import Letter, Page, letters_of, page_of
from shipper.inspector.now import ledger_now
from shipper.inspector.reason import MOST, Reasons, reasons_of
from shipper.inspector.standing import FOR_EVER, Standing, standing_of
from shipper.ledger.audit import Audit, Mending, audit, mend_all
from shipper.ledger.durability import inspect_durability
from shipper.ledger.ledger import Ledger
from shipper.ledger.letters import Filter, Spot, walk
from shipper.ledger.operations import pause, resume, status
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

    All raise LedgerUnavailableError where Redis does not answer.
    """

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self.account: Final = ledger.account
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
        )

    def health(self, *, of: Work = "deliver") -> Health:
        """Tell whether somebody is at work on what is due; one script, as quick as Redis.

        `of` says whose absence is a problem; the other's is a warning.
        """
        return health_of(self.account, self._ledger.run(status()), self._settings, of=of)

    def event(self, event_id: str, *, unmasked: bool = False) -> EventSeen:
        """Tell all of an event; raise EventNotFoundError for one that the ledger does not know."""
        return event_of(self._ledger, event_id, self._settings.keyring, unmasked=unmasked)

    def letters(self, wanted: Filter, *, limit: int, beyond: Spot | None = None) -> Page:
        """Return a page of dead letters, newest first."""
        return page_of(self._ledger, wanted, self._settings.keyring, limit=limit, beyond=beyond)

    def all_letters(self, wanted: Filter, *, beyond: Spot | None = None) -> Iterator[Letter]:
        """Yield every dead letter that is wanted, newest first, without holding them all."""
        ids = (spot.event_id for spot in walk(self._ledger, wanted, beyond=beyond))
        return letters_of(self._ledger, ids, self._settings.keyring)

    def reasons(self, *, most: int = MOST) -> Reasons:
        """Group the dead letters by reason, code and event name."""
        return reasons_of(self._ledger, self._settings.keyring, most=most)

    def failed_hooks(self, *, limit: int | None = None, beyond: str | None = None) -> Iterator[HookSeen]:
        """Yield the completion hooks that were given up, newest first."""
        return hooks_of(self._ledger, self._settings.keyring, limit=limit, beyond=beyond)

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

    def choose(self, wanted: Filter | Sequence[str]) -> Choice:
        """Choose dead letters, by filter or ids, to be redriven or discarded."""
        if isinstance(wanted, Filter):
            return choices.choose(self._ledger, wanted)
        return choices.choose_ids(self._ledger, wanted)

    def redrive(
        self, choice: Choice, *, may_duplicate: bool, spread_ms: int = SPREAD_MS, told: Told | None = None
    ) -> Handled:
        """Send letters again, oldest first; unclear ones only if `may_duplicate`: a person's word."""
        return choices.redrive_all(
            self._ledger, choice, may_duplicate=may_duplicate, spread_ms=spread_ms, told=told
        )

    def discard(self, choice: Choice, *, told: Told | None = None) -> Handled:
        """Forget letters on purpose, or waiting events that are named by their ids."""
        return choices.discard_all(self._ledger, choice, told=told)

    def expunge(self, customer_id: str) -> Erasure:
        """Erase whatever the ledger still knows of a customer."""
        return erase(self._ledger, customer_id)

    def retry_hooks(self, names: Iterable[str] | None) -> HooksHandled:
        """Try failed hooks again, by their job or their event's id; None: all."""
        return self._handle_hooks("retry", names)

    def discard_hooks(self, names: Iterable[str] | None) -> HooksHandled:
        """Forget failed hooks, by their job or their event's id; None: all."""
        return self._handle_hooks("discard", names)

    def pause(self, *, for_ms: int | None = None) -> Pause:
        """Make no more calls for a time, or until the account is resumed."""
        until = None if for_ms is None else ledger_now(self._ledger) + for_ms
        held_until = self._ledger.run(pause(until=until))
        return Pause(
            account=self.account,
            paused=True,
            pause_reason="operator",
            paused_until=held_until if held_until < FOR_EVER else None,
        )

    def resume(self) -> Pause:
        """Lift whatever holds the account."""
        return Pause(account=self.account, paused=False, pause_reason=self._ledger.run(resume()))

    def mend(self) -> Mending:
        """Put right what an audit complains of."""
        return mend_all(self._ledger)

    def _handle_hooks(self, word: Literal["retry", "discard"], names: Iterable[str] | None) -> HooksHandled:
        if names is None:
            return handle_all_hooks(self._ledger, word)
        return handle_hooks(self._ledger, word, names)


def open_inspectors(settings: Settings, accounts: Iterable[str]) -> tuple[Inspector, ...]:
    """Make an inspector for each account, all on one pool; raise SettingsError for an unusable URL."""
    pool = make_pool(settings.redis_url, budget_ms=BUDGET_MS)
    return tuple(Inspector(Ledger(pool, account, budget_ms=BUDGET_MS), settings) for account in accounts)
