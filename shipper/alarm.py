"""Alarm: a number of an account has reached its mark, or no longer does; and the hooks that hear of it.

What is raised is decided here, by numbers alone; the ledger remembers it, so that all workers together tell
each passing once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from shipper.errors import Problem, SettingsError
from shipper.settings import Settings

NAMES: Final = ("dead", "unclear", "oldest_due_ms", "pause_ms")
"""Every alarm; its setting is `alarm_` and its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """What an alarm hook is told."""

    account: str
    name: str
    """dead, unclear, oldest_due_ms or pause_ms."""
    raised: bool
    """False: it is over."""
    value: int
    mark: int
    at: int
    """The ledger's time in ms."""


AlarmHook = Callable[[Alarm], object]
HookT = TypeVar("HookT", bound=AlarmHook)

_hooks: Final[dict[str, AlarmHook]] = {}


def alarm_hook(hook: HookT) -> HookT:
    """Have a function told of every alarm that is raised or cleared, at least once each.

    It runs where completion hooks run, and is told again like them when it raises. Raises SettingsError for
    a function that cannot be called with one alarm.
    """
    place = f"{getattr(hook, '__module__', '')}.{getattr(hook, '__qualname__', type(hook).__qualname__)}"
    try:
        inspect.signature(hook).bind(None)
    except TypeError:
        raise SettingsError([Problem(f"alarm hook {place}", "cannot be called with an alarm")]) from None
    if inspect.iscoroutinefunction(hook):
        raise SettingsError(
            [Problem(f"alarm hook {place}", "is an async function: workers would never await it")]
        )
    _hooks[place] = hook
    return hook


def alarm_hooks() -> Mapping[str, AlarmHook]:
    """Return every alarm hook of this process by its place."""
    return dict(_hooks)


def marks_of(settings: Settings) -> dict[str, int]:
    """Return the mark of every alarm; 0 where there is none."""
    return {name: int(getattr(settings, f"alarm_{name}")) for name in NAMES}


def passed(values: Mapping[str, int], marks: Mapping[str, int]) -> frozenset[str]:
    """Name the alarms whose number has reached its mark."""
    return frozenset(name for name, value in values.items() if 0 < marks[name] <= value)
