"""History: what was asked, what was told, what arrived; checked as Jepsen's total-queue checks a queue.

Pure. An event is known by its `reference`, which stands in its metadata and so in what Gameball accepted. Its
enqueue was answered yes, no, or not at all, which is neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Answer(StrEnum):
    """What the caller of an enqueue was told."""

    YES = "yes"
    NO = "no"
    """It raised, and said that nothing was accepted."""
    UNCLEAR = "unclear"
    """It raised, and said that it does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call of enqueue."""

    reference: str
    customer: str
    answer: Answer
    event_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Where the system under test says that an event is; `causes` is None for one that keeps none."""

    state: str
    causes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The counts of one history: of events, but for `duplicated` and `unexplained`, which are of copies."""

    attempted: int
    acknowledged: int
    refused: int
    """Told "nothing was accepted"."""
    doubtful: int
    """Told "unclear"."""
    recovered: int
    """Of the doubtful, those that arrived all the same."""
    delivered: int
    """Arrived at least once."""
    dead: int
    unclear: int
    """Parked: nobody knows whether they arrived, and a person is asked."""
    waiting: int
    """Neither arrived nor ended when the run was over."""
    lost: int
    """Acknowledged, never arrived, and in no list."""
    duplicated: int
    """Copies beyond the first."""
    unexplained: int | None
    """Of these, those without a cause on record; None where no causes are kept."""
    most_copies: int
    """Of any one event."""


WAITS: Final = frozenset({"waiting", "in_flight"})
LISTED: Final = frozenset({"dead", "unclear", "discarded", "expunged", *WAITS})
"""States in which an event that never arrived is not lost: somebody can see it."""


def tally(
    attempts: Sequence[Attempt],
    copies: Mapping[str, int],
    ends: Mapping[str, End],
    *,
    keeps_causes: bool = True,
) -> Tally:
    """Count a history; `copies` says how often Gameball accepted each reference.

    Without `keeps_causes` (the peer) nothing can be unexplained.
    """
    answered = {each.reference: each.answer for each in attempts}
    states = {reference: end.state for reference, end in ends.items()}
    never = [reference for reference in answered if not copies.get(reference)]
    surplus = {reference: count - 1 for reference, count in copies.items() if count > 1}
    return Tally(
        attempted=len(answered),
        acknowledged=_count(answered, Answer.YES),
        refused=_count(answered, Answer.NO),
        doubtful=_count(answered, Answer.UNCLEAR),
        recovered=sum(1 for reference in copies if answered.get(reference) is Answer.UNCLEAR),
        delivered=len(copies),
        dead=sum(1 for state in states.values() if state == "dead"),
        unclear=sum(1 for state in states.values() if state == "unclear"),
        waiting=sum(1 for state in states.values() if state in WAITS),
        lost=sum(1 for each in never if answered[each] is Answer.YES and states.get(each) not in LISTED),
        duplicated=sum(surplus.values()),
        unexplained=sum(_unexplained(surplus, ends)) if keeps_causes else None,
        most_copies=max(copies.values(), default=0),
    )


def lies(attempts: Sequence[Attempt], copies: Mapping[str, int], ends: Mapping[str, End]) -> Iterator[str]:
    """Name each event of which the system said what is not so, whether or not it was lost or doubled."""
    answered = {each.reference: each.answer for each in attempts}
    for reference in copies:
        if answered.get(reference) is Answer.NO:
            yield f"{reference} was refused, and arrived"
        if reference not in answered:
            yield f"{reference} arrived, and nobody sent it"
    for reference, end in ends.items():
        if end.state == "delivered" and not copies.get(reference):
            yield f"{reference} is said to be delivered, and never arrived"


def disorder(attempts: Sequence[Attempt], arrived: Sequence[str]) -> Iterator[str]:
    """Name each event whose first copy came before an earlier event of its customer; `arrived` in order.

    Only events that were acknowledged have an order: of the others nobody knows when they were accepted.
    """
    first = {reference: place for place, reference in reversed(list(enumerate(arrived)))}
    last: dict[str, tuple[int, str]] = {}
    for each in attempts:
        place = first.get(each.reference)
        if place is None or each.answer is not Answer.YES:
            continue
        before, earlier = last.get(each.customer, (-1, ""))
        if place < before:
            yield f"{each.reference} arrived before {earlier} of the same customer"
        last[each.customer] = max((before, earlier), (place, each.reference))


def doubled_parks(parked: Iterable[str], copies: Mapping[str, int]) -> Iterator[str]:
    """Name each event that was to be parked rather than sent twice, and arrived twice."""
    for reference in parked:
        if copies.get(reference, 0) > 1:
            yield f"{reference} was parked, and arrived {copies[reference]} times"


def _count(answered: Mapping[str, Answer], wanted: Answer) -> int:
    return sum(1 for answer in answered.values() if answer is wanted)


def _unexplained(surplus: Mapping[str, int], ends: Mapping[str, End]) -> Iterator[int]:
    for reference, extra in surplus.items():
        end = ends.get(reference)
        yield max(0, extra - (end.causes or 0 if end else 0))
