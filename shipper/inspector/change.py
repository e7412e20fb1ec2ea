"""Change: what a person wants to be different in an event's names and metadata; pure."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from shipper.errors import Problem
from shipper.inspector.place import Step, read_place

Events = dict[str, Any]
"""`{event name: metadata}`"""
_NUMBER: Final = re.compile(r"-?(0|[1-9]\d{0,30})(\.\d{1,30})?([eE][+-]?\d{1,3})?", re.ASCII)
"""As JSON writes one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Say what becomes different: all of it anew, then names, then properties moved, made numbers, set, gone.

    Places are `name.property`, or deeper: `name.list[2].price`.
    """

    events: Mapping[str, Any] | None = field(default=None, repr=False)
    """What the event says from now on, whole; None: what it says now."""
    renames: Mapping[str, str] = field(default_factory=dict)
    moves: Mapping[str, str] = field(default_factory=dict)
    """From place to place: a property that has another name from now on."""
    numbers: tuple[str, ...] = ()
    """Places of texts that are numbers: `"12.50"` becomes 12.5."""
    sets: Mapping[str, Any] = field(default_factory=dict, repr=False)
    unsets: tuple[str, ...] = ()


def changed(events: Mapping[str, Any], change: Change) -> tuple[Events, list[Problem]]:
    """Return the events with a change made, as far as it can be, and what of it cannot."""
    after: Events = copy.deepcopy(_plain(events if change.events is None else change.events))
    problems: list[Problem] = []
    after = _renamed(after, change.renames, problems)
    for place, step in _steps(change):
        try:
            step(after)
        except ValueError as error:
            problems.append(Problem(place, str(error)))
    return after, problems


def _steps(change: Change) -> Iterator[tuple[str, Callable[[Events], object]]]:
    """Yield what is done place by place, in order."""
    for old, new in change.moves.items():
        yield old, partial(_move, old=old, new=new)
    for place in change.numbers:
        yield place, partial(_number, place=place)
    for place, value in change.sets.items():
        yield place, partial(_set_at, place=place, value=value)
    for place in change.unsets:
        yield place, partial(_unset_at, place=place)


def _move(events: Events, *, old: str, new: str) -> None:
    there = read_place(new, events)
    if _is_there(events, there):
        raise ValueError(f"cannot move: {new} is there already")
    value = _take(events, read_place(old, events))
    _set(events, there, value)


def _number(events: Events, *, place: str) -> None:
    steps = read_place(place, events)
    value = _value_at(events, steps)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return
    if not (isinstance(value, str) and _NUMBER.fullmatch(value.strip())):
        raise ValueError("is no text of a number")
    _set(events, steps, json.loads(value.strip()))


def _set_at(events: Events, *, place: str, value: Any) -> None:
    _set(events, read_place(place, events), copy.deepcopy(value))


def _unset_at(events: Events, *, place: str) -> None:
    _take(events, read_place(place, events))


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


def _take(events: Events, steps: tuple[Step, ...]) -> Any:
    """Take a value out, and return it."""
    inside: Any = _value_at(events, steps[:-1])
    value = _inside(inside, steps[-1])
    del inside[steps[-1]]
    return value


def _value_at(events: Events, steps: tuple[Step, ...]) -> Any:
    inside: Any = events
    for step in steps:
        inside = _inside(inside, step)
    return inside


def _is_there(events: Events, steps: tuple[Step, ...]) -> bool:
    try:
        _value_at(events, steps)
    except ValueError:
        return False
    return True


def _inside(holder: Any, step: Step) -> Any:
    match holder, step:
        case dict(), str() if step in holder:
            return holder[step]
        case list(), int() if step < len(holder):
            return holder[step]
        case _:
            raise ValueError("is not there")
