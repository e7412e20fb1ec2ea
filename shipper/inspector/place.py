"""Place: where a value stands in an event, as it is written and read: `purchase.items[2].price`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final

Step = str | int
"""A key, or an index of a list. The first step of a place is the event's name."""

_STEP: Final = re.compile(r'\.?([^.\[\]"]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]')


def read_place(text: str, names: Iterable[str]) -> tuple[Step, ...]:
    """Read a place; one that begins with one of `names` may leave its dots and spaces unquoted.

    Raises ValueError for what is none.
    """
    known = [name for name in names if text == name or text.startswith((f"{name}.", f"{name}["))]
    name = max(known, key=len, default="")
    steps: list[Step] = [name] if name else []
    at = len(name)
    while at < len(text):
        found = _STEP.match(text, at)
        if not found:
            raise ValueError('is no place: write name.property, or name.list[2] or name["a key"]')
        plain, index, quoted = found.groups()
        steps.append(int(index) if index else json.loads(quoted) if quoted else plain)
        at = found.end()
    if not steps or not isinstance(steps[0], str):
        raise ValueError("is no place: it begins with an event's name")
    return tuple(steps)


def write_place(steps: Iterable[Step]) -> str:
    """Write a place so that it is read again as the same."""
    return "".join(_written(step) for step in steps).removeprefix(".")


def _written(step: Step) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    plain = re.fullmatch(r"[^.\[\]\s\"]+", step)
    return f".{step}" if plain else f"[{json.dumps(step, ensure_ascii=False)}]"
