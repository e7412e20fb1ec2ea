"""What a settle makes of each event."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from shipper.ledger.operations import SettledCall, SettledEvent
from shipper.ledger.record import CallOnRecord, Tried
from shipper.outcome import Dead, Delivered, Free, Retry, Solo, State, Unclear, Verdict
from shipper.refusal import NO_FIELD, NO_KIND
from shipper.settings import Settings
from tests.simulator.book import Book
from tests.simulator.rules.events import (
    STEP_MS,
    add_job,
    bury,
    count,
    drop_job,
    end,
    free,
    leave,
    put_back,
    remember,
    ring,
    unbury,
)
from tests.simulator.rules.gate import weigh


def settle(
    book: Book, calls: Iterable[SettledCall], settings: Settings, *, now: int | None = None
) -> list[str]:
    """Apply failures of calls that still hold their lane, and every success, those of whole calls first."""
    assert now is not None
    calls, jobs = list(calls), set(book.hooks)
    whole = _deliver_whole(book, calls, now)
    words = []
    for number, call in enumerate(calls):
        if number in whole:
            words += ["ok"] * len(call.events)
            _leave_call(book, call, whole[number], settings, now)
        else:
            words += _settle_call(book, call, settings, now)
    if set(book.hooks) - jobs:
        ring(book)
    return words


def _deliver_whole(book: Book, calls: list[SettledCall], now: int) -> dict[int, CallOnRecord]:
    """Deliver the calls whose every event is still their lane's next and delivered; return them by place."""
    whole: dict[int, CallOnRecord] = {}
    for number, call in enumerate(calls):
        current = book.calls.get(call.lane)
        if current is not None and _is_whole(book, call, current):
            for event in call.events:
                _deliver(book, event, current.numbers[event.event_id], now)
            free(book, call.lane, at=now)
            whole[number] = current
    return whole


def _is_whole(book: Book, call: SettledCall, current: CallOnRecord) -> bool:
    ids = [event.event_id for event in call.events]
    return (
        current.token == call.token
        and ids == list(current.numbers)
        and ids == (book.lanes.get(call.lane) or [])[: len(ids)]
        and book.records.keys() >= set(ids)
        and all(isinstance(event.outcome, Delivered) for event in call.events)
    )


def _settle_call(book: Book, call: SettledCall, settings: Settings, now: int) -> list[str]:
    current = book.calls.get(call.lane)
    mine = current is not None and current.token == call.token
    words, delay = [], 0
    for event in call.events:
        word, wait = _settle_event(book, event, call.verdict, current, mine=mine, now=now)
        words.append(word)
        delay = max(delay, wait)
    if current is None or not mine:
        return words
    for event_id in book.flying(call.lane):
        if event_id not in {event.event_id for event in call.events}:
            put_back(book, event_id, replace(book.numbers(event_id), number=current.numbers[event_id]))
    free(book, call.lane, at=now + delay)
    _leave_call(book, call, None if delay else current, settings, now)
    return words


def _leave_call(
    book: Book, call: SettledCall, placed: CallOnRecord | None, settings: Settings, now: int
) -> None:
    """Keep the place of a lane that need not wait, count the call and let the gate weigh it."""
    if placed is not None and call.lane in book.due:
        book.due[call.lane] = min(book.due[call.lane], _place(book, call.lane, placed, now))
    if call.verdict is Verdict.UNSENT:
        book.pace.pop(call.token, None)
    elif call.verdict is not Verdict.NOT_SENT:
        count(book, calls=1, events_sent=len(call.events))
    weigh(book, call.lane, call.token, call.verdict, call.hold_ms, settings=settings, now=now)
    if call.lane in book.lanes:
        ring(book)


def _place(book: Book, lane: str, current: CallOnRecord, now: int) -> int:
    """Return when a lane with more to send is due: as its next event is old, a step later at each call."""
    ids = book.lanes.get(lane)
    if not ids or current.due_since is None or ids[0] in book.tried:
        return now
    return min(now, max(book.head(ids[0]).accepted_at, current.due_since + STEP_MS))


def _settle_event(
    book: Book, event: SettledEvent, verdict: Verdict, current: CallOnRecord | None, *, mine: bool, now: int
) -> tuple[str, int]:
    event_id, succeeded = event.event_id, isinstance(event.outcome, Delivered)
    number = current.numbers.get(event_id) if current else None
    if event_id not in book.records:
        delivered = book.state_of(event_id) is State.DELIVERED
        return ("already" if delivered and succeeded else "gone"), 0
    if succeeded:
        _deliver(book, event, number, now)
        return ("ok" if mine and number else "adopted"), 0
    remember(book, event_id, event.line)
    if not mine or number is None:
        if event.line:
            book.tried[event_id] = book.numbers(event_id)
        return "stale", 0
    tried = book.numbers(event_id)
    caused = int(verdict is Verdict.UNCLEAR)
    count(book, causes=caused)
    return "ok", _fail(
        book, event, replace(tried, number=number, crashes=0, causes=tried.causes + caused), now
    )


def _deliver(book: Book, event: SettledEvent, number: int | None, now: int) -> None:
    """Adopt a success wherever the event is; after an end it begins a life of its own."""
    event_id, tried = event.event_id, book.numbers(event.event_id)
    if was := unbury(book, event_id):
        count(book, adopted=1, **{was: -1})
        untold = f"{event_id}:{tried.life}"
        if untold not in book.tries:
            drop_job(book, untold)
        tried = replace(tried, life=tried.life + 1)
    else:
        leave(book, book.head(event_id).lane, event_id, now=now)
        count(book, **{State.IN_FLIGHT if number else State.WAITING: -1})
    tried = replace(tried, number=max(tried.number, number or 0))
    add_job(book, event_id, tried, "delivered", event.line, now=now)
    end(book, event_id, tried, "delivered", now=now)


def _fail(book: Book, event: SettledEvent, tried: Tried, now: int) -> int:
    """Put the event back or bury it; return how long its lane has to wait."""
    match event.outcome:
        case Retry(delay_ms=delay, vague=vague, solo=solo):
            put_back(book, event.event_id, tried, charged=True, vague=vague, solo=solo)
            return delay
        case Free(delay_ms=delay):
            put_back(book, event.event_id, tried)
            return delay
        case Solo():
            put_back(book, event.event_id, tried, solo=True)
        case Dead(reason=reason):
            _condemn(book, event, tried, reason, now)
        case Unclear():
            _condemn(book, event, tried, "unclear", now)
        case Delivered():
            raise AssertionError("a success is no failure")
        case _:
            assert_never(event.outcome)
    return 0


def _condemn(book: Book, event: SettledEvent, tried: Tried, reason: str, now: int) -> None:
    tried = replace(tried, charged=tried.charged + 1, reason=str(reason), code=event.code)
    tried = replace(tried, field=event.field.removeprefix(NO_FIELD), kind=event.kind.removeprefix(NO_KIND))
    bury(book, event.event_id, tried, line=event.line, now=now)
