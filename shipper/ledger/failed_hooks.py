"""Failed hooks by page: completion hooks that were given up, with what they had to tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from shipper.errors import ShipperError
from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.record import HookJob, read_job

STEP: Final = 200
"""Jobs read by one command; each holds a whole record."""
LIVES: Final = 100
"""Lives of an event that are looked for; its jobs are numbered by them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedHook:
    """A hook that was given up: when, and what its last try said."""

    job: HookJob
    failed_at: int
    error: str


class HookNotFoundError(ShipperError):
    """Say that a job is none of those that were given up: there is no place behind it."""


def failed_hooks(ledger: Ledger, *, beyond: str | None = None) -> Iterator[FailedHook]:
    """Yield those that were given up, newest first, from the other side of the job `beyond`.

    The page goes on by rank: a job that another person retries meanwhile may hide one until the next look.
    Raises HookNotFoundError, at the first of them, where `beyond` is retried or discarded itself: nothing
    remembers where it stood.
    """
    key = key_of(ledger.account, "hf")
    first = 0
    if beyond is not None:
        rank = ledger.ask("ZREVRANK", key, beyond)
        if rank is None:
            raise HookNotFoundError(f"{beyond} is no failed hook any more: begin with the first page")
        first = int(rank) + 1
    while True:
        flat = ledger.ask("ZRANGE", key, first, first + STEP - 1, "REV", "WITHSCORES")
        yield from _read(ledger, dict(zip(flat[::2], flat[1::2], strict=True)))
        if len(flat) < 2 * STEP:
            return
        first += STEP


def failed_jobs_of(ledger: Ledger, event_id: str) -> list[str]:
    """Return the jobs of an event whose hook was given up, one for each of its lives at most."""
    jobs = [f"{event_id}:{life}" for life in range(LIVES)]
    scores = ledger.ask("ZMSCORE", key_of(ledger.account, "hf"), *jobs)
    return [job for job, score in zip(jobs, scores, strict=True) if score is not None]


def oldest_failed(ledger: Ledger, *, until: int, most: int) -> list[str]:
    """Return jobs that were given up by then (ms), the oldest first."""
    key = key_of(ledger.account, "hf")
    jobs = ledger.ask("ZRANGE", key, "-inf", until, "BYSCORE", "LIMIT", 0, most)
    return [job.decode() for job in jobs]


def _read(ledger: Ledger, failed_at: dict[bytes, bytes]) -> Iterator[FailedHook]:
    jobs = list(failed_at)
    if not jobs:
        return
    told = _values(ledger, "hj", jobs)
    tried = _values(ledger, "hl", jobs)
    for job, what, how in zip(jobs, told, tried, strict=True):
        if what is None:  # retried or discarded since its page was read
            continue
        tries, _, error = (how or b"0 - ").decode("utf-8", "replace").split(" ", 2)
        yield FailedHook(
            job=read_job(job.decode(), int(tries), what), failed_at=int(float(failed_at[job])), error=error
        )


def _values(ledger: Ledger, name: str, jobs: Sequence[bytes]) -> list[bytes | None]:
    values: list[bytes | None] = ledger.ask(
        "HMGET", key_of(ledger.account, name), *(job.decode() for job in jobs)
    )
    return values
