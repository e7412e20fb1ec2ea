"""What an operator may do to events: redrive, discard, expunge, mend."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import replace

from shipper.ledger.operations import Mended
from shipper.outcome import State
from tests.simulator.book import Book
from tests.simulator.rules.events import (
    Fated,
    add_job,
    count,
    drop_job,
    end,
    join,
    leave,
    remember,
    ring,
    unbury,
)


def redrive(
    book: Book,
    ids: Sequence[str],
    *,
    spread_ms: int,
    may_duplicate: bool,
    after_ms: int = 0,
    line: bytes = b"",
    moment: int | None = None,
    now: int | None = None,
) -> list[str]:
    """Begin a new life of dead letters, with a fresh budget, at the tail of their lanes."""
    assert now is not None
    words: list[str] = []
    for event_id in ids:
        word = refusal(book, event_id, may_duplicate=may_duplicate, moment=moment)
        if not word:
            at = now + after_ms + words.count("ok") * spread_ms
            revive(book, event_id, line, at=at, now=now)
        words.append(word or "ok")
    if "ok" in words:
        book.spread_until = max(book.spread_until, now + after_ms + words.count("ok") * spread_ms)
        ring(book)
    return words


def refusal(book: Book, event_id: str, *, may_duplicate: bool, moment: int | None = None) -> str:
    """Say why an event is not sent again; nothing for a letter that is."""
    if event_id not in book.records:
        return "no"
    if _came_later(book, event_id, moment):
        return "later"
    head = book.head(event_id)
    parked = event_id in book.dead and head.park and book.numbers(event_id).causes > 0
    if (event_id in book.unclear or parked) and not may_duplicate:
        return "unclear"
    if book.lanes.get(head.lane, ()) is None:
        return "broken"
    return "" if event_id in book.dead or event_id in book.unclear else "no"


def _came_later(book: Book, event_id: str, moment: int | None) -> bool:
    """Tell whether an event is a letter, or is here, only since a moment."""
    if moment is None or event_id not in book.dead | book.unclear:
        return False
    lines = map(json.loads, book.history.get(event_id, b"").splitlines())
    came: list[int] = [line["at"] for line in lines if line.get("outcome") == "imported"]
    return max([*came, (book.dead | book.unclear).get(event_id, 0)]) >= moment


def revive(book: Book, event_id: str, line: bytes, *, at: int, now: int) -> None:
    """Begin a new life of a letter."""
    was = unbury(book, event_id)
    count(book, waiting=1, redriven=1, **{str(was): -1})
    tried = book.numbers(event_id)
    book.tried[event_id] = replace(
        tried,
        charged=0,
        crashes=0,
        vague=0,
        life=tried.life + 1,
        since=now,
        reason="",
        code=None,
        field="",
        kind="",
    )
    remember(book, event_id, line)
    join(book, book.head(event_id).lane, event_id, at=at)


def discard(
    book: Book,
    ids: Sequence[str],
    *,
    moment: int | None = None,
    waiting: Collection[str] = (),
    now: int | None = None,
) -> list[str]:
    """Forget dead letters, and some waiting events, on purpose."""
    assert now is not None
    words = []
    for event_id in ids:
        state = book.state_of(event_id) if event_id in book.records else None
        if state is None or (state is State.WAITING and event_id not in waiting):
            words.append("no")
        elif state is State.IN_FLIGHT:
            words.append("in_flight")
        elif _came_later(book, event_id, moment):
            words.append("later")
        else:
            _remove(book, event_id, "discarded", now)
            words.append("ok")
    return words


def expunge(book: Book, ids: Sequence[str], *, now: int | None = None) -> list[str]:
    """Erase events whatever their state, hook jobs too."""
    assert now is not None
    words = []
    for event_id in ids:
        was = book.state_of(event_id) if event_id in book.records else None
        if was:
            _remove(book, event_id, "expunged", now)
        jobs = [job for job in book.jobs if job.startswith(f"{event_id}:")]
        for job in jobs:
            drop_job(book, job)
        words.append(str(was or ("hook" if jobs else "no")))
    return words


def _remove(book: Book, event_id: str, state: Fated, now: int) -> None:
    was, tried = book.state_of(event_id), book.numbers(event_id)
    if not unbury(book, event_id):
        leave(book, book.head(event_id).lane, event_id, now=now)
        if state == "discarded":
            add_job(book, event_id, tried, "discarded", b"", now=now)
    count(book, **{str(was): -1})
    end(book, event_id, tried, state, now=now)


def mend(book: Book, lane: str, ids: Sequence[str], *, now: int | None = None) -> Mended:
    """Build a lane's list anew and let it be due, unless a call holds it."""
    assert now is not None
    if lane in book.lease:
        return Mended(word="leased", kept=0, unreadable=0)
    listed = dict.fromkeys([*ids, *(book.lanes.get(lane) or ())])
    kept = [i for i in listed if i in book.records and i not in book.dead and i not in book.unclear]
    book.broken.discard(lane)
    book.due.pop(lane, None)
    book.lanes.pop(lane, None)
    if kept:
        book.lanes[lane] = kept
        book.due[lane] = now
        ring(book)
    return Mended(word="mended", kept=len(kept), unreadable=0)
