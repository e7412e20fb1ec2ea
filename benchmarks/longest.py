"""Longest: the scripts at the largest size that the product gives them; all of Redis waits for each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

from benchmarks.book import Book
from benchmarks.finding import Finding, Goal, Table, spread_of
from benchmarks.own_redis import own_redis
from benchmarks.part import Effort, Part
from shipper.bulk import ATOMIC_MOST
from shipper.envelope import Envelope, seal
from shipper.ledger.operations import BATCH, enqueue, forget, sweep
from shipper.outcome import Retry, Verdict
from workers.dispatcher import FORGOTTEN_AT_ONCE
from workers.pump import MOST_SETTLED

WAITING: Final = 50_000
TURNS: Final = 15
DAY_MS: Final = 86_400_000
LONGEST_MS: Final = 10
TEXT: Final = "as described " * 14
LINE: Final = b'{"at":1767225600000,"number":1,"worker":"w","verdict":"busy","outcome":"retry","status":429}'


def main(effort: Effort) -> Finding:
    """Run every hot script at its largest, again and again, and keep the median and the longest of each."""
    rounds: list[dict[str, list[int]]] = []
    for number in range(effort.rounds):
        effort.say(f"longest, round {number + 1}")
        with ExitStack() as stack:
            book = Book(stack.enter_context(own_redis()))
            stack.callback(book.close)
            fresh = _envelopes(book)
            book.fill(_next(fresh, effort.scaled(WAITING, 2000)))
            for _ in range(effort.scaled(TURNS, 2)):
                _turn(book, fresh)
            rounds.append(book.times)
    rows, slowest = [], 0.0
    for name in rounds[0]:
        middle = spread_of([spread_of(times[name]).middle / 1000 for times in rounds])
        longest = max(max(times[name]) for times in rounds) / 1000
        slowest = max(slowest, middle.middle)
        rows.append((name, f"{middle.middle:.2f}", f"{middle.width:.0%}", f"{longest:.2f}"))
    goal = Goal(name="Longest script, median", sign="≤", limit=LONGEST_MS, found=slowest, unit=" ms")
    header = ("script", "median, ms", "spread", "longest, ms")
    note = "The longest of all runs holds whatever else the machine did meanwhile, where the median does not."
    return Finding(
        tables=(Table(title="Largest sizes", header=header, rows=tuple(rows), note=note),), goals=(goal,)
    )


def _turn(book: Book, fresh: Iterator[Envelope]) -> None:
    most = book.settings.coalesce_max
    book.time(f"enqueue {BATCH}", enqueue(_next(fresh, BATCH), book.settings))
    book.time(
        f"enqueue {ATOMIC_MOST}, atomic", enqueue(_next(fresh, ATOMIC_MOST), book.settings, atomic=True)
    )
    name = f"claim {MOST_SETTLED} calls of {most}"
    calls = book.time(name, book.claim(MOST_SETTLED)).calls
    failed = book.settle(calls, Verdict.BUSY, Retry(delay_ms=0), line=LINE)
    book.time(f"settle {MOST_SETTLED} calls of {most}, failed", failed)
    calls = book.time(name, book.claim(MOST_SETTLED)).calls
    book.time(f"settle {MOST_SETTLED} calls of {most}, accepted", book.settle(calls, Verdict.ACCEPTED))
    book.time("sweep", sweep(book.settings, tickets=["p"], most_pumps=1, worker="w"))
    later = int(book.client.time()[0]) * 1000 + 30 * DAY_MS
    book.time(f"forget {FORGOTTEN_AT_ONCE}", forget(book.settings, limit=FORGOTTEN_AT_ONCE, now=later))


def _envelopes(book: Book) -> Iterator[Envelope]:
    """Yield customers with as many different events as one call takes."""
    most = book.settings.coalesce_max
    for number in range(100_000_000):
        customer, of = divmod(number, most)
        event: dict[str, Any] = {"customerId": f"c-{customer}", "events": {f"deed_{of}": {"text": TEXT}}}
        yield seal(event, settings=book.settings)


def _next(fresh: Iterator[Envelope], count: int) -> list[Envelope]:
    return [next(fresh) for _ in range(count)]


PART: Final = Part(
    name="longest",
    title="The longest script",
    about="Redis runs one script at a time. These are the scripts of enqueue and delivery at the largest"
    " sizes at which the product calls them, every customer with as many different events as one call takes.",
    minutes=3,
    main=main,
)
