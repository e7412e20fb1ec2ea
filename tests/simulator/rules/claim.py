"""Which calls a claim gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from shipper.ledger.operations import BEAT_MS, Claim, ClaimedCall, ClaimedEvent
from shipper.ledger.record import CallOnRecord
from shipper.settings import Settings
from tests.simulator.book import Book
from tests.simulator.rules.events import STEP_MS, count, free, put_back, ring
from tests.simulator.rules.gate import clear_probe

LATEST_MS: Final = 60_000
"""How long after its void a claim may still arrive."""


def claim(
    book: Book,
    tokens: Sequence[str],
    settings: Settings,
    *,
    worker: str,
    ticket: str = "",
    void: Sequence[str] = (),
    late_ms: int = 0,
    now: int | None = None,
) -> Claim:
    """Give back void calls, answer a claim that was made before as then, else lease due lanes."""
    assert now is not None
    if void:
        _give_back(book, void, now)
    if ticket:
        if book.pumps.get(ticket, 0) <= now:
            book.pumps.pop(ticket, None)
            return Claim(word="retired", now=now)
        book.pumps[ticket] = now + BEAT_MS
    if tokens[0] in book.pace:
        return Claim(word="calls", now=now, calls=_calls_of(book, tokens))
    slots = _slots(book, len(tokens), settings, now)
    if isinstance(slots, Claim):
        return slots
    calls = _lease(book, tokens[:slots], settings, worker, now=now, late_ms=late_ms)
    if calls:
        return Claim(word="calls", now=now, calls=calls)
    return Claim(word="idle", now=now, at=min(book.due.values(), default=None))


def retire(book: Book, ticket: str, *, now: int | None = None) -> bool:
    """Give a pump's ticket up."""
    if any(at <= (now or 0) for at in book.due.values()):
        ring(book)
    return book.pumps.pop(ticket, None) is not None


def _give_back(book: Book, void: Sequence[str], now: int) -> None:
    for lane, call in list(book.calls.items()):
        if call.token in void:
            for event_id in book.flying(lane):
                put_back(book, event_id, replace(book.numbers(event_id), number=call.numbers[event_id]))
            clear_probe(book, call.token)
            free(book, lane, at=now)
    book.pace = {token: at for token, at in book.pace.items() if at > 0 or -at >= now - LATEST_MS}
    book.pace = dict.fromkeys(void, -now) | book.pace


def _calls_of(book: Book, tokens: Sequence[str]) -> tuple[ClaimedCall, ...]:
    lanes = [lane for lane, call in book.calls.items() if call.token in tokens and book.flying(lane)]
    return tuple(_answer(book, lane) for lane in sorted(lanes))


def _answer(book: Book, lane: str) -> ClaimedCall:
    call = book.calls[lane]
    events = [
        ClaimedEvent(event_id=i, number=call.numbers[i], tried=book.numbers(i), record=book.head(i))
        for i in book.flying(lane)
    ]
    return ClaimedCall(lane=lane, token=call.token, events=tuple(events))


def _slots(book: Book, asked: int, settings: Settings, now: int) -> int | Claim:
    gate = book.gate
    if gate and now < int(gate["until"]):
        return Claim(word="paused", now=now, at=int(gate["until"]), why=gate["why"])
    if "probe" in gate and now < int(gate["pend"]):
        return Claim(word="paused", now=now, at=int(gate["pend"]), why=gate["why"])
    windows = [
        (1000 + settings.pace_margin_ms, settings.pace_per_second),
        (30_000 + settings.pace_margin_ms, settings.pace_per_30_seconds),
    ]
    longest = max(window for window, _ in windows)
    book.pace = {token: at for token, at in book.pace.items() if at < 0 or now - longest < at < now + 6000}
    taken = sorted(book.pace.values(), reverse=True)
    rooms = [limit - sum(at > now - window for at in taken) for window, limit in windows]
    if min(rooms) > 0:
        return min(1 if gate else asked, *rooms)
    full = [taken[limit - 1] + window for window, limit in windows if len(taken) >= limit]
    return Claim(word="pace", now=now, at=max(now, *full))


def _lease(
    book: Book, tokens: Sequence[str], settings: Settings, worker: str, *, now: int, late_ms: int
) -> tuple[ClaimedCall, ...]:
    lanes = sorted((at, lane) for lane, at in book.due.items() if at <= now)[: len(tokens)]
    calls: list[ClaimedCall] = []
    for due, lane in lanes:
        del book.due[lane]
        ids = book.lanes[lane]
        if ids is None:
            book.broken.add(lane)
            continue
        token = tokens[len(calls)]
        run = head_run(book, ids, settings)
        numbers = {event_id: book.numbers(event_id).number + 1 for event_id in run}
        since = due if now - due > STEP_MS else None
        book.calls[lane] = CallOnRecord(
            token=token, claimed_at=now, worker=worker, numbers=numbers, due_since=since
        )
        book.lease[lane] = now + settings.lease_ms
        book.pace[token] = now + late_ms
        count(book, waiting=-len(run), in_flight=len(run))
        calls.append(_answer(book, lane))
    if calls and book.gate:
        book.gate |= {"probe": calls[0].token, "pend": str(now + settings.lease_ms)}
    return tuple(calls)


def head_run(book: Book, ids: Sequence[str], settings: Settings) -> list[str]:
    """Return the longest run from a lane's head that may share a call."""
    run: list[str] = []
    names: set[str] = set()
    size = 0
    for event_id in ids[: settings.coalesce_max]:
        head = book.head(event_id)
        alone = head.park or head.solo or book.numbers(event_id).solo
        size += len(book.records[event_id])
        fits = head.signature == book.head(ids[0]).signature and names.isdisjoint(head.names)
        if run and (alone or not fits or size > settings.coalesce_bytes):
            break
        run.append(event_id)
        names |= set(head.names)
        if alone:
            break
    return run
