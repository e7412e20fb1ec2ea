"""Sweep: end expired leases and reserve tickets; forget: end retention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from shipper.ledger.operations.enqueue import EARLY_MS
from shipper.ledger.operations.operation import Argument, Operation, time_or_now, whole
from shipper.settings import HOUR_MS, Settings

ABSENCE_MS: Final = 10_000
"""A sweep that comes later than this after the last one followed an outage of Redis, not of workers."""
GRACE_MS: Final = 8_000
CRASH_BACKOFF_MS: Final = 1_000
TICKET_MS: Final = 5_000
"""How long a reserved pump may take to make its first claim."""
MEMORY_SHARE_PERCENT: Final = 70
LANES: Final = 500
"""Most leases ended by one sweep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """How an account stands, and the tickets this Dispatcher may start pumps with."""

    now: int
    """The ledger's time, in ms."""
    due: int
    oldest_due: int | None
    leased: int
    next_due: int | None
    held_until: int
    why: str
    pumps: int
    tellers: int
    expired: int
    turn: int
    """Only grows, unless the ledger was rolled back: pass the highest one seen to the next sweep."""
    running: int
    """Pumps that have made a claim: a ticket alone is none."""


def sweep(
    settings: Settings,
    *,
    tickets: Sequence[str] = (),
    teller_tickets: Sequence[str] = (),
    most_pumps: int = 0,
    most_tellers: int = 0,
    seen: int = 0,
    hold_ms: int = 0,
    worker: str = "",
    swept_at: int = 0,
    limit: int = LANES,
    backoff_ms: int = CRASH_BACKOFF_MS,
    now: int | None = None,
) -> Operation[Sweep]:
    """End expired leases and reserve tickets.

    `most_pumps` holds for each worker that says its name here because it runs pumps; `swept_at` is the `now`
    of its last sweep; `hold_ms` is the pause when Redis came back as another process.
    """
    args: list[Argument] = [
        time_or_now(now),
        limit,
        ABSENCE_MS,
        GRACE_MS,
        backoff_ms,
        settings.max_crashes,
        TICKET_MS,
    ]
    args += [settings.calls_in_flight, most_pumps, most_tellers, seen, hold_ms, worker]
    args += [swept_at, len(tickets)]
    return Operation("sweep", (*args, *tickets, *teller_tickets), _read_sweep)


def _read_sweep(reply: list[Any]) -> Sweep:
    due, oldest, leased, next_due, until, why, pumps, tellers, expired, turn, running, now = reply
    return Sweep(
        due=due,
        oldest_due=whole(oldest),
        leased=leased,
        next_due=whole(next_due),
        held_until=int(until),
        why=why.decode(),
        pumps=int(pumps),
        tellers=int(tellers),
        expired=expired,
        turn=int(turn),
        running=running,
        now=now,
    )


def forget(
    settings: Settings, *, limit: int = 1000, now: int | None = None
) -> Operation[tuple[int, int, int]]:
    """Forget what is past retention; the reply counts ids, idempotency keys, and moments clipped.

    An id is remembered longer than the oldest one that enqueue takes, which may have been born EARLY_MS after
    its event ended: so no id is ever new twice, unless the clock of who made it was further ahead than that.
    """
    args: tuple[Argument, ...] = (
        time_or_now(now),
        limit,
        settings.id_retention_ms + EARLY_MS + 1,
        settings.idempotency_retention_ms,
        settings.lease_ms,
    )
    longest_hold = max(settings.pause_max_ms, settings.retry_after_max_ms, settings.lease_ms)
    args += (settings.backoff_cap_ms, MEMORY_SHARE_PERCENT, settings.hook_timeout_ms * 2, longest_hold)
    args += (settings.trail_days * 24 * HOUR_MS,)
    return Operation("forget", args, tuple)
