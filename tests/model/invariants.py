"""The promises that one lane can break, checked in every world and on every step of a search."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from shipper.outcome import State

from .steps import Step, Verb
from .world import DEAD_LETTER, OPEN, Case, Event, World


class Broken(StrEnum):
    """What a protocol can break; the numbers are those of the invariants in the design."""

    LOSS = "1: an event that has not ended is not in its lane exactly once"
    ABSORPTION = "2: an end was left without redrive, discard, expunge or an adopted success"
    TRUTH = "3: delivered without a copy at Gameball, or a dead letter although a success is on record"
    DUPLICATE = "4: more copies than causes explain"
    PARK = "5: a second copy of a parked event that no person asked for"
    ENDLESS = "6: more crashes in a row than it may survive"
    INNOCENT = "6: a crash was counted although no worker died and no lease was outlived"
    NOT_IN_A_ROW = "6: crashes before a settle still count after it"
    ONE_CALL = "7: a second claim while the lane is leased"
    JOBS = "9: not one hook job per life"
    KNOWN_CLAIM = "10: a claim after a known success"
    KNOWN_POST = "10 as first worded: a POST after a known success"
    STUCK = "11: all is calm, yet an event never ends"
    ORDER = "order: the lane is not in the order of acceptance and redrive"
    COMPANY = "a parked or solo event shares a call"
    CONDEMNED = "dead by a call in which it did not travel alone"
    STRUCTURE = "what is in flight is not the leased head run"


def broken_by_step(before: World, taken: Step, after: World) -> Iterator[Broken]:
    """Yield what this step breaks, whatever led to it."""
    if taken.verb is Verb.ROLL_BACK:
        return
    if after.events is not before.events:
        for old, new in zip(before.events, after.events, strict=False):
            if old.state is not new.state:
                yield from _broken_by_change(old, new, before, taken)
    if after.lane != before.lane and after.lane != _lane_expected(before, taken, after):
        yield Broken.ORDER
    if taken.verb is Verb.CLAIM:
        yield from _broken_by_claim(before, after)


def broken_by_late_post(before: World, taken: Step, after: World) -> Iterator[Broken]:
    """Yield what breaks invariant 10 as first worded; to hold it, each POST would have to ask Redis first."""
    if taken.verb is Verb.POST and any(before.events[i].known for i in _call(before, taken)):
        yield Broken.KNOWN_POST


def broken_in(world: World, case: Case) -> Iterator[Broken]:
    """Yield what is broken in this world, by whatever step it was reached."""
    if sorted(world.lane) != [i for i, event in enumerate(world.events) if event.state in OPEN]:
        yield Broken.LOSS
    if not _is_structured(world):
        yield Broken.STRUCTURE
    misfortunes = case.budget.kills - world.budget.kills + case.budget.late - world.budget.late + world.rolled
    for event in world.events:
        if event.crashes > misfortunes:
            yield Broken.INNOCENT
        if event.crashes > case.max_crashes:  # one more than kills, for the first may have been in company
            yield Broken.ENDLESS
        if event.state is not State.EXPUNGED:
            yield from _broken_in_event(event, rolled=world.rolled)


def is_at_rest(world: World) -> bool:
    """Tell whether every accepted event has ended and no call is left."""
    return not world.lane and not world.call and not any(slot.ids for slot in world.slots)


def _broken_by_change(old: Event, new: Event, before: World, taken: Step) -> Iterator[Broken]:
    if old.state not in OPEN and not _may_leave(old, new, taken):
        yield Broken.ABSORPTION
    if new.state is State.DEAD and len(_call(before, taken)) != 1:
        yield Broken.CONDEMNED
    if new.state is State.IN_FLIGHT and old.known:
        yield Broken.KNOWN_CLAIM
    if new.state is State.WAITING and new.crashes and taken.verb is Verb.SETTLE:
        yield Broken.NOT_IN_A_ROW


def _may_leave(old: Event, new: Event, taken: Step) -> bool:
    if old.state not in DEAD_LETTER:
        return False
    match new.state:
        case State.WAITING:
            return taken.verb is Verb.REDRIVE
        case State.DISCARDED:
            return taken.verb is Verb.DISCARD
        case State.EXPUNGED:
            return taken.verb is Verb.EXPUNGE
        case State.DELIVERED:
            return new.known
        case _:
            return False


def _call(before: World, taken: Step) -> tuple[int, ...]:
    """Return the ids of the call that a post, a settle or a sweep is about."""
    return before.call if taken.worker is None else before.slots[taken.worker].ids


def _lane_expected(before: World, taken: Step, after: World) -> tuple[int, ...]:
    stayed = tuple(i for i in before.lane if i in after.lane)
    if taken.verb is Verb.REDRIVE and taken.event is not None:
        return (*stayed, taken.event)
    return (*stayed, len(before.events)) if taken.verb is Verb.ENQUEUE else stayed


def _broken_by_claim(before: World, after: World) -> Iterator[Broken]:
    if before.call:
        yield Broken.ONE_CALL
    if len(after.call) > 1 and any(after.events[i].park or after.events[i].solo for i in after.call):
        yield Broken.COMPANY


def _is_structured(world: World) -> bool:
    flying = tuple([i for i in world.lane if world.events[i].state is State.IN_FLIGHT])
    leased = tuple([i for i in world.lane if i in world.call])
    holders = [slot.ids for slot in world.slots if slot.holds]
    return (
        flying == leased == world.lane[: len(flying)]
        and len(holders) <= 1
        and all(set(ids) <= set(world.call) for ids in holders)
    )


def _broken_in_event(event: Event, *, rolled: bool) -> Iterator[Broken]:
    if event.copies - 1 > event.causes and not rolled:
        yield Broken.DUPLICATE
    if event.park and event.copies - 1 > event.life and not rolled:
        yield Broken.PARK
    if event.jobs != event.life + (event.state not in OPEN):
        yield Broken.JOBS
    if (event.state is State.DELIVERED and not event.copies) or (event.state in DEAD_LETTER and event.known):
        yield Broken.TRUTH
