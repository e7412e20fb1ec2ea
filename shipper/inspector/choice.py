"""Choice: letters chosen at one moment, and what was done with them.

A choice is frozen: letters that die later are not among them, so a redrive whose events fail again ends.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from shipper.inspector.now import ledger_now
from shipper.inspector.timeline import REDRIVEN
from shipper.inspector.trail import described
from shipper.keyring import Keyring
from shipper.ledger.deed import Deed
from shipper.ledger.ledger import Ledger
from shipper.ledger.letters import Filter, count, walk
from shipper.ledger.operations import Operation, discard, redrive, show
from shipper.outcome import State

CHUNK: Final = 100
"""Letters moved by one script: keeps it under 10 ms."""
SPREAD_MS: Final = 50
"""Between two redriven events: half of what Gameball takes in the long run is left to live ones."""
EXAMPLES: Final = 100
"""Most ids told of those that were left as they are."""

Told = Callable[[int], object]
"""Is told how many more letters were looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Letters by a filter, or by their ids. `unclear` of the `count` may be with Gameball already."""

    count: int
    unclear: int
    filter: Filter | None = None
    ids: tuple[str, ...] = ()

    @property
    def about(self) -> str:
        """Say what was chosen, as it stands on the audit log."""
        return "by ids" if self.filter is None else described(self.filter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """An event that was left as it is, and why: unclear, no, unreadable, broken or in_flight."""

    event_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """What was done: how many, how many were left for each reason, and the first hundred of those."""

    account: str
    done: int
    left: dict[str, int]
    examples: tuple[Left, ...]


def choose(ledger: Ledger, wanted: Filter, *, keyring: Keyring) -> Choice:
    """Choose what a filter finds at this moment; raise LockedError for a text where a key is missing."""
    soon = ledger_now(ledger) + 1
    frozen = replace(wanted, until=soon if wanted.until is None else min(soon, wanted.until))
    return Choice(
        filter=frozen,
        count=count(ledger, frozen, keyring=keyring),
        unclear=0
        if wanted.unclear is False
        else count(ledger, replace(frozen, unclear=True), keyring=keyring),
    )


def choose_ids(ledger: Ledger, ids: Iterable[str]) -> Choice:
    """Choose events by their ids, in the order of their birth, which keeps that of each customer."""
    ordered = sorted(set(ids))
    states = [seen.state if seen else None for chunk in _chunks(ordered) for seen in ledger.run(show(chunk))]
    return Choice(ids=tuple(ordered), count=len(ordered), unclear=states.count(State.UNCLEAR))


def redrive_all(
    ledger: Ledger,
    choice: Choice,
    *,
    keyring: Keyring,
    may_duplicate: bool,
    spread_ms: int = SPREAD_MS,
    told: Told | None = None,
    deed: Deed | None = None,
) -> Handled:
    """Send what was chosen again, oldest first, each due `spread_ms` after the one before."""
    line = json.dumps(
        {"at": ledger_now(ledger), "outcome": REDRIVEN, "may_duplicate": may_duplicate}
        | ({"by": deed.by} if deed else {})
    ).encode()

    def step(ids: Sequence[str], done: int) -> Operation[list[str]]:
        return redrive(
            ids,
            spread_ms=spread_ms,
            after_ms=done * spread_ms,
            may_duplicate=may_duplicate,
            line=line,
            deed=deed,
        )

    return _handle(ledger, choice, step, told, keyring)


def discard_all(
    ledger: Ledger, choice: Choice, *, keyring: Keyring, told: Told | None = None, deed: Deed | None = None
) -> Handled:
    """Forget what was chosen, on purpose."""
    return _handle(ledger, choice, lambda ids, _: discard(ids, deed=deed), told, keyring)


def _handle(
    ledger: Ledger,
    choice: Choice,
    step: Callable[[Sequence[str], int], Operation[list[str]]],
    told: Told | None,
    keyring: Keyring,
) -> Handled:
    words: Counter[str] = Counter()
    examples: list[Left] = []
    for ids in _chunks(ids_of(ledger, choice, keyring)):
        answers = ledger.run(step(ids, words["ok"]))
        words.update(answers)
        left = (Left(event_id=i, why=word) for i, word in zip(ids, answers, strict=True) if word != "ok")
        examples += islice(left, EXAMPLES - len(examples))
        if told:
            told(len(ids))
    done = words.pop("ok", 0)
    return Handled(account=ledger.account, done=done, left=dict(words), examples=tuple(examples))


def ids_of(ledger: Ledger, choice: Choice, keyring: Keyring) -> Iterator[str]:
    """Yield the ids of what was chosen, in the order in which they go out."""
    if choice.filter is None:
        yield from choice.ids
    else:
        yield from (
            spot.event_id for spot in walk(ledger, choice.filter, keyring=keyring, newest_first=False)
        )


def _chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk
