"""Health: whether somebody is at work on what is due; for container probes, so one script and no broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from shipper.inspector.standing import hooks_due_ms, oldest_due_ms, swept_ms, unserved_hooks
from shipper.ledger.hold import hold_of
from shipper.ledger.operations import GRACE_MS, Status
from shipper.settings import Settings

SILENT_MS: Final = 15_000
"""No worker has swept for that long: none runs, or none reaches Redis."""
SILENT_SWEEPS: Final = 5

Work = Literal["deliver", "hooks", "all"]
"""What a probe is about. A worker that delivers is well though the one for hooks, elsewhere, is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a probe wants to know."""

    account: str
    healthy: bool
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    """What others have to see to."""
    oldest_due_ms: int
    hooks_due_ms: int
    pumps: int
    swept_ms: int | None
    paused: bool


def health_of(account: str, seen: Status, settings: Settings, *, of: Work = "deliver") -> Health:
    """Judge by the sweep's age, and by what is due while nobody works on it and nothing holds it."""
    hold, due_for, silence = hold_of(seen), oldest_due_ms(seen), swept_ms(seen)
    problems: list[str] = []
    warnings: list[str] = []
    if silence is None:
        problems.append("no worker has ever looked at this account")
    elif silence > max(SILENT_MS, SILENT_SWEEPS * settings.sweep_ms):
        problems.append(f"no worker has looked at this account for {silence // 1000} s")
    # A backlog may be due for hours while the pace is kept: what counts is that a pump runs.
    if not seen.pumps and not hold.holds_now and due_for > settings.lease_ms + GRACE_MS:
        told = f"a customer's events are due for {due_for // 1000} s and no pump runs"
        (warnings if of == "hooks" else problems).append(told)
    if unserved := unserved_hooks(seen, settings):
        (warnings if of == "deliver" else problems).append(unserved)
    return Health(
        account=account,
        healthy=not problems,
        problems=tuple(problems),
        warnings=tuple(warnings),
        oldest_due_ms=due_for,
        hooks_due_ms=hooks_due_ms(seen),
        pumps=seen.pumps,
        swept_ms=silence,
        paused=hold.holds_now,
    )
