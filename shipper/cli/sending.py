"""Sending: many lines into the ledger, in chunks; a chunk whose answer was lost is sent again by its ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from threading import Event as Wait
from typing import Final

from shipper import Receipt, enqueue_events, new_event_id
from shipper.cli.lines import Line
from shipper.enqueue import Options
from shipper.errors import (
    EnqueueUnclearError,
    InvalidEventError,
    LedgerFullError,
    LedgerUnavailableError,
    Problem,
    ShipperError,
)
from shipper.ledger.failure import ReplyLostError
from shipper.ledger.operations import BATCH

TRIES: Final = 4
PAUSE_S: Final = 0.25
"""Before a chunk's second try, doubling: Redis may be about to come back."""

UNSURE: Final = (EnqueueUnclearError, LedgerUnavailableError)
OUTAGES: Final = (*UNSURE, LedgerFullError)
"""After these nothing more is read: the lines that follow would fare no better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of one line."""

    line: Line
    answer: Receipt | ShipperError


def send_lines(lines: Iterable[Line], options: Options) -> Iterator[Sent]:
    """Yield what became of each line, in order; stop after the chunk in which Redis failed for good."""
    rest = iter(lines)
    while chunk := list(islice(rest, BATCH)):
        sent = _send_chunk(chunk, options)
        yield from sent
        if any(isinstance(each.answer, OUTAGES) for each in sent):
            return


def _send_chunk(chunk: list[Line], options: Options) -> list[Sent]:
    # An id from the start, so that asking again after a lost answer finds the event and accepts no second.
    ids = [line.event_id or new_event_id() for line in chunk]
    answers = _enqueue(chunk, ids, options)
    maybe: set[int] = set()
    for i in range(TRIES):
        unsure = [n for n, answer in enumerate(answers) if isinstance(answer, UNSURE)]
        maybe.update(n for n in unsure if chunk[n].event_id or not _never_left(answers[n]))
        if not unsure or i == TRIES - 1:
            break
        Wait().wait(PAUSE_S * 2**i)
        again = _enqueue([chunk[n] for n in unsure], [ids[n] for n in unsure], options)
        for n, answer in zip(unsure, again, strict=True):
            answers[n] = answer
    sure = (_sure(answer) if n not in maybe else answer for n, answer in enumerate(answers))
    return [Sent(line=line, answer=answer) for line, answer in zip(chunk, sure, strict=True)]


def _enqueue(chunk: list[Line], ids: list[str], options: Options) -> list[Receipt | ShipperError]:
    good = [(line, event_id) for line, event_id in zip(chunk, ids, strict=True) if line.event is not None]
    answers = iter(
        enqueue_events(
            [line.event or {} for line, _ in good],
            idempotency_keys=[line.idempotency_key for line, _ in good],
            event_ids=[event_id for _, event_id in good],
            **options,
        )
    )
    return [
        InvalidEventError([Problem("", line.problem)]) if line.event is None else next(answers)
        for line in chunk
    ]


def _never_left(answer: Receipt | ShipperError) -> bool:
    """Tell whether Redis surely did not take the request: then an id that we made is in no ledger."""
    cause = answer.__cause__ if isinstance(answer, EnqueueUnclearError) else answer
    return isinstance(cause, LedgerUnavailableError) and not isinstance(cause, ReplyLostError)


def _sure(answer: Receipt | ShipperError) -> Receipt | ShipperError:
    """Call unavailable what is unclear to a client that does not know who made the id."""
    cause = answer.__cause__ if isinstance(answer, EnqueueUnclearError) else None
    return cause if isinstance(cause, LedgerUnavailableError) else answer
