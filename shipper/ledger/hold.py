"""Hold: what keeps an account from making calls, and whether it still does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shipper.ledger.operations import Status

FOR_EVER: Final = 2**53 - 1
"""The moment until which a pause without an end holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """The hold of an account. One whose time is over lets the next call go, alone: its probe."""

    why: str | None = None
    """Why it was laid; None: there is none."""
    until: int | None = None
    """When its time is over, or its probe's; None: a person ends it, or it holds no longer."""
    holds_now: bool = False
    lasts: bool = False
    """It holds now, or events are due behind it: between its time and its probe's answer it has not ended."""


def hold_of(seen: Status) -> Hold:
    """Read what holds the account."""
    why = seen.gate.get("why")
    if why is None:
        return Hold()
    until = max(int(seen.gate.get("until", 0)), int(seen.gate.get("pend", 0)))
    holds_now = until > seen.now
    return Hold(
        why=why,
        until=until if holds_now and until < FOR_EVER else None,
        holds_now=holds_now,
        lasts=holds_now or seen.sizes["due_now"] > 0,
    )
