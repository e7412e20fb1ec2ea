"""Growth: what an event costs Redis with a million waiting beside a thousand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Final

from benchmarks.book import Book
from benchmarks.finding import Finding, Goal, Spread, Table, spread_of
from benchmarks.load import events
from benchmarks.own_redis import own_redis
from benchmarks.part import Effort, Part
from benchmarks.text import figure
from shipper.envelope import Envelope, seal
from shipper.ledger.operations import BATCH, enqueue, sweep
from shipper.outcome import Verdict

FEW: Final = 1_000
MANY: Final = 1_000_000
A_CUSTOMER: Final = 5
SLOTS: Final = 32
TURNS: Final = 200
CHUNK: Final = 10_000

Shelf = tuple[Book, Iterator[Envelope]]
"""A book, and the events that will be enqueued into it."""
Times = Sequence[Mapping[str, float]]
"""For each round the µs of each script."""


def main(effort: Effort) -> Finding:
    """Fill a small and a large book, then run the same scripts on both in turn."""
    sizes = (FEW, effort.scaled(MANY, 20_000))
    rounds: dict[int, list[Mapping[str, float]]] = {size: [] for size in sizes}
    with ExitStack() as stack:
        shelves = {}
        for size in sizes:
            effort.say(f"growth: filling a book with {size:,} events")
            shelves[size] = _filled(stack, size)
        for number in range(effort.rounds):
            effort.say(f"growth, round {number + 1}")
            for _ in range(effort.scaled(TURNS, 10)):
                for shelf in shelves.values():
                    _turn(*shelf)
            for size, (book, _) in shelves.items():
                rounds[size].append({name: spread_of(found).middle for name, found in book.times.items()})
                book.times.clear()
    few, many = rounds.values()
    return _finding(few, many, sizes[1])


def _filled(stack: ExitStack, size: int) -> Shelf:
    book = Book(stack.enter_context(own_redis()))
    stack.callback(book.close)
    fresh = (seal(event, settings=book.settings) for event in events(20 * MANY, A_CUSTOMER))
    for first in range(0, size, CHUNK):
        book.fill(list(islice(fresh, min(CHUNK, size - first))))
    return book, fresh


def _turn(book: Book, fresh: Iterator[Envelope]) -> None:
    """Run every script once, so that as many wait afterwards as before."""
    calls = book.time("claim", book.claim(SLOTS)).calls
    book.time("settle", book.settle(calls, Verdict.ACCEPTED))
    taken = sum(len(call.events) for call in calls)
    book.time("enqueue one", enqueue([next(fresh)], book.settings))
    book.fill(list(islice(fresh, max(0, taken - 1 - BATCH))))
    book.time(f"enqueue {BATCH}", enqueue(list(islice(fresh, BATCH)), book.settings))
    book.time("sweep", sweep(book.settings, tickets=["p"], most_pumps=1, worker="w"))


def _finding(few: Times, many: Times, size: int) -> Finding:
    rows, ratios = [], []
    for name in few[0]:
        small, large = (spread_of([each[name] for each in times]) for times in (few, many))
        ratio = large.middle / small.middle
        ratios.append(ratio)
        rows.append(
            (
                name,
                figure(ratio),
                *(f"{figure(each.middle)} ± {each.width / 2:.0%}" for each in (small, large)),
            )
        )
    whole = _whole(many).middle / _whole(few).middle
    header = ("script", f"{size:,} beside {FEW:,}", f"µs, {FEW:,} waiting", f"µs, {size:,} waiting")
    note = (
        f"Five events a customer; a claim takes {SLOTS} lanes, a settle is of the same."
        " Redis' own time (`SLOWLOG`), medians. An event's whole way (its part of enqueue, claim and settle):"
        f" {figure(whole)} x."
    )
    goal = Goal(
        name=f"Cost of an event, {size:,} waiting beside {FEW:,}", sign="≤", limit=1.2, found=whole, unit=" x"
    )
    table = Table(title="What a script takes Redis", header=header, rows=tuple(rows), note=note)
    return Finding(tables=(table,), goals=(goal,))


def _whole(times: Times) -> Spread:
    """Return the µs of an event that is enqueued in bulk, claimed and settled."""
    shared = SLOTS * A_CUSTOMER
    return spread_of(
        [each[f"enqueue {BATCH}"] / BATCH + (each["claim"] + each["settle"]) / shared for each in times]
    )


PART: Final = Part(
    name="growth",
    title="A million waiting",
    about="The same scripts on a ledger where few events wait and on one where very many do, in turn.",
    minutes=8,
    main=main,
)
