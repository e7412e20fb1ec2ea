"""JSON text: what a person or a program wrote, read strictly: nothing is lost or guessed without a word."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final, NoReturn

DEEPEST: Final = 128
"""Levels: more than an event may have, few enough for whatever walks the value afterwards."""


def read_json(text: str) -> Any:
    """Read one value; raise ValueError saying what is wrong with the text."""
    try:
        found = json.loads(text, parse_constant=_refuse, object_pairs_hook=_once)
    except RecursionError:
        raise ValueError("is nested too deep") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"is no JSON: {error}") from None
    # Counted first: a file of a million events has few lines that have to be walked.
    if text.count("{") + text.count("[") > DEEPEST and _is_too_deep(found):
        raise ValueError("is nested too deep")
    return found


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for each in level for inner in _inside(each)]
    return any(isinstance(each, dict | list) for each in level)


def _inside(value: Any) -> Iterable[Any]:
    match value:
        case dict():
            return value.values()
        case list():
            return value
        case _:
            return ()


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"holds {constant}, which is no number of JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"has the key {twice[:60]!a} twice in an object")
    return found
