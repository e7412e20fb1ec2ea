"""Alarms as the ledger remembers them: which are raised, and the numbers that they go by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shipper.alarm import NAMES, marks_of, passed
from shipper.ledger.hold import hold_of
from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Status, alarm, status
from shipper.settings import Settings

FOR_NOTHING: Final = (0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RaisedAlarm:
    """An alarm that is raised: since when, by which number, and the mark that it had reached."""

    name: str
    raised_at: int
    value: int
    mark: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmChange:
    """An alarm that a look has raised or cleared."""

    name: str
    raised: bool
    value: int
    mark: int


def raised_alarms(ledger: Ledger) -> tuple[RaisedAlarm, ...]:
    """Tell the alarms that are raised, in the order of their settings."""
    known = _known(ledger)
    return tuple(_raised(name, known[name]) for name in NAMES if name in known)


def look_for_alarms(ledger: Ledger, settings: Settings, *, now: int | None = None) -> tuple[AlarmChange, ...]:
    """Compare the account's numbers with the marks; tell what this look, of all workers', has changed."""
    known = _known(ledger)
    seen = ledger.run(status(now=now))
    marks, values = marks_of(settings), values_of(seen, held_since=known.get("held"))
    held = hold_of(seen).lasts
    looked = alarm(values, marks, passed(values, marks), held=held, seen_at=seen.now, now=now)
    changed = ledger.run(looked)
    return tuple(
        AlarmChange(name=name, raised=raised, value=values[name], mark=marks[name])
        for name, raised in changed.items()
    )


def values_of(seen: Status, *, held_since: str | None) -> dict[str, int]:
    """Return the number that each alarm goes by. A pause is as old as the look that first met it."""
    since = int(held_since) if held_since and held_since.isdigit() and hold_of(seen).lasts else seen.now
    oldest = seen.oldest_due if seen.oldest_due is not None else seen.now
    return {
        "dead": seen.counters.get("dead", 0),
        "unclear": seen.counters.get("unclear", 0),
        "oldest_due_ms": max(seen.now - oldest, 0),
        "pause_ms": max(seen.now - since, 0),
    }


def _known(ledger: Ledger) -> Mapping[str, str]:
    flat = ledger.ask("HGETALL", key_of(ledger.account, "alarms"))
    texts = [each.decode("ascii", "replace") for each in flat]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def _raised(name: str, told: str) -> RaisedAlarm:
    numbers = [int(word) for word in told.split() if word.isdigit()]
    raised_at, value, mark = numbers if len(numbers) == 3 else FOR_NOTHING
    return RaisedAlarm(name=name, raised_at=raised_at, value=value, mark=mark)
