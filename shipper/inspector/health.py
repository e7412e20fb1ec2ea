"""Health: whether somebody is at work on what is due; for container probes, so one script and no broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shipper.inspector.standing import hold_of, oldest_due_ms, swept_ms
from shipper.ledger.operations import GRACE_MS, Status
from shipper.settings import Settings

SILENT_MS: Final = 15_000
"""No worker has swept for that long: none runs, or none reaches Redis."""
SILENT_SWEEPS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a probe wants to know."""

    account: str
    healthy: bool
    problems: tuple[str, ...]
    oldest_due_ms: int
    pumps: int
    swept_ms: int | None
    paused: bool


def health_of(account: str, seen: Status, settings: Settings) -> Health:
    """Judge by the sweep's age, and by lanes that are due while no pump runs and nothing holds them."""
    hold, due_for, silence = hold_of(seen), oldest_due_ms(seen), swept_ms(seen)
    problems = []
    if silence is None:
        problems.append("no worker has ever looked at this account")
    elif silence > max(SILENT_MS, SILENT_SWEEPS * settings.sweep_ms):
        problems.append(f"no worker has looked at this account for {silence // 1000} s")
    # A backlog may be due for hours while the pace is kept: what counts is that a pump runs.
    if not seen.pumps and not hold.holds_now and due_for > settings.lease_ms + GRACE_MS:
        problems.append(f"a customer's events are due for {due_for // 1000} s and no pump runs")
    return Health(
        account=account,
        healthy=not problems,
        problems=tuple(problems),
        oldest_due_ms=due_for,
        pumps=seen.pumps,
        swept_ms=silence,
        paused=hold.why is not None,
    )
