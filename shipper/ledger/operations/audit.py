"""Audit, mend and recount: look at the structure piece by piece, and put it right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from shipper.ledger.operations.operation import Operation, time_or_now, words


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneSeen:
    """A lane as it stood at one moment; a sound one has no problems."""

    lane: str
    problems: tuple[str, ...]
    ids: tuple[str, ...]


WINDOW: Final = 200
"""Places of a lane that one look takes in."""


def audit_lanes(lanes: Sequence[str], *, first: int = 0, now: int | None = None) -> Operation[list[LaneSeen]]:
    """Look at WINDOW places of some lanes, from the place `first`."""

    def read(reply: list[Any]) -> list[LaneSeen]:
        return [
            LaneSeen(lane=lane, problems=tuple(words(problems)), ids=tuple(words(ids)))
            for lane, (problems, ids) in zip(lanes, reply, strict=True)
        ]

    return Operation("audit_lanes", (time_or_now(now), first, WINDOW, *lanes), read)


Place = Literal["gone", "dead", "unclear", "lane", "unreadable", "nowhere"]


def audit_events(ids: Sequence[str], *, now: int | None = None) -> Operation[list[Place]]:
    """Look for the place of some events."""
    return Operation("audit_events", (time_or_now(now), *ids), words)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What mending a lane did: `leased` and `newer` lanes are left as they are."""

    word: Literal["mended", "leased", "newer"]
    kept: int
    unreadable: int


def mend(lane: str, ids: Sequence[str], *, now: int | None = None) -> Operation[Mended]:
    """Build a lane anew from the ids that belong to it, in order."""

    def read(reply: list[Any]) -> Mended:
        return Mended(word=reply[0].decode(), kept=reply[1], unreadable=reply[2])

    return Operation("mend", (time_or_now(now), lane, *ids), read)


NOTHING_SEEN: Final[Mapping[str, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Recounted:
    """A counter that was wrong."""

    counter: str
    before: int
    after: int


def recount(
    *, held: int | None = None, seen: Mapping[str, int] = NOTHING_SEEN, now: int | None = None
) -> Operation[list[Recounted]]:
    """Set the counters of states to what the structures hold, and `accepted` to the sum of all.

    `held` are the bytes that all records cost, and `seen` the counters before they were counted: where one
    has changed since, the bytes stay as they are.
    """

    def read(reply: list[Any]) -> list[Recounted]:
        rows = zip(reply[::3], reply[1::3], reply[2::3], strict=True)
        return [Recounted(counter=name.decode(), before=before, after=after) for name, before, after in rows]

    before = [seen.get(name, 0) for name in ("accepted", "delivered", "discarded", "expunged")]
    return Operation("recount", (time_or_now(now), "" if held is None else held, *before), read)
