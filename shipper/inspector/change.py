"""Change: what a person wants to be different in an event's names and metadata; pure."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shipper.errors import Problem
from shipper.inspector.place import Step, read_place

Events = dict[str, Any]
"""`{event name: metadata}`"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Say what becomes different: all of it anew, then names, then properties set, then properties gone.

    Places are `name.property`, or deeper: `name.list[2].price`.
    """

    events: Mapping[str, Any] | None = field(default=None, repr=False)
    """What the event says from now on, whole; None: what it says now."""
    renames: Mapping[str, str] = field(default_factory=dict)
    sets: Mapping[str, Any] = field(default_factory=dict, repr=False)
    unsets: tuple[str, ...] = ()


def changed(events: Mapping[str, Any], change: Change) -> tuple[Events, list[Problem]]:
    """Return the events with a change made, as far as it can be, and what of it cannot."""
    after: Events = copy.deepcopy(_plain(events if change.events is None else change.events))
    problems: list[Problem] = []
    after = _renamed(after, change.renames, problems)
    for place, value in change.sets.items():
        try:
            _set(after, read_place(place, after), value)
        except ValueError as error:
            problems.append(Problem(place, str(error)))
    for place in change.unsets:
        try:
            _unset(after, read_place(place, after))
        except ValueError as error:
            problems.append(Problem(place, str(error)))
    return after, problems


def _plain(value: Any) -> Any:
    """Copy what may be frozen into what may be changed."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _renamed(events: Events, renames: Mapping[str, str], problems: list[Problem]) -> Events:
    """Give events other names in their places; two of one name would be one lost."""
    problems += [Problem(old, "is no event of this letter") for old in renames if old not in events]
    names = [renames.get(name, name) for name in events]
    problems += [
        Problem(name, "would be there twice") for name in dict.fromkeys(names) if names.count(name) > 1
    ]
    return dict(zip(names, events.values(), strict=True))


def _set(events: Events, steps: tuple[Step, ...], value: Any) -> None:
    inside: Any = events
    for step, following in zip(steps, (*steps[1:], None), strict=True):
        last = following is None
        match inside, step:
            case dict(), str() if last:
                inside[step] = value
            case dict(), str():
                inside = inside.setdefault(step, {})
            case list(), int() if last and step <= len(inside):
                inside[step : step + 1] = [value]
            case list(), int() if step < len(inside):
                inside = inside[step]
            case list(), int():
                raise ValueError(f"is beyond the list, which has {len(inside)}")
            case _:
                raise ValueError("leads through a value that holds nothing")


def _unset(events: Events, steps: tuple[Step, ...]) -> None:
    *way, last = steps
    inside: Any = events
    for step in way:
        inside = _inside(inside, step)
    _inside(inside, last)
    del inside[last]


def _inside(holder: Any, step: Step) -> Any:
    match holder, step:
        case dict(), str() if step in holder:
            return holder[step]
        case list(), int() if step < len(holder):
            return holder[step]
        case _:
            raise ValueError("is not there")
