from __future__ import annotations

from redis import Redis

from shipper.ledger import operations
from shipper.ledger.ledger import Ledger
from tests.ledger.book import Book, put, read
from tests.ledger.builders import NOW, dead, ended, envelope, in_flight, waiting
from tests.ledger.table import Row, table

UNREADABLE = Book(rec={"E1": b"2|something newer"})

PEEKS = {
    "nothing is known of an event that was not accepted": Row(
        call=operations.peek(envelope("E1", key="K"), now=NOW),
        answer=None,
        after=Book(),
    ),
    "a waiting event is known by its id": Row(
        before=waiting("ann", "E1"),
        call=operations.peek(envelope("E1"), now=NOW),
        answer=("E1", "fp-E1"),
        after=waiting("ann", "E1"),
    ),
    "an event in flight is known by its id": Row(
        before=in_flight("ann", "E1"),
        call=operations.peek(envelope("E1"), now=NOW),
        answer=("E1", "fp-E1"),
        after=in_flight("ann", "E1"),
    ),
    "a dead letter is known by its id": Row(
        before=dead("ann", "E1"),
        call=operations.peek(envelope("E1"), now=NOW),
        answer=("E1", "fp-E1"),
        after=dead("ann", "E1"),
    ),
    "an ended event is known by its id": Row(
        before=ended("E1"),
        call=operations.peek(envelope("E1"), now=NOW),
        answer=("E1", "fp-E1"),
        after=ended("E1"),
    ),
    "the earlier event of an idempotency key is told": Row(
        before=waiting("ann", "E1", key="K"),
        call=operations.peek(envelope("E2", key="K"), now=NOW),
        answer=("E1", "fp-E1"),
        after=waiting("ann", "E1", key="K"),
    ),
    "an event without a key is not taken for one with": Row(
        before=waiting("ann", "E1", key="K"),
        call=operations.peek(envelope("E2"), now=NOW),
        answer=None,
        after=waiting("ann", "E1", key="K"),
    ),
    "a record of another format is known, its content is not": Row(
        before=UNREADABLE,
        call=operations.peek(envelope("E1"), now=NOW),
        answer=("E1", "-"),
        after=UNREADABLE,
    ),
}


@table(PEEKS)
def test_peek_tells_what_is_known_and_changes_nothing(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after
