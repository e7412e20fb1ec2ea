"""Book: all that a ledger holds, in plain Python.

There are two at every moment: the one that `dump.lua` reads from Redis, and the one that the rules keep.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar

from shipper.ledger.operations import Operation
from shipper.ledger.record import (
    CallOnRecord,
    Fate,
    Record,
    Tried,
    read_call,
    read_fate,
    read_record,
    read_tried,
)
from shipper.ledger.scripts import Script, compose
from shipper.outcome import State

T = TypeVar("T")

DUMP: Final[Script] = compose("dump", {"dump": (Path(__file__).parent / "dump.lua").read_text()})
KEPT: Final = (
    *("records", "tried", "history", "lanes", "due", "lease", "calls", "broken", "fates", "ended", "keys"),
    *("ended_keys", "dead", "unclear", "hooks", "jobs", "tries", "failed", "pace", "gate", "recent", "burst"),
    *("pumps", "crew", "counters", "exported", "steps"),
)
"""What both books must agree on. `index`, `groups`, `people`, `fields`, `kinds` and `bell` are judged by what
else the ledger holds."""


@dataclass(slots=True, kw_only=True)
class Redrive:
    """A redrive job, as the rules keep it."""

    state: str = "running"
    by: str
    may_duplicate: bool
    moment: int
    rate: float
    cursor: str = ""
    credit: float = 0
    seen_at: int
    open: dict[str, int] = field(default_factory=dict)
    """What it sent and has not seen end: since when nobody looked."""
    recent: str = ""


@dataclass(slots=True, kw_only=True)
class Book:
    """One moment of an account; the names of most fields are those of `keys.py`, spelled out."""

    lanes: dict[str, list[str] | None] = field(default_factory=dict)
    """Ids in order; None for a lane whose key is no list."""
    records: dict[str, bytes] = field(default_factory=dict)
    tried: dict[str, Tried] = field(default_factory=dict)
    history: dict[str, bytes] = field(default_factory=dict)
    due: dict[str, int] = field(default_factory=dict)
    lease: dict[str, int] = field(default_factory=dict)
    calls: dict[str, CallOnRecord] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    fates: dict[str, Fate] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    ended_keys: list[str] = field(default_factory=list)
    dead: dict[str, int] = field(default_factory=dict)
    unclear: dict[str, int] = field(default_factory=dict)
    index: set[bytes] = field(default_factory=set)
    groups: dict[str, int] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    fields: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)
    hooks: dict[str, int] = field(default_factory=dict)
    jobs: dict[str, bytes] = field(default_factory=dict)
    tries: dict[str, str] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    pace: dict[str, int] = field(default_factory=dict)
    gate: dict[str, str] = field(default_factory=dict)
    recent: list[str] = field(default_factory=list)
    burst: set[str] = field(default_factory=set)
    pumps: dict[str, int] = field(default_factory=dict)
    crew: dict[str, int] = field(default_factory=dict)
    counters: Counter[str] = field(default_factory=Counter)
    exported: dict[str, int] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    """The next of each redrive job: `jdue`."""
    bell: int = 0
    """Its length; -1 while somebody's forged key stands there."""
    swept: int = 0
    """When the last sweep was. Like the next, kept by the rules alone."""
    spread_until: int = 0
    redrives: dict[str, Redrive] = field(default_factory=dict)
    restarted: bool = False
    """The server is another process than at the last sweep."""

    def head(self, event_id: str) -> Record:
        """Return the record of an event that the ledger holds."""
        return _read_sound_record(self.records[event_id])

    def numbers(self, event_id: str) -> Tried:
        """Return the numbers of an event, all zero for one never tried."""
        return self.tried.get(event_id, Tried())

    def causes_of(self, event_id: str) -> int:
        """Return the causes on record of an event, whether it has ended or not."""
        fate = self.fates.get(event_id)
        return fate.causes if fate else self.numbers(event_id).causes

    def state_of(self, event_id: str) -> State | None:
        """Tell where an event is; None for one that the ledger does not know, or no more."""
        if event_id in self.fates:
            return State(self.fates[event_id].state)
        if event_id not in self.records:
            return None
        if event_id in self.dead or event_id in self.unclear:
            return State.DEAD if event_id in self.dead else State.UNCLEAR
        call = self.calls.get(self.head(event_id).lane)
        return State.IN_FLIGHT if call and event_id in call.numbers else State.WAITING

    def flying(self, lane: str) -> list[str]:
        """Return the ids of a lane's call that are still in it."""
        call = self.calls.get(lane)
        return [event_id for event_id in call.numbers if event_id in self.records] if call else []


