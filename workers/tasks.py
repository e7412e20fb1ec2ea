"""Tasks: the doors through which Celery's messages come in. A message is a wake-up and holds no event."""

from __future__ import annotations

from typing import Final

from shipper.ledger.operations import hook_lease_ms
from shipper.settings import Settings
from workers.completion import TELL_MS
from workers.wiring import works

DELIVER: Final = "shipper.deliver"
COMPLETE: Final = "shipper.complete"
HARD_LIMIT_S: Final = 5
"""How long after its soft limit a process that tells a hook is killed at the earliest, where the pool can."""


def deliver(account: str, ticket: str) -> None:
    """Run a pump for an account."""
    works().run_pump(account, ticket, lingers=True)


def complete(account: str, ticket: str) -> None:
    """Tell completion hooks of an account."""
    works().run_teller(account, ticket)


def limits_of_complete(settings: Settings) -> dict[str, float]:
    """Return Celery's limits for `complete`, in seconds.

    The soft one is a hook's own, after the time to claim the last. Until the hard one, the end of the first
    job's lease, how a hook ended can be written down though Redis is away; then others may tell it.
    """
    soft = (settings.hook_timeout_ms + TELL_MS) / 1000
    return {"soft_time_limit": soft, "time_limit": max(soft + HARD_LIMIT_S, hook_lease_ms(settings) / 1000)}
