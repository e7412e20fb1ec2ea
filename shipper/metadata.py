"""Metadata: what an event says besides its name, taken as a copy that nobody can change.

Plain Python in one walk, for this stands in every web request that enqueues.
`docs/decisions/0002-what-an-event-may-hold.md` has the rules and their reasons.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from math import isfinite, isnan
from typing import Any, Final, NamedTuple

from shipper.errors import Problem
from shipper.foreign import advice, kind_of
from shipper.frozen import FrozenDict, FrozenList

DEEPEST: Final = 100
"""Levels that are walked at all. It protects the stack; `Settings.max_depth` is the limit to set."""
MOST_VALUES: Final = 100_000
"""Values that are walked at all: shared and self-holding containers can unfold without end."""
LARGEST_INT: Final = 2**53
"""Beyond it a double, which is what most JSON readers have, no longer tells neighbours apart."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_PLAIN_KEYS: Final = frozenset({str})
_LONE_SURROGATE: Final = "holds a lone surrogate, which is no text in UTF-8"

Trail = tuple[Any, str | int]
"""The way to a value, innermost step first: `(outer trail or (), key or index)`."""


class Snapshot(NamedTuple):
    """Hold a copy of an event's names and metadata, and its measures.

    `depth` counts the levels of metadata (1 when nothing is nested), `keys` the event names and all
    keys below them. Values that cannot be sent are None in the copy.
    """

    events: FrozenDict
    depth: int
    keys: int


def snapshot(given: object, problems: list[Problem]) -> Snapshot:
    """Copy `{event name: metadata}`, adding to `problems` everything that JSON could not carry unchanged."""
    walk = _Walk(problems)
    events = FrozenDict()
    if given is None:
        problems.append(Problem("events", "is missing"))
    elif not isinstance(given, dict):
        problems.append(Problem("events", f"is {kind_of(given)}: give {{name: metadata}}"))
    elif not given:
        problems.append(Problem("events", "is empty: name at least one event"))
    else:
        events = walk.events(given)
    return Snapshot(events=events, depth=walk.deepest, keys=walk.keys)


def text_problem(text: str) -> str | None:
    """Say what keeps a name or an id from being one: empty, blank, control characters, lone surrogates."""
    if not text:
        return "is empty"
    if _CONTROL.search(text):
        return "holds a control character"
    if text.isspace():
        return "is blank"
    if not is_utf8(text):
        return _LONE_SURROGATE
    return None


