"""Desk: what an operator waits for with a million dead letters: reasons, the first page of each filter."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Final

from benchmarks.book import Book
from benchmarks.finding import Finding, Goal, Table
from benchmarks.own_redis import own_redis
from benchmarks.pages import page_times
from benchmarks.part import Effort, Part
from benchmarks.text import figure
from shipper.envelope import Envelope, seal
from shipper.inspector import Filter, Inspector
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import BATCH, SettledCall, SettledEvent, claim, enqueue, settle
from shipper.ledger.pool import make_pool
from shipper.ledger.record import Attempt, write_attempt
from shipper.outcome import UNCLEAR, Dead, Outcome, Reason, Verdict
from shipper.refusal import field_of, kind_of
from shipper.settings import Settings

LETTERS: Final = 1_000_000
CUSTOMERS: Final = 250_000
NAMES: Final = ("visit", "write_review", "purchase", "refer", "login")
LOOKS: Final = 30
PAGE: Final = 50
CALLS: Final = 200
SETTINGS: Final = Settings(
    pace_per_second=0, pace_per_30_seconds=0, refusal_burst=0, breaker_calls=100, breaker_window_ms=1
)

Said = tuple[Outcome, int | None, str]
"""How an event ended, with Gameball's code and words."""
ENDS: Final[tuple[Said, ...]] = (
    (Dead(reason=Reason.REFUSED), 3009, "Customer '{n}' is inactive"),
    (Dead(reason=Reason.REFUSED), 3003, "events.{name}.total of '{n}' must be a number"),
    (Dead(reason=Reason.REFUSED), 3017, "No event {n} is known"),
    (Dead(reason=Reason.VAGUE), 4500, "An unexpected failure, id {n}"),
    (Dead(reason=Reason.SPENT), 5000, "Something went wrong at {n}"),
    (UNCLEAR, None, ""),
)
FILTERS: Final = {
    "all": Filter(),
    "reason": Filter(reason="refused"),
    "code": Filter(code="3009"),
    "event name": Filter(event_name="visit"),
    "field": Filter(field="total"),
    "customer": Filter(customer_id="c-7"),
    "time": Filter(since=0),
    "text": Filter(text="must be a number"),
    "text with a value": Filter(text="customer 'c-7' is inactive"),
    "reason and event name": Filter(reason="refused", event_name="visit"),
    "code and field, disjoint": Filter(code="3009", field="total"),
    "text and event name": Filter(text="inactive", event_name="visit"),
    "text and code, disjoint": Filter(text="inactive", code="3003"),
    "customer and reason": Filter(customer_id="c-7", reason="spent"),
}


def main(effort: Effort) -> Finding:
    """Let a ledger fill with dead letters, then look at it as the desk does."""
    size = effort.scaled(LETTERS, 20_000)
    with own_redis() as url:
        book = Book(url)
        try:
            effort.say(f"desk: {size:,} events die")
            _fill(book, size)
            settles = [us / 1000 for us in book.times["settle"]]
        finally:
            book.close()
        inspector = Inspector(Ledger(make_pool(url, budget_ms=60_000)), SETTINGS)
        effort.say("desk: looking")
        looks = effort.scaled(LOOKS, 3)
        reasons = _times(inspector.letters.reasons, looks)
        pages = {
            name: _times(partial(inspector.letters.page, wanted, limit=PAGE), looks)
            for name, wanted in FILTERS.items()
        }
        effort.say("desk: its pages")
        served = page_times(url, looks=looks)
    return _finding(size, reasons, pages, settles, served)


def _fill(book: Book, size: int) -> None:
    """Make letters by the scripts that make them in life."""
    fresh, number = _events(size), 0
    while some := list(islice(fresh, BATCH)):
        book.run(enqueue(some, SETTINGS))
        while calls := book.run(claim([f"t{number}-{i}" for i in range(CALLS)], SETTINGS, worker="w")).calls:
            number += 1
            settled = [_ended(call.lane, call.token, call.events[0].event_id) for call in calls]
            for i in range(0, len(settled), 32):
                book.time("settle", settle(settled[i : i + 32], SETTINGS))


def _events(size: int) -> Iterator[Envelope]:
    for i in range(size):
        event = {"customerId": f"c-{i % CUSTOMERS}", "events": {NAMES[i // 7 % len(NAMES)]: {"total": i}}}
        yield seal(event, settings=SETTINGS, solo=True)


def _ended(lane: str, token: str, event_id: str) -> SettledCall:
    n = int.from_bytes(event_id[-4:].encode())
    outcome, code, words = ENDS[n % len(ENDS)]
    said = words.format(n=f"c-{n % CUSTOMERS}", name="visit")
    answer = json.dumps({"code": code, "message": said}) if code else ""
    line = Attempt(at=0, number=1, worker="w", verdict="permanent", outcome="dead", code=code, answer=answer)
    event = SettledEvent(
        event_id=event_id,
        outcome=outcome,
        code=code,
        field=field_of(answer),
        kind=kind_of(answer),
        line=write_attempt(line),
    )
    return SettledCall(lane=lane, token=token, verdict=Verdict.PERMANENT, events=(event,))


def _times(look: Callable[[], object], looks: int) -> list[float]:
    """Return the ms of each look, the first left out: it opens the connection."""
    look()
    found = []
    for _ in range(looks):
        began = time.perf_counter()
        look()
        found.append((time.perf_counter() - began) * 1000)
    return found


def _finding(
    size: int,
    reasons: Sequence[float],
    pages: dict[str, list[float]],
    settles: Sequence[float],
    served: dict[str, list[float]],
) -> Finding:
    rows = [
        _row("reasons, with advice", reasons),
        *(_row(f"by {name}", times) for name, times in pages.items()),
        *(_row(f"the page: {name}", times) for name, times in served.items()),
    ]
    worst = max(statistics.median(times) for times in pages.values())
    note = (
        f"{size:,} letters of {min(size, CUSTOMERS):,} customers; ms of one look, as Python waits for it."
        f" A page has {PAGE} letters. A settle that ended 32 of them took Redis"
        f" {figure(statistics.median(settles))} ms, the slowest of all {figure(max(settles))} ms."
    )
    table = Table(title="The desk", header=("look", "ms, median", "ms, p99"), rows=tuple(rows), note=note)
    goals = (
        Goal(name=f"Reasons of {size:,} letters", sign="≤", limit=1000, found=max(reasons), unit=" ms"),
        Goal(
            name=f"First page of any filter, {size:,} letters", sign="≤", limit=200, found=worst, unit=" ms"
        ),
        Goal(
            name=f"Server time of any page of `shipper web`, {size:,} letters",
            sign="≤",
            limit=50,
            found=max(statistics.median(times) for times in served.values()),
            unit=" ms",
        ),
    )
    return Finding(tables=(table,), goals=goals)


def _row(name: str, times: Sequence[float]) -> tuple[str, ...]:
    p99 = sorted(times)[min(len(times) - 1, round(len(times) * 0.99))]
    return name, figure(statistics.median(times)), figure(p99)


PART: Final = Part(
    name="desk",
    title="The dead-letter desk",
    about="A ledger full of dead letters of six kinds: how long an operator waits for what the desk shows.",
    minutes=12,
    main=main,
)