def dump() -> Operation[Book]:
    """Read everything that Redis holds."""
    return Operation("dump", ("",), _read_book)


def differences(found: Book, kept: Book) -> Iterator[str]:
    """Tell in which fields the ledger's book is not the rules'."""
    for name in KEPT:
        of_ledger, of_rules = getattr(found, name), getattr(kept, name)
        if of_ledger != of_rules:
            yield f"{name}: the ledger has {of_ledger}, the rules {of_rules}"
    if found.bell not in (kept.bell, 1):
        yield f"bell: the ledger has {found.bell}, the rules {kept.bell}"


def _read_book(reply: list[Any]) -> Book:
    lanes, rec, st, why, due, lease, calls, broken, fate, ended, idem, idemx, *rest = reply
    dead, uncl, dx, groups, people, fields, kinds, *rest = rest
    hooks, hj, hl, hf, pace, gate, recent, burst, pumps, crew, n, bell, exported, jdue = rest
    return Book(
        lanes={lane: ids and _texts(ids) for lane, ids in _pairs(lanes, lambda ids: ids)},
        records=dict(_pairs(rec, bytes)),
        tried=dict(_pairs(st, _read_tried)),
        history=dict(_pairs(why, bytes)),
        due=dict(_pairs(due, int)),
        lease=dict(_pairs(lease, int)),
        calls=dict(_pairs(calls, _read_call)),
        broken=set(_texts(broken)),
        fates=dict(_pairs(fate, _read_fate)),
        ended=_texts(ended),
        keys=dict(_pairs(idem, bytes.decode)),
        ended_keys=_texts(idemx),
        dead=dict(_pairs(dead, int)),
        unclear=dict(_pairs(uncl, int)),
        index=set(dx),
        groups=dict(_pairs(groups, int)),
        people=dict(_pairs(people, int)),
        fields=dict(_pairs(fields, int)),
        kinds=dict(_pairs(kinds, int)),
        hooks=dict(_pairs(hooks, int)),
        jobs=dict(_pairs(hj, bytes)),
        tries=dict(_pairs(hl, bytes.decode)),
        failed=dict(_pairs(hf, int)),
        pace=dict(_pairs(pace, int)),
        gate=dict(_pairs(gate, bytes.decode)),
        recent=_texts(recent),
        burst=set(_texts(burst)),
        pumps=dict(_pairs(pumps, int)),
        crew=dict(_pairs(crew, int)),
        counters=Counter({name: count for name, count in _pairs(n, int) if count}),
        bell=bell,
        exported=dict(_pairs(exported, int)),
        steps=dict(_pairs(jdue, int)),
    )


def _texts(items: Iterable[bytes]) -> list[str]:
    return [item.decode() for item in items]


def _pairs(flat: list[Any], read: Callable[[Any], T]) -> Iterator[tuple[str, T]]:
    for name, value in zip(flat[::2], flat[1::2], strict=True):
        yield name.decode(), read(value)


# The same few strings are read after every step.
_read_tried: Final = lru_cache(10_000)(read_tried)
_read_call: Final = lru_cache(10_000)(read_call)
_read_fate: Final = lru_cache(10_000)(read_fate)


@lru_cache(10_000)
def _read_sound_record(stored: bytes) -> Record:
    record = read_record(stored)
    assert record is not None, f"unreadable: {stored!r}"
    return record
