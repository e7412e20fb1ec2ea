"""Filters: which letters are meant, as an address or a form says it, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shipper.cli.text import iso, read_moment
from shipper.clock import now_ms
from shipper.event_id import is_event_id
from shipper.inspector import REASONS, Filter, ReasonGroup, Spot, read_code, read_field, say_field
from shipper.metadata import is_utf8
from shipper.web.mistake import MistakeError

NAMES: Final = ("reason", "code", "event", "field", "customer", "text", "since", "until")
LONGEST: Final = 500
EXACT: Final = frozenset({"event", "field", "customer", "text"})
"""Blanks around these count: `purchase ` is another event than `purchase`."""
MOST_IDS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A filter as it was asked for, and the words it was asked in, to be shown and handed on."""

    filter: Filter
    said: Mapping[str, str]

    @property
    def is_all(self) -> bool:
        """Tell that nothing was asked for: every letter is meant."""
        return not self.said


def read_wanted(given: Mapping[str, Any], *, strict: bool = False, now: int | None = None) -> Wanted:
    """Read a filter; raise MistakeError saying what cannot be.

    An empty field of a form means any; a program that says something empty (`strict`) has lost what it meant.
    """
    if strict:
        _refuse_blanks(given)
    said = {name: text for name in NAMES if (text := _text(given, name))}
    reason, code = said.get("reason"), said.get("code")
    if reason is not None and reason not in REASONS:
        raise MistakeError(f"reason is none of {', '.join(REASONS)}")
    try:
        code = code and read_code(code)
    except ValueError as error:
        raise MistakeError(f"code {error}") from None
    at = now_ms() if now is None else now
    found = Filter(
        reason=reason,
        code=code,
        event_name=said.get("event"),
        field=read_field(said["field"]) if "field" in said else None,
        text=said.get("text"),
        customer_id=said.get("customer"),
        since=read_moment_of("since", said, now=at),
        until=read_moment_of("until", said, now=at),
    )
    return Wanted(filter=found, said=said)


def query_of(group: ReasonGroup) -> dict[str, Any]:
    """Return the query that finds a group's letters."""
    return {
        "reason": group.reason,
        "code": "none" if group.code is None else group.code,
        "event": group.event_name,
        "field": say_field(group.field),
    }


def read_spot(text: str) -> Spot | None:
    """Read a place in the list, as `write_spot` wrote it; raise MistakeError."""
    if not text:
        return None
    at, _, event_id = text.partition(".")
    if not (at.isascii() and at.isdigit() and len(at) <= 13 and is_event_id(event_id)):
        raise MistakeError("before is no place in the list: follow the link of the page before")
    return Spot(int(at), event_id)


def write_spot(spot: Spot) -> str:
    """Return a place in the list as an address says it."""
    return f"{spot.ended_at}.{spot.event_id}"


def read_ids(values: object) -> tuple[str, ...]:
    """Read event ids; raise MistakeError for one that can be none."""
    ids = [values] if isinstance(values, str) else values
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise MistakeError("ids is no list of event ids")
    if len(ids) > MOST_IDS:
        raise MistakeError(f"ids has {len(ids)} event ids: {MOST_IDS} at most, or use a filter")
    bad = next((each for each in ids if not is_event_id(each)), None)
    if bad is not None:
        raise MistakeError(f"{bad[:40]!a} is no event id")
    return tuple(dict.fromkeys(ids))


def read_moment_of(name: str, said: Mapping[str, str], *, now: int) -> int | None:
    """Read a moment, ISO or a span before `now`; None where none is said. Raise MistakeError."""
    if name not in said:
        return None
    try:
        return read_moment(said[name], now=now)
    except ValueError as error:
        raise MistakeError(f"{name}: {error}") from None


def spelled(ms: int) -> str:
    """Return a moment as a form hands it on: exact to the millisecond."""
    return iso(ms)


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool) and name == "code":
        value = str(value)
    if not isinstance(value, str):
        raise MistakeError(f"{name} is no text")
    if len(value) > LONGEST:
        raise MistakeError(f"{name} is longer than {LONGEST} characters")
    if not is_utf8(value):
        raise MistakeError(f"{name} holds half of a character, which is no text")
    return value if name in EXACT else value.strip()


def _refuse_blanks(given: Mapping[str, Any]) -> None:
    for name in NAMES:
        if name not in given:
            continue
        value = given[name]
        if value is None or (isinstance(value, str) and not value.strip()):
            raise MistakeError(f"{name} is empty: say which is meant, or leave {name} out")
