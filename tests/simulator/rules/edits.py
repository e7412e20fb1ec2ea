"""What becomes of a letter that a person edits, and of letters that a person takes in."""

from __future__ import annotations

from collections.abc import Sequence

from shipper.ledger.deed import Deed
from shipper.ledger.operations import Stored
from shipper.ledger.record import read_record, read_tried
from tests.simulator.book import Book
from tests.simulator.rules.events import OVERHEAD, count, remember, ring
from tests.simulator.rules.letters import refusal, revive


def edit(
    book: Book,
    seen: Stored,
    *,
    tail_header: bytes,
    body: bytes,
    may_duplicate: bool,
    line: bytes,
    deed: Deed | None = None,
    now: int | None = None,
) -> str:
    """Give a letter another content and a new life, if it is what was seen."""
    assert now is not None
    event_id = seen.event_id
    if event_id not in book.dead and event_id not in book.unclear:
        return "no"
    stored = book.records[event_id]
    if stored != seen.record or book.numbers(event_id).life != read_tried(seen.numbers).life:
        return "changed"
    word = refusal(book, event_id, may_duplicate=may_duplicate)
    if word:
        return word
    kept = b"|".join(stored.partition(b"\0")[0].split(b"|")[:5])
    book.records[event_id] = kept + b"|" + tail_header + b"\0" + body
    revive(book, event_id, line, at=now, now=now)
    count(book, edited=1, bytes=len(book.records[event_id]) - len(stored))
    ring(book)
    return "ok"


def give_out(book: Book, ids: Sequence[str], *, deed: Deed | None = None, now: int | None = None) -> int:
    """Note that a file has letters."""
    assert now is not None
    fresh = sum(event_id not in book.exported for event_id in ids)
    book.exported |= dict.fromkeys(ids, now)
    return fresh


def restore(
    book: Book,
    letters: Sequence[Stored],
    *,
    deed: Deed | None = None,
    replicas: int = 0,
    now: int | None = None,
) -> list[str]:
    """Take letters in that are not known."""
    assert now is not None
    return [_restore(book, letter, now) for letter in letters]


def _restore(book: Book, letter: Stored, now: int) -> str:
    head = read_record(letter.record)
    assert head is not None
    if letter.event_id in book.records or letter.event_id in book.fates:
        return "known"
    if book.exported.get(letter.event_id, 0) < 0:
        return "known"
    if head.key_hash and head.key_hash in book.keys:
        return "key"
    if head.key_hash:
        book.keys[head.key_hash] = f"{letter.event_id} {head.fingerprint}"
    book.records[letter.event_id] = letter.record
    book.exported[letter.event_id] = now
    book.tried[letter.event_id] = read_tried(letter.numbers)
    if letter.history:
        book.history[letter.event_id] = letter.history
    remember(book, letter.event_id, b'{"at":%d,"outcome":"imported"}' % now)
    (book.dead if letter.state == "dead" else book.unclear)[letter.event_id] = letter.ended_at
    count(book, accepted=1, restored=1, bytes=len(letter.record) + OVERHEAD, **{letter.state: 1})
    return "ok"
