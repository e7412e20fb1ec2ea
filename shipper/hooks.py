"""Completion hooks: the functions told how an event ended, found by name alone.

The names travel with events through Redis; the functions come only from modules that the worker imported
by its own settings. Nothing is ever imported by a name that came from outside.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

from shipper.errors import Problem, SettingsError, UnknownHookError

NAME: Final = re.compile(r"[a-z0-9_.-]{1,64}")

Hook = Callable[[Any, Any], object]
"""Called as `hook(response, error)`: one of them is None. Its result is ignored."""
HookT = TypeVar("HookT", bound=Hook)

_registry: Final[dict[str, Hook]] = {}


def completion_hook(name: str) -> Callable[[HookT], HookT]:
    """Register a function as the completion hook of that name; it stays callable as before.

    Raises UnknownHookError for a name that breaks the rule, SettingsError for a function that cannot be
    called with `(response, error)`, or when another function has the name.
    """
    check_name(name)

    def register(hook: HookT) -> HookT:
        problem = _unfit(hook) or _taken(name, hook)
        if problem:
            raise SettingsError([Problem(f"completion hook {name}", problem)])
        _registry[name] = hook
        return hook

    return register


def check_name(name: object) -> None:
    """Raise UnknownHookError unless a hook could have this name: 1-64 of `a-z 0-9 _ . -`."""
    if not isinstance(name, str) or NAME.fullmatch(name) is None:
        shown = ascii(name[:80]) if isinstance(name, str) else f"a {type(name).__name__}"
        raise UnknownHookError(f"{shown} is no name of a completion hook: 1 to 64 of a-z, 0-9, _ . -")


def find(name: str) -> Hook | None:
    """Return the hook of that name, or None if this process imported no module that registers it."""
    check_name(name)
    return _registry.get(name)


def registered() -> Mapping[str, Hook]:
    """Return every hook of this process by its name."""
    return MappingProxyType(_registry)


def _unfit(hook: Hook) -> str | None:
    if inspect.iscoroutinefunction(hook):
        return f"is an async function ({_place(hook)}): workers would never await it"
    try:
        inspect.signature(hook).bind(None, None)
    except TypeError:
        return f"cannot be called with (response, error) ({_place(hook)})"
    return None


def _taken(name: str, hook: Hook) -> str | None:
    earlier = _registry.get(name)
    if earlier is None or earlier is hook or _imported_again(earlier, hook):
        return None
    return f"is registered twice: {_place(earlier)} and {_place(hook)}"


def _imported_again(earlier: Hook, hook: Hook) -> bool:
    """Tell whether both are one function of a module that was reloaded, or run as `__main__` as well."""
    return _source(hook) is not None and "<locals>" not in _name(hook) and _place(earlier) == _place(hook)


def _place(hook: Hook) -> str:
    return f"{_name(hook)} at {_source(hook) or 'an unknown place'}"


def _name(hook: Hook) -> str:
    return str(getattr(hook, "__qualname__", type(hook).__qualname__))


def _source(hook: Hook) -> str | None:
    code = getattr(inspect.unwrap(hook), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else None
