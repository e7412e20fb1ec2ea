"""Job: a redrive that workers carry on: a frozen set of letters, a rate, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shipper.errors import ShipperError
from shipper.ledger.jobs import JobState

OVER: Final = frozenset({"done", "cancelled"})
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
    `waits` says why a running job sends nothing at the moment: held (the account is), late (live events are),
    quota (nine tenths of it are used) or full (a thousand of its events are under way).
    """

    job: str
    account: str
    state: str
    why: str | None
    waits: str | None
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


def seen_job(account: str, state: JobState) -> Job:
    """Say how a job of an account stands."""
    return Job(
        job=state.name,
        account=account,
        state=state.state,
        why=state.why or None,
        waits=state.waits or None,
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
