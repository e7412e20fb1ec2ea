"""Hook standing: whether an event's completion hook was told, waits to be, or was given up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shipper.inspector.timeline import Read
from shipper.ledger.event_hooks import hooks_of_event
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class HookStanding:
    """How it stands with the hook of an event's last life that ended.

    `told` is also one that a person discarded. `error` is what its last try said.
    """

    standing: Literal["waiting", "failed", "told"]
    tries: int = 0
    error: str | None = None
    due_at: int | None = None
    failed_at: int | None = None


def hook_standing(ledger: Ledger, seen: Shown, read: Read) -> HookStanding | None:
    """Look for the event's hook jobs; None for one that named no hook, or has not ended yet."""
    lives = seen.tried.life + 1 if seen.record else None
    jobs = hooks_of_event(ledger, seen.event_id, lives=lives)
    if jobs:
        job = jobs[-1]
        return HookStanding(
            standing="waiting" if job.due_at is not None else "failed",
            tries=job.tries,
            error=read(job.error or None),
            due_at=job.due_at,
            failed_at=job.failed_at,
        )
    ended = seen.record and seen.record.hook and (seen.ended_at is not None or seen.tried.life)
    return HookStanding(standing="told") if ended else None
