"""Sums: whether what the shop shipped, what the ledger says and what Gameball took agree. Pure.

Each rule is a promise of the shipper, named as in `docs/local.md`; it yields what breaks it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from shipper.local.shop import Done
from shipper.outcome import State

TERMINAL: Final = frozenset({State.DELIVERED, State.DEAD, State.UNCLEAR})


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """One event of the shop that was accepted under an id."""

    event_id: str
    done: Done


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What the ledger says of an event; `causes` are what licensed a second POST of it."""

    state: State
    causes: int = 0
    reason: str = ""
    code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One event of a line in Gameball's log of what it accepted."""

    seq: int
    customer_id: str
    name: str
    metadata: Mapping[str, Any]

    @property
    def reference(self) -> str:
        """Return the shop's own name of the event."""
        return str(self.metadata.get("reference", ""))


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything that three independent witnesses say when all is at rest."""

    shipped: Sequence[Shipped]
    """In the order in which they were accepted."""
    ended: Mapping[str, Ended]
    """By event id; one that the ledger does not know is missing."""
    copies: Sequence[Copy]
    balances: Mapping[str, int]
    """Points by customer, as Gameball has them."""
    told: Mapping[str, int]
    """How often the hook was told of an event, by its id."""
    counters: Mapping[str, int]
    findings: Sequence[str] = ()
    """What an audit of the ledger complains of."""

    @cached_property
    def copies_of(self) -> Mapping[str, int]:
        """Count the copies that Gameball accepted, by reference."""
        return Counter(copy.reference for copy in self.copies)

    @property
    def duplicates(self) -> int:
        """Count the copies beyond the first of each event."""
        return sum(count - 1 for count in self.copies_of.values())


def adds_up(evidence: Evidence) -> list[str]:
    """Return everything that does not; empty: all does."""
    return [problem for rule in RULES for problem in rule(evidence)]


def _nothing_is_lost(evidence: Evidence) -> Iterator[str]:
    for each in evidence.shipped:
        ended = evidence.ended.get(each.event_id)
        if ended is None:
            yield f"{_name(each)} is unknown to the ledger"
        elif ended.state not in TERMINAL:
            yield f"{_name(each)} is {ended.state.value} though all is at rest"
        elif ended.state is State.DELIVERED and not evidence.copies_of.get(each.done.reference):
            yield f"{_name(each)} is delivered, and Gameball never accepted it"


def _what_arrived_is_what_was_shipped(evidence: Evidence) -> Iterator[str]:
    shipped = {each.done.reference: each.done for each in evidence.shipped}
    for copy in evidence.copies:
        done = shipped.get(copy.reference)
        if done is None:
            yield f"Gameball accepted {copy.reference!r} (line {copy.seq}), which the shop never shipped"
        elif (done.customer_id, done.name, done.metadata) != (copy.customer_id, copy.name, copy.metadata):
            yield f"{copy.reference} arrived (line {copy.seq}) other than it was shipped"


def _every_copy_is_explained(evidence: Evidence) -> Iterator[str]:
    """Accepted copies − 1 ≤ causes, for every event and in total."""  # noqa: RUF002 - the invariant as it is written
    for each in evidence.shipped:
        ended = evidence.ended.get(each.event_id)
        copies = evidence.copies_of.get(each.done.reference, 0)
        if ended is None:
            continue
        if copies > ended.causes + (ended.state is State.DELIVERED):
            yield (
                f"{_name(each)} is {ended.state.value} with {ended.causes} causes on record, "
                f"and was accepted {copies} times"
            )
    causes = evidence.counters.get("causes", 0)
    if evidence.duplicates > causes:
        yield f"{evidence.duplicates} duplicates have only {causes} causes on record"


def _parked_events_are_never_doubled(evidence: Evidence) -> Iterator[str]:
    for each in evidence.shipped:
        copies = evidence.copies_of.get(each.done.reference, 0)
        if each.done.deed.parked and copies > 1:
            yield f"{_name(each)} was to be parked in doubt, and was accepted {copies} times"


def _a_customers_events_keep_their_order(evidence: Evidence) -> Iterator[str]:
    """First copies stand in Gameball's log as the events were accepted; equal lines are one call."""
    first: dict[str, int] = {}
    for copy in evidence.copies:
        first.setdefault(copy.reference, copy.seq)
    last: dict[str, tuple[int, str]] = {}
    for each in evidence.shipped:
        reference, customer_id = each.done.reference, each.done.customer_id
        seq, before = first.get(reference, 0), last.get(customer_id, (0, ""))
        if seq and seq < before[0]:
            yield f"{reference} of {customer_id} arrived before {before[1]}, which happened first"
        if seq:
            last[customer_id] = (seq, reference)


def _points_agree(evidence: Evidence) -> Iterator[str]:
    points = {each.done.reference: each.done.points for each in evidence.shipped}
    expected: defaultdict[str, int] = defaultdict(int)
    for copy in evidence.copies:
        expected[copy.customer_id] += points.get(copy.reference, 0)
    for customer_id in sorted(expected.keys() | evidence.balances.keys()):
        has, should = evidence.balances.get(customer_id, 0), expected[customer_id]
        if has != should:
            yield f"{customer_id} has {has} points in Gameball's ledger, and should have {should}"


def _hooks_were_told(evidence: Evidence) -> Iterator[str]:
    hooked = {each.event_id: each for each in evidence.shipped if each.done.deed.hooked}
    for event_id, each in hooked.items():
        if not evidence.told.get(event_id):
            yield f"nobody was told how {_name(each)} ended"
    for event_id in evidence.told.keys() - hooked.keys():
        yield f"a hook was told of {event_id}, which has none"


def _counters_agree(evidence: Evidence) -> Iterator[str]:
    states = Counter(ended.state.value for ended in evidence.ended.values())
    expected = {"accepted": len(evidence.shipped), **{state.value: states[state.value] for state in State}}
    for name, count in expected.items():
        counted = evidence.counters.get(name, 0)
        if counted != count:
            yield f"the ledger counts {counted} {name}, and there are {count}"
    yield from (f"audit: {finding}" for finding in evidence.findings)


def _name(each: Shipped) -> str:
    return f"{each.done.reference} ({each.event_id})"


RULES: Final[tuple[Callable[[Evidence], Iterator[str]], ...]] = (
    _nothing_is_lost,
    _what_arrived_is_what_was_shipped,
    _every_copy_is_explained,
    _parked_events_are_never_doubled,
    _a_customers_events_keep_their_order,
    _points_agree,
    _hooks_were_told,
    _counters_agree,
)
