"""Job: a redrive that workers carry on: a frozen set of letters, a rate, and how far it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from shipper.errors import ShipperError
from shipper.inspector.choice import Choice, ids_of
from shipper.keyring import Keyring
from shipper.ledger.deed import Deed, new_name
from shipper.ledger.jobs import JobState, can_keep, job_of, jobs_of, write_filter
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import job_fill, job_start, job_turn, status
from shipper.ledger.operations.job import Turn
from shipper.settings import Settings

OVER: Final = frozenset({"done", "cancelled"})
FILL: Final = 500
"""Ids given to a job by one script."""
UNPACED: Final = 50.0
"""Events a second where no pace is set of which half could be taken."""
MOST_RATE: Final = 1000.0


class JobNotFoundError(ShipperError):
    """Say that an account has no such redrive job, or has forgotten it."""


class JobStateError(ShipperError):
    """Say that a redrive job is in a state from which it cannot go where it was told to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """How a redrive job stands.

    `state` is filling, running, paused (by a person), stopped (too many failed again: `why`), cancelled or
    done. Of the `sent`, `open` have not ended, `gone` were discarded or erased meanwhile. `left` counts what
    was not sent by its reason, `codes` what failed again by reason and code. `rate` is events a second.
    """

    job: str
    account: str
    state: str
    why: str | None
    operator: str
    about: str
    may_duplicate: bool
    rate: float
    total: int
    sent: int
    open: int
    delivered: int
    failed: int
    gone: int
    left: dict[str, int]
    codes: dict[str, int]
    started_at: int
    ended_at: int | None

    @property
    def over(self) -> bool:
        """Tell whether nothing more will happen to it."""
        return self.state in OVER

    @property
    def looked_at(self) -> int:
        """Return how many of the total were sent, or left for a reason."""
        return self.sent + sum(self.left.values())


def default_rate(settings: Settings) -> float:
    """Return half of what the account takes in the long run, in events a second."""
    if settings.pace_per_30_seconds:
        return settings.pace_per_30_seconds / 60
    return settings.pace_per_second / 2 or UNPACED


def start_job(
    ledger: Ledger,
    choice: Choice,
    *,
    keyring: Keyring,
    rate: float,
    may_duplicate: bool,
    operator: str,
    because: str = "",
) -> Job:
    """Begin to send what was chosen again; raise ValueError for a rate that is none."""
    if not 0 < rate <= MOST_RATE:
        raise ValueError(f"a rate of {rate:g} events a second is none: more than 0, at most {MOST_RATE:g}")
    name = new_name()
    about = ": ".join(filter(None, (because, choice.about)))
    kept = choice.filter if choice.filter and can_keep(choice.filter) else None
    start = job_start(
        name,
        filter_text=write_filter(kept) if kept else "",
        total=choice.count if kept else 0,
        rate=rate,
        may_duplicate=may_duplicate,
        filling=kept is None,
        deed=Deed(by=operator, did="job.start", about=about, name=name),
        sends=Deed(by=operator, did="redrive", about=about, name=name),
    )
    ledger.run(start)
    if kept is None:
        _fill(ledger, name, ids_of(ledger, choice, keyring))
    return job(ledger, name)


def job(ledger: Ledger, name: str) -> Job:
    """Return one job; raise JobNotFoundError."""
    state = job_of(ledger, name)
    if state is None:
        raise JobNotFoundError(f"account {ledger.account} has no redrive job {name}")
    return _seen(ledger.account, state)


def jobs(ledger: Ledger) -> tuple[Job, ...]:
    """Return the jobs that are remembered, newest first."""
    return tuple(_seen(ledger.account, state) for state in jobs_of(ledger))


def turn_job(ledger: Ledger, name: str, word: Turn, *, operator: str) -> Job:
    """Pause, resume or cancel a job; raise JobNotFoundError, or JobStateError for one that cannot be."""
    deed = Deed(by=operator, did=f"job.{word}", about=name, name=name)
    turned, state = ledger.run(job_turn(name, word, deed=deed))
    if state == "no":
        raise JobNotFoundError(f"account {ledger.account} has no redrive job {name}")
    if not turned:
        raise JobStateError(f"redrive job {name} is {state}: it cannot {word}")
    return job(ledger, name)


def workers_alive(ledger: Ledger) -> int:
    """Return how many workers are there to carry jobs on."""
    return ledger.run(status()).sizes["workers"]


def _fill(ledger: Ledger, name: str, ids: Iterator[str]) -> None:
    while chunk := list(islice(ids, FILL)):
        ledger.run(job_fill(name, chunk, last=False))
    ledger.run(job_fill(name, (), last=True))


def _seen(account: str, state: JobState) -> Job:
    return Job(
        job=state.name,
        account=account,
        state=state.state,
        why=state.why or None,
        operator=state.deed.by,
        about=state.deed.about,
        may_duplicate=state.may_duplicate,
        rate=state.rate,
        total=state.total,
        sent=state.sent,
        open=state.sent - state.delivered - state.failed - state.gone,
        delivered=state.delivered,
        failed=state.failed,
        gone=state.gone,
        left=state.left,
        codes=state.codes,
        started_at=state.started_at,
        ended_at=state.ended_at,
    )
