"""Operation: one thing that can be asked of the ledger, as a value.

Pure: the modules beside this one say each operation's script, arguments and how to read the reply;
`ledger.Ledger` carries it out, blocking or not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Argument = str | bytes | int


@dataclass(frozen=True, slots=True)
class Operation(Generic[T]):
    """One script call. Asking again after a lost reply is safe for all of them.

    But for an enqueue of a fresh id, which the script does not look for: it is asked again as a caller would,
    with an `explicit` envelope.
    """

    script: str
    args: tuple[Argument, ...] = field(repr=False)
    read: Callable[[Any], T]
    replicas: int = 0
    """How many replicas must have what the script saw and wrote before it counts as carried out."""


def time_or_now(now: int | None) -> Argument:
    """Return the time argument of a script: a moment in ms moves its clock, None lets it read Redis'."""
    return "" if now is None else now


def whole(value: bytes | int | None) -> int | None:
    """Read a score or a count; None where there is none."""
    return int(float(value)) if value else None


def words(reply: Sequence[bytes]) -> list[str]:
    """Read a list of words."""
    return [word.decode() for word in reply]


def pairs(flat: Sequence[Any]) -> dict[str, str]:
    """Read a hash that a script returns as a flat list."""
    texts = [value.decode() if isinstance(value, bytes) else str(value) for value in flat]
    return dict(zip(texts[::2], texts[1::2], strict=True))
