"""What happens to one event and its lane, whichever script does it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal

from shipper.ledger.record import Fate, Tried
from shipper.outcome import State
from tests.simulator.book import Book

MOST_LINES: Final = 24
OVERHEAD: Final = 600
STEP_MS: Final = 1000
"""What a call costs a lane of its place."""

Fated = Literal["delivered", "discarded", "expunged"]


def count(book: Book, **by: int) -> None:
    """Change counters; the ledger keeps none that is zero, as far as anybody can tell."""
    for name, change in by.items():
        book.counters[name] += change
        if not book.counters[name]:
            del book.counters[name]


def join(book: Book, lane: str, event_id: str, *, at: int) -> None:
    """Append an event to its lane; a lane that waits keeps its time."""
    if lane not in book.lease and lane not in book.broken:
        book.due.setdefault(lane, at)
    ids = book.lanes.setdefault(lane, [])
    assert ids is not None, "nothing joins a lane that is no list"
    ids.append(event_id)


def leave(book: Book, lane: str, event_id: str, *, now: int) -> None:
    """Take an event out of its lane; nobody waits for the backoff of one that is gone."""
    ids = book.lanes.get(lane)
    if ids is None:
        return
    was_head = ids[0] == event_id
    ids.remove(event_id)
    if not ids:
        del book.lanes[lane]
        book.due.pop(lane, None)
        book.broken.discard(lane)
    elif was_head and lane in book.due:
        book.due[lane] = min(book.due[lane], now)


def free(book: Book, lane: str, *, at: int) -> None:
    """End a lane's call; what waits in it is due."""
    if lane in book.lanes:
        book.due[lane] = at
    del book.lease[lane]
    del book.calls[lane]


def ring(book: Book) -> None:
    """Let the bell be rung, unless somebody's forged key is in its place."""
    book.bell = book.bell or 1


def remember(book: Book, event_id: str, line: bytes) -> None:
    """Add a line to an event's history, which keeps the newest."""
    if line:
        lines = [*book.history.get(event_id, b"").split(b"\n"), line]
        book.history[event_id] = b"\n".join([line for line in lines if line][-MOST_LINES:])


def add_job(book: Book, event_id: str, tried: Tried, what: str, line: bytes, *, now: int) -> None:
    """Write the one hook job of a life, if the event names a hook."""
    if book.head(event_id).hook:
        job = f"{event_id}:{tried.life}"
        book.jobs[job] = b"\n".join([f"{what} {tried.number} {now}".encode(), line, book.records[event_id]])
        book.hooks[job] = now
        ring(book)


def drop_job(book: Book, job: str) -> bool:
    """Forget a hook job; tell whether there was one."""
    for kept in (book.hooks, book.tries, book.failed):
        kept.pop(job, None)
    return book.jobs.pop(job, None) is not None


def put_back(
    book: Book, event_id: str, tried: Tried, *, charged: bool = False, vague: bool = False, solo: bool = False
) -> None:
    """Let an event of a call wait again."""
    book.tried[event_id] = replace(
        tried, charged=tried.charged + charged, vague=tried.vague + vague, solo=tried.solo or solo
    )
    count(book, retried=int(charged), in_flight=-1, waiting=1)


def bury(book: Book, event_id: str, tried: Tried, *, line: bytes, now: int) -> None:
    """End a life as dead or unclear, whichever `tried.reason` says."""
    leave(book, book.head(event_id).lane, event_id, now=now)
    book.tried[event_id] = tried
    is_unclear = tried.reason == State.UNCLEAR
    (book.unclear if is_unclear else book.dead)[event_id] = now
    add_job(book, event_id, tried, tried.reason, line, now=now)
    count(book, in_flight=-1, **{State.UNCLEAR if is_unclear else State.DEAD: 1})


def unbury(book: Book, event_id: str) -> State | None:
    """Take a dead letter out of the dead; tell which it was."""
    if book.dead.pop(event_id, None):
        return State.DEAD
    return State.UNCLEAR if book.unclear.pop(event_id, None) else None


def end(book: Book, event_id: str, tried: Tried, state: Fated, *, now: int) -> None:
    """Keep of an event its id, its fate and its idempotency key, each until its retention ends."""
    head = book.head(event_id)
    book.fates[event_id] = Fate(
        state=state,
        fingerprint=head.fingerprint,
        attempts=tried.number,
        causes=tried.causes,
        ended_at=now,
        accepted_at=head.accepted_at,
    )
    book.ended.append(event_id)
    if head.key_hash:
        book.ended_keys.append(f"{head.key_hash} {now}")
    record = book.records.pop(event_id)
    book.tried.pop(event_id, None)
    book.history.pop(event_id, None)
    count(book, bytes=-len(record) - OVERHEAD, **{state: 1})
