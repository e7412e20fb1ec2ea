"""Inspector: what an operator can see and do on one account; the doors print what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO, Final, Literal

from shipper.envelope import lane_of
from shipper.inspector import choice as choices
from shipper.inspector import job as job_cases
from shipper.inspector.change import Change
from shipper.inspector.check import Check, check_hooks, check_redis
from shipper.inspector.choice import SPREAD_MS, Choice, Handled, Told
from shipper.inspector.edit import Edit, Edited, propose, redrive_edited
from shipper.inspector.encryption import check_encryption
from shipper.inspector.erasure import Erasure, erase
from shipper.inspector.event import EventSeen, event_of
from shipper.inspector.export_file import Head
from shipper.inspector.flow import Sample, flow_of
from shipper.inspector.health import Health, Work, health_of
from shipper.inspector.hook import HookSeen, HooksHandled, handle_all_hooks, handle_hooks, hooks_of
from shipper.inspector.job import Job
from shipper.inspector.letter import Letter, Page, letters_of, page_of
from shipper.inspector.metrics import Metrics, metrics_of
from shipper.inspector.now import ledger_now
from shipper.inspector.preview import Ask, Preview, preview_of
from shipper.inspector.reason import MOST, Reasons, reasons_of
from shipper.inspector.standing import FOR_EVER, Standing, standing_of
from shipper.inspector.trail import TrailEntry, TrailFilter, name_of, trail_of
from shipper.inspector.transfer import check_export, export_lines, import_letters
from shipper.ledger.alarms import raised_alarms
from shipper.ledger.audit import Audit, Mending, audit, mend_all
from shipper.ledger.deed import Deed
from shipper.ledger.durability import inspect_durability
from shipper.ledger.ledger import Ledger
from shipper.ledger.letters import LOOKED, Filter, Spot, walk
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

    All raise LedgerUnavailableError where Redis does not answer. What is changed stands on the audit log as
    done by `operator`.
    """

    def __init__(self, ledger: Ledger, settings: Settings, *, operator: str = "") -> None:
        self.account: Final = ledger.account
        self.operator: Final = name_of(operator or settings.operator)
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

    def letters(
        self, wanted: Filter, *, limit: int, beyond: Spot | None = None, looked: int = LOOKED
    ) -> Page:
        """Return a page of dead letters, newest first.

        No more than about `looked` are looked at: a page that comes back short with a place to go on from is
        not the last. Raises LockedError where a text is asked for and a key of stored answers is missing.
        """
        return page_of(
            self._ledger, wanted, self._settings.keyring, limit=limit, beyond=beyond, looked=looked
        )

    def all_letters(self, wanted: Filter, *, beyond: Spot | None = None) -> Iterator[Letter]:
        """Yield every dead letter that is wanted, newest first, without holding them all."""
        ids = (
            spot.event_id
            for spot in walk(self._ledger, wanted, keyring=self._settings.keyring, beyond=beyond)
        )
        return letters_of(self._ledger, ids, self._settings.keyring)

    def reasons(self, *, most: int = MOST) -> Reasons:
        """Group the dead letters by reason, code, event name and the field that was refused."""
        return reasons_of(
            self._ledger,
            self._settings.keyring,
            most=most,
            name_account=self._settings.accounts != (self.account,),
        )

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
            return choices.choose(self._ledger, wanted, keyring=self._settings.keyring)
        return choices.choose_ids(self._ledger, wanted)

    def preview(
        self,
        choice: Choice,
        ask: Ask,
        *,
        may_duplicate: bool,
        sample: int | None = None,
        told: Told | None = None,
    ) -> Preview:
        """Ask Gameball what a redrive would earn, for each event or for a sample; nothing is sent."""
        return preview_of(
            self._ledger,
            choice,
            self._settings.keyring,
            ask,
            may_duplicate=may_duplicate,
            sample=sample,
            told=told,
        )

    def redrive(
        self, choice: Choice, *, may_duplicate: bool, spread_ms: int = SPREAD_MS, told: Told | None = None
    ) -> Handled:
        """Send letters again, oldest first; unclear ones only if `may_duplicate`: a person's word."""
        return choices.redrive_all(
            self._ledger,
            choice,
            keyring=self._settings.keyring,
            may_duplicate=may_duplicate,
            spread_ms=spread_ms,
            told=told,
            deed=self._deed("redrive", choice.about),
        )

    def start_job(
        self,
        wanted: Choice | Filter | Sequence[str],
        *,
        rate: float | None = None,
        may_duplicate: bool = False,
        because: str = "",
    ) -> Job:
        """Begin to send letters again: workers carry it on, at `rate` events a second (half of the pace).

        Unclear letters go only if `may_duplicate`: a person's word. Raises ValueError for no rate.
        """
        choice = wanted if isinstance(wanted, Choice) else self.choose(wanted)
        return job_cases.start_job(
            self._ledger,
            choice,
            keyring=self._settings.keyring,
            rate=self.default_rate if rate is None else rate,
            may_duplicate=may_duplicate,
            operator=self.operator,
            because=because,
        )

    @property
    def default_rate(self) -> float:
        """Return the rate of a redrive that names none, in events a second: half of the pace."""
        return job_cases.default_rate(self._settings)

    def jobs(self) -> tuple[Job, ...]:
        """Return the redrive jobs, newest first: those that run, and the latest thousand."""
        return job_cases.jobs(self._ledger)

    def job(self, name: str) -> Job:
        """Return a redrive job; raise JobNotFoundError."""
        return job_cases.job(self._ledger, name)

    def pause_job(self, name: str) -> Job:
        """Send no more of a job until it is resumed; raise JobNotFoundError or JobStateError."""
        return job_cases.turn_job(self._ledger, name, "pause", operator=self.operator)

    def resume_job(self, name: str) -> Job:
        """Go on with a job that was paused or has stopped; raise JobNotFoundError or JobStateError."""
        return job_cases.turn_job(self._ledger, name, "resume", operator=self.operator)

    def cancel_job(self, name: str) -> Job:
        """End a job; what it has sent goes on. Raise JobNotFoundError or JobStateError."""
        return job_cases.turn_job(self._ledger, name, "cancel", operator=self.operator)

    def workers(self) -> int:
        """Return how many workers are alive to carry jobs on."""
        return job_cases.workers_alive(self._ledger)

    def discard(self, choice: Choice, *, because: str = "", told: Told | None = None) -> Handled:
        """Forget letters on purpose, or waiting events that are named by their ids.

        The reason stays on the audit log with their ids: of the events themselves nothing does.
        """
        about = ": ".join(filter(None, (because, choice.about)))
        deed = self._deed("discard", about)
        return choices.discard_all(self._ledger, choice, keyring=self._settings.keyring, told=told, deed=deed)

    def propose(self, event_id: str, change: Change) -> Edit:
        """Say what a change would make of a letter, and what is wrong with it; nothing is touched.

        Raises EventNotFoundError, and NotEditableError for an event that is no letter or cannot be read.
        """
        return propose(self._ledger, self._settings, event_id, change)

    def redrive_edited(self, proposed: Edit, *, may_duplicate: bool = False) -> Edited:
        """Change a letter as proposed and send it again; an unclear one only if `may_duplicate`."""
        return redrive_edited(
            self._ledger,
            self._settings,
            proposed,
            may_duplicate=may_duplicate,
            deed=self._deed("edit", f"{len(proposed.differences)} difference(s)"),
        )

    def export(self, choice: Choice, *, masked: bool = False, told: Told | None = None) -> Iterator[bytes]:
        """Yield the lines of an export of letters: all that is known of them, or masked for sharing."""
        deed = self._deed("export", f"{'masked: ' if masked else ''}{choice.about}")
        return export_lines(self._ledger, choice, self._settings.keyring, masked=masked, deed=deed, told=told)

    def check_export(self, file: BinaryIO) -> tuple[Head, int]:
        """Read an export to its end: what it is, and how many letters it holds. Nothing is touched.

        Raises BrokenExportError, with the line, for a file that is torn, was changed, or is masked.
        """
        return check_export(file, self._settings.keyring, account=self.account)

    def import_letters(self, file: BinaryIO, *, told: Told | None = None) -> Handled:
        """Take the letters of a checked export in; left are `known`, `key`, `full` and `sealed` ones."""
        deed = self._deed("import", "a file")
        return import_letters(self._ledger, file, self._settings.keyring, deed=deed, told=told)

    def expunge(self, customer_id: str) -> Erasure:
        """Erase whatever the ledger still knows of a customer."""
        about = f"lane={lane_of(customer_id)}"
        return erase(self._ledger, customer_id, deed=self._deed("expunge", about))

    def retry_hooks(self, names: Iterable[str] | None) -> HooksHandled:
        """Try failed hooks again, by their job or their event's id; None: all."""
        return self._handle_hooks("retry", names)

    def discard_hooks(self, names: Iterable[str] | None) -> HooksHandled:
        """Forget failed hooks, by their job or their event's id; None: all."""
        return self._handle_hooks("discard", names)

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
        self._ledger.run(note(replace(deed, about=told), count=mended.events))
        return mended

    # What was done

    def trail(
        self, wanted: TrailFilter, *, limit: int | None = None, beyond: str | None = None
    ) -> Iterator[TrailEntry]:
        """Yield what operators did, newest first, from the other side of a place in the audit log."""
        return trail_of(self._ledger, wanted, limit=limit, beyond=beyond)

    def _deed(self, did: str, about: str = "") -> Deed:
        return Deed(by=self.operator, did=did, about=about)

    def _handle_hooks(self, word: Literal["retry", "discard"], names: Iterable[str] | None) -> HooksHandled:
        if names is None:
            return handle_all_hooks(self._ledger, word, deed=self._deed(f"{word}_hooks", "all"))
        return handle_hooks(self._ledger, word, names, deed=self._deed(f"{word}_hooks"))


def open_inspectors(
    settings: Settings, accounts: Iterable[str], *, operator: str = ""
) -> tuple[Inspector, ...]:
    """Make an inspector for each account, all on one pool; raise SettingsError for an unusable URL."""
    pool = make_pool(settings.redis_url, budget_ms=BUDGET_MS)
    return tuple(
        Inspector(Ledger(pool, account, budget_ms=BUDGET_MS), settings, operator=operator)
        for account in accounts
    )