def is_utf8(text: str) -> bool:
    """Tell whether UTF-8 can carry the text: whether it is free of lone surrogates."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def path_of(*steps: str | int) -> str:
    """Write the way to a value as `events.purchase.items[2]`; of a long one the middle is left out."""
    written = [_step(step) for step in steps]
    if len(written) > 12:
        written[8:-3] = ["..."]
    return "".join(written).removeprefix(".")


class _Walk:
    """Copy containers depth first, gathering problems and measures on the way."""

    __slots__ = ("deepest", "keys", "problems", "values")

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        self.keys = 0
        self.values = 0
        self.deepest = 0

    def events(self, given: dict[Any, Any]) -> FrozenDict:
        copy: dict[str, Any] = {}
        root: Trail = ((), "events")
        self.keys += len(given)
        for name, value in self.members(given, root):
            trail = (root, name)
            metadata = self.metadata(value, trail)
            wrong = text_problem(name)
            if wrong:
                self.tell(trail, f"has a name that {wrong}")
            else:
                copy[name] = metadata
        return FrozenDict(copy)

    def metadata(self, value: object, trail: Trail) -> FrozenDict | None:
        if isinstance(value, dict):
            return self.object(value, trail, 1)
        kind = "null" if value is None else kind_of(value)
        self.tell(trail, f"is {kind}: metadata is a dict, {{}} when there is none")
        return None

    def value(self, value: Any, trail: Trail, depth: int) -> Any:
        """Return the copy of one value, or None after telling why there is none."""
        wrong_with = _LEAVES.get(type(value))
        if wrong_with is None:
            return self.branch(value, trail, depth)
        wrong = wrong_with(value)
        if wrong is None:
            return value
        return self.tell(trail, wrong)

    def branch(self, value: Any, trail: Trail, depth: int) -> Any:
        if isinstance(value, dict):
            return self.object(value, trail, depth + 1)
        if isinstance(value, list):
            return self.array(value, trail, depth + 1)
        for exact, underneath in _UNDERNEATH:
            if isinstance(value, exact):
                return self.value(underneath(value), trail, depth)
        return self.tell(trail, advice(value))

    def object(self, given: dict[Any, Any], trail: Trail, depth: int) -> FrozenDict | None:
        if not self.enter(len(given), trail, depth):
            return None
        copy: dict[str, Any] = {}
        self.keys += len(given)
        for key, value in self.members(given, trail):
            step = (trail, key)
            if key.isascii() or is_utf8(key):
                copy[key] = self.value(value, step, depth)
            else:
                self.tell(step, f"has a key that {_LONE_SURROGATE}")
                self.value(value, step, depth)
        return FrozenDict(copy)

    def array(self, given: list[Any], trail: Trail, depth: int) -> FrozenList | None:
        if not self.enter(len(given), trail, depth):
            return None
        return FrozenList([self.value(value, (trail, index), depth) for index, value in enumerate(given)])

    def enter(self, size: int, trail: Trail, depth: int) -> bool:
        """Tell whether to walk into a container; say once for all why not."""
        if depth > DEEPEST:
            if self.deepest <= DEEPEST:
                self.tell(trail, f"lies deeper than {DEEPEST} levels, or inside itself")
            self.deepest = depth
            return False
        self.deepest = max(self.deepest, depth)
        if self.values <= MOST_VALUES < self.values + size + 1:
            self.tell(((), "events"), f"holds more than {MOST_VALUES} values")
        self.values += size + 1
        return self.values <= MOST_VALUES

    def members(self, given: dict[Any, Any], trail: Trail) -> Iterable[tuple[str, Any]]:
        """Return the items under plain string keys; tell of keys that are none, or that read alike."""
        if _PLAIN_KEYS.issuperset(map(type, given)):
            return given.items()
        plain: dict[str, Any] = {}
        for key, value in given.items():
            text = str.__str__(key) if isinstance(key, str) else None
            if text is None:
                self.tell(trail, f"has {_key_name(key)}: keys are strings")
            elif text in plain:
                self.tell((trail, text), "is there twice")
            else:
                plain[text] = value
        return plain.items()

    def tell(self, trail: Trail, message: str) -> None:
        self.problems.append(Problem(_path(trail), message))


def _text_wrong(text: str) -> str | None:
    return None if text.isascii() or is_utf8(text) else _LONE_SURROGATE


def _int_wrong(number: int) -> str | None:
    return (
        None if -LARGEST_INT <= number <= LARGEST_INT else "is an integer beyond ±2^53: send it as a string"
    )


def _float_wrong(number: float) -> str | None:
    if isfinite(number):
        return None
    return "is NaN" if isnan(number) else "is infinite"


def _bool_wrong(_: bool) -> None:
    return None


_LEAVES: Final[dict[type, Callable[[Any], str | None]]] = {
    str: _text_wrong,
    int: _int_wrong,
    float: _float_wrong,
    bool: _bool_wrong,
}
_UNDERNEATH: Final[tuple[tuple[type, Callable[[Any], Any]], ...]] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
)
"""What a value of a subclass (StrEnum, SafeString, numpy.float64) is taken for."""


def _key_name(key: object) -> str:
    short = type(key) in (int, bool) and -LARGEST_INT <= key <= LARGEST_INT  # type: ignore[operator]
    return f"the key {key}, {kind_of(key)}" if short else f"a key that is {kind_of(key)}"


def _path(trail: Trail) -> str:
    steps: list[str | int] = []
    rest: Any = trail
    while rest:
        rest, step = rest
        steps.append(step)
    return path_of(*reversed(steps))


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    short = step if len(step) <= 60 else f"{step[:57]}..."
    plain = short.isprintable() and short and not any(mark in short for mark in '.[]" ')
    return f".{short}" if plain and short == step else f"[{short!a}]"
