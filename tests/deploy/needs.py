"""Needs: which commands the ledger's scripts run, and on which keys, read from their text.

A function counts only where it is reached from the script's own lines, so what a fragment could do beside
is not asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from shipper.ledger.keys import FIXED
from shipper.ledger.scripts import load

LANE: Final = "l:*"
"""Stands for the one computed key."""

Need = tuple[str, str]
"""A command in small letters, and a key without the account's prefix: '' for none."""

_FUNCTION: Final = re.compile(r"^local function (\w+)\(([^)]*)\)\n(.*?)^end$", re.MULTILINE | re.DOTALL)
_CALL: Final = re.compile(r"\b(?:C|redis\.p?call|each)\('([A-Z]+)'(?:, *)?")
_COMMENT: Final = re.compile(r"--[^\n]*")
_KEYS: Final = {key.upper(): key for key in FIXED}


def needs_of(script: str) -> set[Need]:
    """Return what a script may run; raise ValueError where a key cannot be told."""
    text = _COMMENT.sub("", load(script).text)
    functions = {found[1]: (found[2], found[3]) for found in _FUNCTION.finditer(text)}
    main = _FUNCTION.sub("", text)
    reached = _reached(main, functions)
    bodies = [main, *(functions[name][1] for name in reached)]
    found: set[Need] = set()
    for name, body in [("", main), *((name, functions[name][1]) for name in reached)]:
        for call in _CALL.finditer(body):
            key = _argument(body[call.end() :])
            found.update((call[1].lower(), each) for each in _keys(key, name, functions, bodies))
    return found


def _reached(main: str, functions: dict[str, tuple[str, str]]) -> list[str]:
    reached: list[str] = []
    waiting = [main]
    while waiting:
        body = waiting.pop()
        for name, (_, inside) in functions.items():
            if name not in reached and re.search(rf"\b{name}\(", body):
                reached.append(name)
                waiting.append(inside)
    return reached


def _keys(
    argument: str, function: str, functions: dict[str, tuple[str, str]], bodies: Iterable[str]
) -> Iterator[str]:
    """Tell the keys that an argument may be; a parameter is what the callers pass."""
    if "lane_key(" in argument:
        yield LANE
        return
    named = [_KEYS[word] for word in re.findall(r"\b[A-Z]+\b", argument) if word in _KEYS]
    if named:
        yield from named
        return
    parameters = functions[function][0].split(", ") if function else []
    if argument in parameters:
        place = parameters.index(argument)
        for body in bodies:
            for call in re.finditer(rf"\b{function}\(", body):
                rest = body[call.end() :]
                for _ in range(place):
                    rest = rest[len(_argument(rest)) :].lstrip(", ")
                yield from _keys(_argument(rest), "", functions, bodies)
        return
    if argument and not argument.startswith("'"):
        raise ValueError(f"which key is {argument!r} in {function or 'the script'}?")
    yield ""


def _argument(text: str) -> str:
    """Return the first argument of a call whose opening parenthesis has been read."""
    depth = 0
    for i, char in enumerate(text):
        if char in ",)" and depth == 0:
            return text[:i].strip()
        depth += (char in "({[") - (char in ")}]")
    raise ValueError(f"a call without an end: {text[:60]!r}")
