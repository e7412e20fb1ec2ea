"""Jobs: the redrive jobs of one account, to be started, watched, held and ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from shipper.inspector.choice import Choice, ids_of
from shipper.inspector.job import MOST_RATE, Job, JobNotFoundError, JobStateError, seen_job
from shipper.inspector.letters import Letters
from shipper.ledger.deed import Deed, new_name
from shipper.ledger.jobs import can_keep, job_of, jobs_of, write_filter
from shipper.ledger.ledger import Ledger
from shipper.ledger.letters import Filter
from shipper.ledger.operations import job_fill, job_start, job_turn, status
from shipper.ledger.operations.job import Turn
from shipper.settings import Settings

FILL: Final = 500
"""Ids given to a job by one script."""
UNPACED: Final = 50.0
"""Events a second where no pace is set of which half could be taken."""


class Jobs:
    """Have workers send an account's letters again, as `operator`. Every method asks Redis anew."""

    def __init__(self, ledger: Ledger, settings: Settings, *, operator: str) -> None:
        self._ledger = ledger
        self._settings = settings
        self._operator = operator

    @property
    def default_rate(self) -> float:
        """Return the rate of a job that names none, in events a second: half of the pace in the long run."""
        if self._settings.pace_per_30_seconds:
            return self._settings.pace_per_30_seconds / 60
        return self._settings.pace_per_second / 2 or UNPACED

    def workers(self) -> int:
        """Return how many workers are alive to carry jobs on."""
        return self._ledger.run(status()).sizes["workers"]

    def all(self) -> tuple[Job, ...]:
        """Return the jobs, newest first: those that run, and the latest thousand."""
        return tuple(seen_job(self._ledger.account, state) for state in jobs_of(self._ledger))

    def find(self, name: str) -> Job:
        """Return one job; raise JobNotFoundError."""
        state = job_of(self._ledger, name)
        if state is None:
            raise self._not_found(name)
        return seen_job(self._ledger.account, state)

    def start(
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
        rate = self.default_rate if rate is None else rate
        if not 0 < rate <= MOST_RATE:
            raise ValueError(
                f"a rate of {rate:g} events a second is none: more than 0, at most {MOST_RATE:g}"
            )
        choice = wanted if isinstance(wanted, Choice) else self._chosen(wanted)
        name = new_name()
        about = choice.about(because)
        kept = choice.filter if choice.filter and can_keep(choice.filter) else None
        start = job_start(
            name,
            filter_text=write_filter(kept) if kept else "",
            total=choice.count,
            rate=rate,
            may_duplicate=may_duplicate,
            moment=choice.at,
            filling=kept is None,
            deed=Deed(by=self._operator, did="job.start", about=about, name=name),
            sends=Deed(by=self._operator, did="redrive", about=about, name=name),
        )
        self._ledger.run(start)
        if kept is None:
            self._fill(name, ids_of(self._ledger, choice, self._settings.keyring))
        return self.find(name)

    def pause(self, name: str) -> Job:
        """Send no more of a job until it is resumed; raise JobNotFoundError or JobStateError."""
        return self._turn(name, "pause")

    def resume(self, name: str) -> Job:
        """Go on with a job that was paused or has stopped; raise JobNotFoundError or JobStateError."""
        return self._turn(name, "resume")

    def cancel(self, name: str) -> Job:
        """End a job; what it has sent goes on. Raise JobNotFoundError or JobStateError."""
        return self._turn(name, "cancel")

    def _chosen(self, wanted: Filter | Sequence[str]) -> Choice:
        return Letters(self._ledger, self._settings, operator=self._operator).choose(wanted)

    def _fill(self, name: str, ids: Iterator[str]) -> None:
        """Give a job its ids, unless somebody cancels it meanwhile; raise JobNotFoundError if it is gone."""
        before = 0
        while chunk := list(islice(ids, FILL)):
            if self._filled(name, chunk, before=before) != "filling":
                return
            before += len(chunk)
        self._filled(name, (), before=before, last=True)

    def _filled(self, name: str, ids: Sequence[str], *, before: int, last: bool = False) -> str:
        state = self._ledger.run(job_fill(name, ids, before=before, last=last))
        if state == "no":
            raise self._not_found(name)
        return state

    def _turn(self, name: str, word: Turn) -> Job:
        deed = Deed(by=self._operator, did=f"job.{word}", about=name, name=name)
        turned, state = self._ledger.run(job_turn(name, word, deed=deed))
        if state == "no":
            raise self._not_found(name)
        if not turned:
            raise JobStateError(f"redrive job {name} is {state}: it cannot {word}")
        return self.find(name)

    def _not_found(self, name: str) -> JobNotFoundError:
        return JobNotFoundError(f"account {self._ledger.account} has no redrive job {name}")
