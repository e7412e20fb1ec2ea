"""Dicts and lists that refuse to change: what an event shows of itself.

They are equal to plain ones, encode as JSON, copy and pickle; a tuple or a mapping proxy would not.
"""

from __future__ import annotations

from typing import Any, NoReturn


def _refuse(_self: object, *_: object, **__: object) -> NoReturn:
    raise TypeError("an event never changes: make a new one")


class FrozenDict(dict[str, Any]):
    """Be a dict that is never changed. Equal to the dict of the same items."""

    __slots__ = ()

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[object, ...]:
        return FrozenDict, (dict(self),)


class FrozenList(list[Any]):
    """Be a list that is never changed. Equal to the list of the same items."""

    __slots__ = ()

    __setitem__ = __delitem__ = __iadd__ = __imul__ = append = clear = extend = _refuse
    insert = pop = remove = reverse = sort = _refuse

    def __reduce__(self) -> tuple[object, ...]:
        return FrozenList, (list(self),)
