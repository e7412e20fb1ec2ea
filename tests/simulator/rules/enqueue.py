"""What enqueue and peek answer, and what enqueue writes."""

from __future__ import annotations

from collections.abc import Sequence

from shipper.envelope import Envelope
from shipper.event_id import born_at
from shipper.ledger.operations import EARLY_MS, Admission
from shipper.settings import Settings
from tests.simulator.book import Book
from tests.simulator.rules.events import OVERHEAD, count, join, ring


def enqueue(
    book: Book,
    envelopes: Sequence[Envelope],
    settings: Settings,
    *,
    atomic: bool = False,
    now: int | None = None,
) -> list[Admission]:
    """Judge all, then accept all that may be; atomic: none unless each is accepted or was before."""
    assert now is not None
    batch = _Batch(book, settings, now)
    admissions = [batch.judge(envelope) for envelope in envelopes]
    withheld = atomic and any(admission.word not in ("ok", "dup") for admission in admissions)
    if withheld:
        return [
            Admission("withheld", admission.event_id)
            if admission.word in ("ok", "dup") and admission.event_id in batch.ids
            else admission
            for admission in admissions
        ]
    for envelope, admission in zip(envelopes, admissions, strict=True):
        if admission.word == "ok":
            _accept(book, envelope, now)
        elif admission.word == "dup" and envelope.key_hash and envelope.key_hash not in book.keys:
            book.keys[envelope.key_hash] = f"{admission.event_id} {envelope.fingerprint}"
            book.ended_keys.append(f"{envelope.key_hash} 0")
    return admissions


def peek(book: Book, envelope: Envelope, *, now: int | None = None) -> tuple[str, str] | None:
    """Name the event that has this id or key."""
    del now
    return _earlier(book, envelope)


class _Batch:
    """What the envelopes already judged take from the caps, and from the ids and keys that are free."""

    def __init__(self, book: Book, settings: Settings, now: int) -> None:
        counters = book.counters
        self.book = book
        self.now = now
        self.oldest_birth = now - settings.id_retention_ms
        self.room = settings.backlog_max - counters["waiting"] - counters["in_flight"]
        self.space = settings.backlog_bytes - counters["bytes"]
        self.ids: dict[str, str] = {}
        self.keys: dict[str, tuple[str, str]] = {}

    def judge(self, envelope: Envelope) -> Admission:
        """Answer for one envelope as if those before it were accepted."""
        found = self.keys.get(envelope.key_hash) if envelope.key_hash else None
        if not found and envelope.key_hash not in self.book.keys and envelope.event_id in self.ids:
            found = (envelope.event_id, self.ids[envelope.event_id])
        found = found or _earlier(self.book, envelope)
        if found and found[1] != envelope.fingerprint:
            return Admission("conflict", found[0])
        if found:
            self.keys[envelope.key_hash] = found
            return Admission("dup", found[0])
        if envelope.explicit and born_at(envelope.event_id) < self.oldest_birth:
            return Admission("stale", envelope.event_id)
        if envelope.explicit and born_at(envelope.event_id) > self.now + EARLY_MS:
            return Admission("early", envelope.event_id)
        if self.book.lanes.get(envelope.lane, ()) is None:
            return Admission("broken", envelope.event_id)
        cost = len(record_of(envelope, self.now)) + OVERHEAD
        if self.room < 1 or self.space < cost:
            return Admission("full", envelope.event_id)
        self.room -= 1
        self.space -= cost
        self.ids[envelope.event_id] = envelope.fingerprint
        if envelope.key_hash:
            self.keys[envelope.key_hash] = (envelope.event_id, envelope.fingerprint)
        return Admission("ok", envelope.event_id)


def _earlier(book: Book, envelope: Envelope) -> tuple[str, str] | None:
    if held := book.keys.get(envelope.key_hash):
        event_id, fingerprint = held.split(" ")
        return event_id, fingerprint
    if envelope.event_id in book.records:
        return envelope.event_id, book.head(envelope.event_id).fingerprint
    fate = book.fates.get(envelope.event_id)
    return (envelope.event_id, fate.fingerprint) if fate else None


def _accept(book: Book, envelope: Envelope, now: int) -> None:
    record = record_of(envelope, now)
    book.records[envelope.event_id] = record
    if envelope.key_hash:
        book.keys[envelope.key_hash] = f"{envelope.event_id} {envelope.fingerprint}"
    was_due = envelope.lane in book.due
    join(book, envelope.lane, envelope.event_id, at=now)
    if envelope.lane in book.due and not was_due:  # who made it due before has rung
        ring(book)
    count(book, accepted=1, waiting=1, bytes=len(record) + OVERHEAD)


def record_of(envelope: Envelope, at: int) -> bytes:
    """Return what the ledger stores of an envelope accepted at a moment."""
    own = f"1|{envelope.lane}|{at}|{envelope.key_hash}|{envelope.fingerprint}|"
    return own.encode() + envelope.tail_header + b"\0" + envelope.body
