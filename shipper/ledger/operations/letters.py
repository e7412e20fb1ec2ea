"""What an operator does to events: redrive, discard, expunge."""

from __future__ import annotations

from collections.abc import Sequence

from shipper.ledger.deed import Deed, write_deed
from shipper.ledger.operations.operation import Operation, time_or_now, words


def redrive(
    ids: Sequence[str],
    *,
    spread_ms: int,
    may_duplicate: bool,
    after_ms: int = 0,
    line: bytes = b"",
    deed: Deed | None = None,
    now: int | None = None,
) -> Operation[list[str]]:
    """Send dead letters again; for each ok, unclear (say that it may duplicate), no, unreadable or broken.

    They are due `spread_ms` apart, the first after `after_ms`: what earlier calls of a large redrive took.
    """
    args = (time_or_now(now), spread_ms, after_ms, int(may_duplicate), line, write_deed(deed), *ids)
    return Operation("redrive", args, words)


def discard(ids: Sequence[str], *, deed: Deed | None = None, now: int | None = None) -> Operation[list[str]]:
    """Forget events on purpose; a word for each: ok, in_flight, no."""
    return Operation("discard", (time_or_now(now), write_deed(deed), *ids), words)


def expunge(ids: Sequence[str], *, deed: Deed | None = None, now: int | None = None) -> Operation[list[str]]:
    """Erase events; for each the state it was in, hook, or no."""
    return Operation("expunge", (time_or_now(now), write_deed(deed), *ids), words)
