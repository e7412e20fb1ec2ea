"""Text: how data is shown to a person: nothing in it steers the terminal, times read at a glance."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from typing import Final

UNITS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
LONGEST_PAUSE_MS: Final = 365 * UNITS["d"]
"""A pause that is longer is meant to last until somebody resumes."""
_LAST_MS: Final = 253_402_300_800_000
"""The year 10000, where `datetime` ends."""
_DURATION: Final = re.compile(r"(?:\d+(?:ms|s|m|h|d))+")
_PART: Final = re.compile(r"(\d+)(ms|s|m|h|d)")


def clean(text: object, *, most: int = 0) -> str:
    """Escape what could steer a terminal or reorder its line; cut to `most` characters (0: never)."""
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in str(text))
    return f"{shown[: most - 1]}…" if 0 < most < len(shown) else shown


def in_shell(word: str) -> str:
    """Quote a word so that a shell reads it as it is, and nothing in it steers a terminal.

    What is not shown stands in escapes, which wants `$'…'`: bash, zsh and ksh know it. They are of bytes, for
    bash before 4.2 knows no others.
    """
    if word.isprintable():
        return shlex.quote(word)
    return f"$'{''.join(map(_escaped, word))}'"


def _escaped(char: str) -> str:
    if char in "\\'":
        return f"\\{char}"
    if char.isprintable():
        return char
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogatepass"))


def iso(ms: int) -> str:
    """Return a moment in ISO 8601, UTC, with milliseconds; what no calendar has comes back as a number."""
    if not 0 <= ms < _LAST_MS:
        return str(ms)
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03}Z"


def moment(ms: int | None) -> str:
    """Return a moment for a person, UTC, to the second."""
    return "" if ms is None else iso(ms)[:19].replace("T", " ")


def duration(ms: int | None) -> str:
    """Return a time span in its largest unit: `0 s`, `12 s`, `3 min`, `5 h`, `2 d`."""
    if ms is None:
        return ""
    for unit, size in (("d", UNITS["d"]), ("h", UNITS["h"]), ("min", UNITS["m"])):
        if ms >= size:
            return f"{ms // size} {unit}"
    return f"{ms // 1000} s" if ms >= 1000 or ms == 0 else f"{ms} ms"


def read_duration(text: str) -> int:
    """Read `90s`, `10m`, `1h30m` as milliseconds; raise ValueError for anything else."""
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is no time span: write 30s, 10m, 1h30m or 2d")
    return sum(int(number) * UNITS[unit] for number, unit in _PART.findall(text))


def read_pause(text: str) -> int:
    """Read how long a pause lasts, in ms from 1 to `LONGEST_PAUSE_MS`; raise ValueError for anything else."""
    found = read_duration(text)
    if not 0 < found <= LONGEST_PAUSE_MS:
        raise ValueError("the pause is no time span from 1 ms to 365 d")
    return found


def read_moment(text: str, *, now: int) -> int:
    """Read an ISO moment (UTC unless it says otherwise), or a span before `now`, as milliseconds.

    Raise ValueError for anything else, and beyond the years 1970 to 9999: a slip would choose everything.
    """
    found = now - read_duration(text) if _DURATION.fullmatch(text) else _read_iso(text)
    if not 0 <= found < _LAST_MS:
        raise ValueError(f"{text[:40]!r} is beyond the years 1970 to 9999")
    return found


def _read_iso(text: str) -> int:
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text[:40]!r} is no time: write 2026-09-21, 2026-09-21T14:00:00Z, or 2h for two hours ago"
        ) from None
    aware = given if given.tzinfo else given.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)


def number(value: float | None) -> str:
    """Return a number with separators between thousands; a dash for none."""
    return "-" if value is None else f"{value:,}"
