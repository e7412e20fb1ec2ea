"""World: one seed's simulation, seen from outside: what Gameball, workers, apps and operators know.

Each script call goes through `ask`, which asks the rules the same, compares the answers, then reads all that
the ledger holds and checks it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Concatenate, Final, ParamSpec, TypeVar

from shipper.envelope import Envelope
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import ClaimedCall, Operation, SettledCall, Stored
from shipper.ledger.record import HookJob
from shipper.outcome import Verdict
from tests.simulator.book import Book, differences, dump
from tests.simulator.mix import Mix
from tests.simulator.promises import Ghost, check_step
from tests.simulator.rewind import Kept
from tests.simulator.structure import check_structure

P = ParamSpec("P")
T = TypeVar("T")

START_MS: Final = 1_750_000_000_000


@dataclass(slots=True, kw_only=True, eq=False)
class Post:
    """A call in a worker's hands. `asked_at` is when the worker began to ask for it."""

    call: ClaimedCall
    asked_at: int
    lease_end: int
    late_ms: int = 0
    """How much later than the margin it may leave: its claim said so."""
    sent: bool = False
    verdict: Verdict | None = None
    settled: SettledCall | None = None
    """What the worker has told the ledger, or will tell; told again unchanged if the reply is lost."""


@dataclass(slots=True, kw_only=True, eq=False)
class Telling:
    """A hook job in a worker's hands."""

    job: HookJob
    token: str
    lease_end: int
    let_go: bool = False
    """It has told the ledger how it went, and may only tell it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What a worker read of a redrive job, and is about to send."""

    job: str
    cursor: str
    found: list[tuple[str, str]]
    nothing_more: bool


@dataclass(slots=True, kw_only=True)
class Saved:
    """What a ledger rolled back to a moment would hold, and what was known then."""

    keys: Kept
    book: Book
    ghosts: dict[str, Ghost]
    idempotency: dict[str, str]
    told: set[str]


@dataclass(slots=True, kw_only=True)
class World:
    """The state of one simulation."""

    ledger: Ledger
    mix: Mix
    random: Random
    by_rules: bool = True
    """Whether the rules judge as well; without them only the promises and the structure do."""
    now: int = START_MS
    book: Book = field(default_factory=Book)
    found: Book = field(default_factory=Book)
    """What the ledger held after the last call."""
    ghosts: dict[str, Ghost] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    """The event that was last accepted under each idempotency key."""
    enqueued: list[Envelope] = field(default_factory=list)
    unheard: list[Envelope] = field(default_factory=list)
    """Enqueued, and the answer was lost."""
    posts: list[Post] = field(default_factory=list)
    lost: list[tuple[list[str], int]] = field(default_factory=list)
    """Tokens and time of claims whose answer was lost."""
    void: list[str] = field(default_factory=list)
    under_way: list[list[str]] = field(default_factory=list)
    """Tokens of claims that were given up, and have not reached the ledger yet."""
    given_back: dict[str, int] = field(default_factory=dict)
    """When the ledger heard that a token is void."""
    saved: Saved | None = None
    drafts: list[Stored] = field(default_factory=list)
    """Letters as somebody read them."""
    tickets: list[str] = field(default_factory=list)
    arrivals: list[int] = field(default_factory=list)
    tellings: list[Telling] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    jobs: list[str] = field(default_factory=list)
    jobs_over: set[str] = field(default_factory=set)
    errands: list[Errand] = field(default_factory=list)
    job_sent: set[tuple[str, str]] = field(default_factory=set)
    """What each redrive job sent."""
    numbered: int = 0
    log: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    """How often what happened; a simulation that never reaches a case proves nothing about it."""

    def number(self) -> int:
        """Return a number that no other thing of this world has."""
        self.numbered += 1
        return self.numbered

    def chance(self, share: float) -> bool:
        """Tell whether something happens that happens in this share of cases."""
        return self.random.random() < share

    def ask(
        self,
        operation: Callable[P, Operation[T]],
        rule: Callable[Concatenate[Book, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Ask the ledger and the rules, and check everything; return what both answered."""
        asked = operation(*args, **kwargs)
        self.log.append(f"{self.now - START_MS:>9} {asked.script} {_shown(asked)}")
        answer = self.ledger.run(asked)
        self.log.append(f"{'':>9}   → {answer}")
        self.seen[asked.script] += 1
        before, self.found = self.found, self.ledger.run(dump())
        check_structure(self.found)
        check_step(before, self.found, self.ghosts, now=self.now)
        for event_id in self.found.dead.keys() - before.dead.keys():
            self.seen[f"dead: {self.found.numbers(event_id).reason}"] += 1
        if self.by_rules:
            expected = rule(self.book, *args, **kwargs)
            assert answer == expected, f"{asked.script} answered {answer}, the rules say {expected}"
            unlike = list(differences(self.found, self.book))
            assert not unlike, f"after {asked.script}\n" + "\n".join(unlike)
            self.book.bell = self.found.bell  # it may ring more often than it must
        else:
            self.book = self.found
        return answer


def _shown(asked: Operation[T]) -> str:
    return " ".join(
        arg.decode(errors="replace") if isinstance(arg, bytes) else str(arg) for arg in asked.args[1:]
    )
