"""What an operator does to events: redrive, discard, expunge."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from shipper.ledger.deed import Deed, write_deed
from shipper.ledger.operations.operation import Argument, Operation, time_or_now, words


def redrive(
    ids: Sequence[str],
    *,
    spread_ms: int,
    may_duplicate: bool,
    after_ms: int = 0,
    line: bytes = b"",
    moment: int | None = None,
    deed: Deed | None = None,
    now: int | None = None,
) -> Operation[list[str]]:
    """Send dead letters again; a word for each.

    ok, unclear (say that it may duplicate), no, later (a letter only since the `moment` of the choice, ms),
    unreadable or broken. They are due `spread_ms` apart, the first after `after_ms`: what earlier calls of a
    large redrive took.
    """
    args: list[Argument] = [time_or_now(now), spread_ms, after_ms, int(may_duplicate), line, write_deed(deed)]
    args += [time_or_now(moment), *ids]
    return Operation("redrive", tuple(args), words)


def discard(
    ids: Sequence[str],
    *,
    moment: int | None = None,
    waiting: Collection[str] = (),
    deed: Deed | None = None,
    now: int | None = None,
) -> Operation[list[str]]:
    """Forget letters, and those events that may be `waiting`, on purpose; a word for each.

    ok, in_flight, no, or later: a letter only since the `moment` of the choice, in ms.
    """
    args: list[Argument] = [time_or_now(now), write_deed(deed), time_or_now(moment)]
    for event_id in ids:
        args += [event_id, int(event_id in waiting)]
    return Operation("discard", tuple(args), words)


def expunge(ids: Sequence[str], *, deed: Deed | None = None, now: int | None = None) -> Operation[list[str]]:
    """Erase events; for each the state it was in, hook, or no."""
    return Operation("expunge", (time_or_now(now), write_deed(deed), *ids), words)
