"""Difference: what one version of an event says and another does not, place by place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Final, Literal

from shipper.inspector.place import Step, write_place

_ABSENT: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place that differs. `before` of what is added, and `after` of what is removed, are None.

    Of what is renamed they are the event's names.
    """

    what: Literal["added", "removed", "changed", "renamed"]
    place: str
    before: Any = field(default=None, repr=False)
    after: Any = field(default=None, repr=False)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Compare two versions of `{event name: metadata}`; an event that only changed its name is renamed."""
    gone = [name for name in before if name not in after]
    come = [name for name in after if name not in before]
    renamed: dict[str, str] = {}
    for old in gone:
        new = next((n for n in come if n not in renamed.values() and _same(before[old], after[n])), None)
        new = new or (come[0] if len(gone) == len(come) == 1 else None)
        if new is not None:
            renamed[old] = new
    found = [
        Difference(what="renamed", place=write_place([old]), before=old, after=new)
        for old, new in renamed.items()
    ]
    then = {renamed.get(name, name): metadata for name, metadata in before.items()}
    return (*found, *_compare(then, dict(after), ()))


def _compare(before: Any, after: Any, way: tuple[Step, ...]) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            yield from _compare(before.get(key, _ABSENT), after.get(key, _ABSENT), (*way, key))
    elif isinstance(before, list) and isinstance(after, list):
        for i, (old, new) in enumerate(zip_longest(before, after, fillvalue=_ABSENT)):
            yield from _compare(old, new, (*way, i))
    elif before is _ABSENT:
        yield Difference(what="added", place=write_place(way), after=after)
    elif after is _ABSENT:
        yield Difference(what="removed", place=write_place(way), before=before)
    elif not _same(before, after):
        yield Difference(what="changed", place=write_place(way), before=before, after=after)


def _same(one: Any, other: Any) -> bool:
    """Tell whether JSON has the same for both: 1 is not true, and 1.0 is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and bool(one == other)
