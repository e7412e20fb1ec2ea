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

from shipper.inspector.now import ledger_now, moment_over
from shipper.inspector.timeline import REDRIVEN
from shipper.inspector.trail import described
from shipper.keyring import Keyring
from shipper.ledger.deed import Deed
from shipper.ledger.ledger import Ledger
from shipper.ledger.letters import Filter, count, count_doubtful, count_parked, walk
from shipper.ledger.operations import Operation, Shown, discard, redrive, show
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
    """Letters by a filter, or by their ids, in the order in which they go out.

    `unclear` of the `count` may be with Gameball already and go only on a person's word. Of `doubtful`
    others, at most, a copy may be there too, but they are of those that are tried again all the same. `at`
    is the moment of the choice, in ms: what becomes a letter from then on is not in it. `waiting` has those
    chosen by id that had not ended.
    """

    count: int
    unclear: int
    doubtful: int
    at: int
    filter: Filter | None = None
    ids: tuple[str, ...] = ()
    waiting: frozenset[str] = frozenset()

    def about(self, *said: str) -> str:
        """Say what was chosen, after what a person said of it, as it stands on the audit log."""
        chosen = "by ids" if self.filter is None else described(self.filter)
        return ": ".join(filter(None, (*said, chosen)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """An event that was left as it is, and why: unclear, no, later, unreadable, broken or in_flight.

    `line` is where the file of an import says it.
    """

    event_id: str
    why: str
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """What was done: how many, how many were left for each reason, and the first hundred of those."""

    account: str
    done: int
    left: dict[str, int]
    examples: tuple[Left, ...]


def choose(ledger: Ledger, wanted: Filter, *, keyring: Keyring, at: int | None = None) -> Choice:
    """Choose what a filter finds now, or found `at` a moment in ms that has been.

    Raises LockedError for a text where a key is missing.
    """
    soon = moment_over(ledger)
    moment = soon if at is None else min(at, soon)
    frozen = replace(wanted, until=moment if wanted.until is None else min(moment, wanted.until))
    unclear = 0 if wanted.unclear is False else count(ledger, replace(frozen, unclear=True), keyring=keyring)
    number = count(ledger, frozen, keyring=keyring)
    return Choice(
        filter=frozen,
        at=moment,
        count=number,
        unclear=unclear + count_parked(ledger, frozen, keyring=keyring),
        doubtful=count_doubtful(ledger, frozen, of=number, keyring=keyring),
    )


def choose_ids(ledger: Ledger, ids: Iterable[str], *, at: int | None = None) -> Choice:
    """Choose events by their ids, now or `at` a moment in ms, in the order in which a filter finds them.

    That is the order of their ends. By that of their births one producer's fast clock would put a customer's
    events in another order than the one in which they were accepted.
    """
    soon, given = moment_over(ledger), sorted(set(ids))
    shown = [seen for chunk in _chunks(given) for seen in ledger.run(show(chunk)) if seen]
    ends = {seen.event_id: seen.ended_at or 0 for seen in shown}
    ordered = sorted(given, key=lambda event_id: (ends.get(event_id, 0), event_id))
    letters = [seen for seen in shown if seen.state in {State.DEAD, State.UNCLEAR}]
    return Choice(
        ids=tuple(ordered),
        count=len(ordered),
        unclear=sum(wants_a_yes(seen) for seen in letters),
        doubtful=sum(seen.tried.causes > 0 and not wants_a_yes(seen) for seen in letters),
        # A clock that was set back left letters behind whose ends are still to come.
        at=max([soon, *(ends[seen.event_id] + 1 for seen in letters)]) if at is None else at,
        waiting=frozenset(seen.event_id for seen in shown if seen.state in {State.WAITING, State.IN_FLIGHT}),
    )


def wants_a_yes(letter: Shown) -> bool:
    """Tell whether a letter is sent again only on a person's word: a copy may be with Gameball for good.

    That of a parked event stays so, whatever became of the next one.
    """
    parked = letter.record is not None and letter.record.park
    return letter.state is State.UNCLEAR or (parked and letter.tried.causes > 0)


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
            moment=choice.at,
            deed=deed,
        )

    return _handle(ledger, choice, step, told, keyring)


def discard_all(
    ledger: Ledger,
    choice: Choice,
    *,
    keyring: Keyring,
    waiting_too: bool = False,
    told: Told | None = None,
    deed: Deed | None = None,
) -> Handled:
    """Forget what was chosen, on purpose; what waited when it was chosen by its id if `waiting_too`."""
    waiting = choice.waiting if waiting_too else frozenset[str]()

    def step(ids: Sequence[str], _: int) -> Operation[list[str]]:
        return discard(ids, moment=choice.at, waiting=waiting, deed=deed)

    return _handle(ledger, choice, step, told, keyring)


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
