"""Sound: whether a ledger adds up, by its own audit and by the simulator's check of the whole structure."""

from __future__ import annotations

from collections.abc import Iterator

from shipper.ledger.audit import audit
from shipper.ledger.ledger import Ledger, evaluate
from tests.simulator.book import DUMP, Book, dump
from tests.simulator.structure import check_structure


def unsound(ledger: Ledger) -> Iterator[str]:
    """Yield what does not add up; the structure is judged at one moment."""
    for finding in audit(ledger).findings:
        yield f"{finding.place}: {finding.problem}"
    try:
        check_structure(book_of(ledger))
    except AssertionError as error:
        yield str(error)


def book_of(ledger: Ledger) -> Book:
    """Read everything that a ledger holds."""
    operation = dump()
    return operation.read(ledger.ask(*evaluate(DUMP, ledger.account, operation)))
