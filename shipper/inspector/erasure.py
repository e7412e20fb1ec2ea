"""Erasure: take everything that a customer did out of the ledger, as the law may ask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from shipper.ledger.deed import Deed
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import expunge
from shipper.ledger.traces import traces_of

CHUNK: Final = 20
"""Events erased by one script, which looks for a hook job of each of a hundred lives."""
PASSES: Final = 10
"""A customer whose events keep coming is never done: after so many passes the rest is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What was erased, by the state it was in; `hooks` are endings that had yet to be told.

    `may_still_be_sent` were under way: a call cannot be taken back. `left` came while we erased.
    """

    account: str
    expunged: int
    waiting: int
    in_flight: int
    dead: int
    unclear: int
    hooks: int
    may_still_be_sent: tuple[str, ...]
    left: int


def erase(ledger: Ledger, customer_id: str, *, deed: Deed | None = None) -> Erasure:
    """Expunge the customer's events until none is found."""
    words: Counter[str] = Counter()
    under_way: list[str] = []
    settled: set[str] = set()
    for _ in range(PASSES):
        ids = traces_of(ledger, customer_id) - settled
        if not ids:
            break
        for event_id, word in _expunge(ledger, sorted(ids), deed):
            words[word] += 1
            if word == "in_flight":
                under_way.append(event_id)
            if word == "no":  # the id alone was left, in a damaged lane
                settled.add(event_id)
    states = {state: words[state] for state in ("waiting", "in_flight", "dead", "unclear")}
    return Erasure(
        account=ledger.account,
        expunged=sum(states.values()),
        **states,
        hooks=words["hook"],
        may_still_be_sent=tuple(under_way),
        left=len(traces_of(ledger, customer_id) - settled),
    )


def _expunge(ledger: Ledger, ids: list[str], deed: Deed | None) -> Iterator[tuple[str, str]]:
    for i in range(0, len(ids), CHUNK):
        chunk = ids[i : i + CHUNK]
        words = ledger.run(expunge(chunk, deed=deed))
        yield from zip(chunk, words, strict=True)
