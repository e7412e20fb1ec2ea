"""Trail: the audit log by page, newest first: a STREAM, which operators append to and only age shortens.

An entry that follows another of its deed says where those began and how many they tell of: so the whole is
told by its newest entries, and one of a million events costs no more to tell than one of a hundred.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from shipper.ledger.deed import Deed, read_deed
from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger

FEW: Final = 10
"""Entries read by the first command; each after it reads twice as many."""
STEP: Final = 200
"""Most entries read by one command."""
MOST_IDS: Final = 100
"""Most ids told of one deed."""
_PLACE: Final = re.compile(r"\d{1,15}-\d{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the log. `place` is where the next page begins; `ids` are at most a hundred of `count`."""

    place: str
    at: int
    deed: Deed
    count: int
    ids: tuple[str, ...]
    first: str
    """The place of the oldest of those of the deed that follow each other."""
    total: int
    """How many those tell of, from the oldest up to this one."""


def entries(
    ledger: Ledger, *, beyond: str | None = None, since: int | None = None, event_id: str = ""
) -> Iterator[Entry]:
    """Yield entries, newest first, from the other side of `beyond`, down to `since` (ms).

    With an `event_id`, or its beginning, those that name it: the others are not even decoded.
    """
    wanted = f" {event_id}".encode("utf-8", "replace") if event_id else b""
    key, last, step = key_of(ledger.account, "trail"), "+" if beyond is None else f"({beyond}", FEW
    while True:
        some = ledger.ask("XREVRANGE", key, last, "-" if since is None else max(since, 0), "COUNT", step)
        for place, flat in some:
            fields = dict(zip(flat[::2], flat[1::2], strict=True))
            if wanted in b" " + fields.get(b"ids", b""):
                yield _read(place.decode(), fields)
            last = f"({place.decode()}"
        if len(some) < step:
            return
        step = min(2 * step, STEP)


def runs(ledger: Ledger, *, beyond: str | None = None, since: int | None = None) -> Iterator[Entry]:
    """Yield as one what follows each other of a deed: how many it tells of, its newest hundred ids.

    Its `place` is that of the oldest.
    """
    rest = entries(ledger, beyond=beyond, since=since)
    newest = next(rest, None)
    while newest:
        ids, older = newest.ids, next(rest, None)
        while older and older.first == newest.first and len(ids) < MOST_IDS:
            ids, older = ids + older.ids, next(rest, None)
        if older and older.first == newest.first:
            rest = entries(ledger, beyond=newest.first, since=since)
            older = next(rest, None)
        count = newest.total - _total_before(ledger, newest, since)
        yield replace(newest, count=count, ids=ids[:MOST_IDS], place=newest.first)
        newest = older


def _total_before(ledger: Ledger, newest: Entry, since: int | None) -> int:
    """Return how many a run tells of that are older than was asked for."""
    if since is None or _order(newest.first) >= (since, 0):
        return 0
    key = key_of(ledger.account, "trail")
    for place, flat in ledger.ask("XREVRANGE", key, max(since - 1, 0), "-", "COUNT", 1):
        before = _read(place.decode(), dict(zip(flat[::2], flat[1::2], strict=True)))
        return before.total if before.first == newest.first else 0
    return 0


def _read(place: str, fields: dict[bytes, bytes]) -> Entry:
    def text(name: bytes) -> str:
        return fields.get(name, b"").decode("utf-8", "replace")

    at, first = text(b"at"), text(b"first")
    count = _whole(text(b"count"))
    goes_on = bool(_PLACE.fullmatch(first)) and _order(first) < _order(place)
    return Entry(
        place=place,
        at=int(at) if at.isdigit() else int(place.partition("-")[0]),
        deed=read_deed(text(b"deed")),
        count=count,
        ids=tuple(text(b"ids").split()),
        first=first if goes_on else place,
        total=_whole(text(b"total")) if goes_on else count,
    )


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _order(place: str) -> tuple[int, ...]:
    return tuple(map(int, place.split("-")))
