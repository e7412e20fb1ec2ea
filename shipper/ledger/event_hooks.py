"""Hooks of one event: the jobs of its lives that are not told yet."""

from __future__ import annotations

from dataclasses import dataclass

from shipper.ledger.failed_hooks import LIVES
from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class EventHook:
    """A job: when it is due, or was given up, and what its last try said."""

    job: str
    due_at: int | None
    failed_at: int | None
    tries: int
    error: str


def hooks_of_event(ledger: Ledger, event_id: str, *, lives: int | None = None) -> list[EventHook]:
    """Return the jobs of an event in the order of its lives; where their number is unknown, of a hundred."""
    jobs = [f"{event_id}:{life}" for life in range(min(lives or LIVES, LIVES))]
    due = ledger.ask("ZMSCORE", key_of(ledger.account, "hooks"), *jobs)
    failed = ledger.ask("ZMSCORE", key_of(ledger.account, "hf"), *jobs)
    tried = ledger.ask("HMGET", key_of(ledger.account, "hl"), *jobs)
    found = []
    for job, due_at, failed_at, how in zip(jobs, due, failed, tried, strict=True):
        if due_at is None and failed_at is None:
            continue
        tries, _, error = [*(how or b"0").decode("utf-8", "replace").split(" ", 2), "", ""][:3]
        found.append(
            EventHook(
                job=job,
                due_at=None if due_at is None else int(float(due_at)),
                failed_at=None if failed_at is None else int(float(failed_at)),
                tries=int(tries) if tries.isdigit() else 0,
                error=error,
            )
        )
    return found
