"""One moment of the model: the ledger of one lane, the workers' calls, and what may still go wrong.

Everything is a tuple of small values, because hundreds of thousands of worlds are hashed and compared.
Tokens need no numbers: all that a script ever asks is whether a token is the one that holds the lane.
The number of an attempt is left out: it only grows, and nothing here depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final, NamedTuple

from shipper.outcome import State

OPEN: Final = (State.WAITING, State.IN_FLIGHT)
DEAD_LETTER: Final = (State.DEAD, State.UNCLEAR)
GONE: Final = (State.DISCARDED, State.EXPUNGED)


class Event(NamedTuple):
    """What the ledger knows of an accepted event, then three ghosts that no script can see."""

    park: bool
    state: State = State.WAITING
    charged: int = 0
    crashes: int = 0
    causes: int = 0
    life: int = 0
    solo: bool = False
    jobs: int = 0
    """Ghost: hook jobs written so far."""
    copies: int = 0
    """Ghost: how often Gameball accepted it."""
    known: bool = False
    """Ghost: a success of it has reached Redis."""


class Phase(StrEnum):
    """How far a worker is with its call; the last five are Gameball's answer, or what stands for it."""

    IDLE = ""
    LOST = "lost"
    """The ledger made the claim, its reply never came."""
    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    UNCLEAR = "unclear"
    REFUSED = "refused"
    NOT_SENT = "not sent"
    UNSENT = "unsent"
    """Handed back; a busy customer, a throttle and a pause are settled alike: nothing is charged."""


class Slot(NamedTuple):
    """A worker's place for one call."""

    phase: Phase = Phase.IDLE
    ids: tuple[int, ...] = ()
    holds: bool = False
    """Its token is the one that holds the lane; a busy slot that does not is a zombie."""
    held: bool = False
    """Ghost: its token holds the lane in the ledger that was saved."""
    written: bool = False
    """Ghost: its claim is in the ledger that was saved."""
    forgotten: bool = False
    """Its claim was rolled back: the ledger has never heard of its token."""


IDLE: Final = Slot()


class Budget(NamedTuple):
    """How often each misfortune may still happen; without bounds the search would have no end."""

    kills: int = 0
    late: int = 0
    """Leases that run out although their holder lives."""
    lost: int = 0
    """Replies of a settle that never arrive, so that it is settled again."""
    redrives: int = 0
    discards: int = 0
    expunges: int = 0
    rollbacks: int = 0
    """How often the ledger comes back as it was at some earlier moment; only where no event arrives later."""


NO_MISFORTUNE: Final = Budget()


class Moment(NamedTuple):
    """What a ledger that is rolled back to a moment holds."""

    events: tuple[Event, ...]
    lane: tuple[int, ...]
    call: tuple[int, ...]


class World(NamedTuple):
    """The whole model at one moment."""

    events: tuple[Event, ...]
    """By id: an event's id is its place here."""
    lane: tuple[int, ...]
    """Ids of the waiting and the in-flight events, in order."""
    call: tuple[int, ...]
    """Ids of the call that leases the lane, as claimed; empty: the lane is not leased."""
    slots: tuple[Slot, ...]
    """By worker."""
    budget: Budget
    saved: Moment | None = None
    """Ghost: what a rollback would lead to, once such a moment is chosen."""
    rolled: bool = False
    """The ledger was rolled back: that is a cause of any copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What one search is about: how many events, workers and misfortunes."""

    parks: tuple[bool, ...] = (False, False)
    """One for each event: is it parked when unclear?"""
    arriving: int = 0
    """How many of the events are accepted only later, at any moment."""
    merge: int = 1
    """Most events in one call."""
    slots: int = 2
    max_attempts: int = 2
    max_crashes: int = 2
    spare_causes: int = 2
    """How many causes that explain no copy yet are told apart; too few can only raise a false alarm."""
    budget: Budget = NO_MISFORTUNE

    def first_world(self) -> World:
        """Return the world in which nothing has happened yet."""
        accepted = self.parks[: len(self.parks) - self.arriving]
        return World(
            events=tuple(Event(park) for park in accepted),
            lane=tuple(range(len(accepted))),
            call=(),
            slots=(IDLE,) * self.slots,
            budget=self.budget,
        )


def canonical(world: World, spare_causes: int) -> World:
    """Return the world that stands for all that differ in workers' numbers or in what is squared already."""
    slots = tuple(sorted(world.slots, reverse=True))
    square = _excused if world.rolled else _squared
    events = tuple([square(event, spare_causes) for event in world.events])
    saved = world.saved
    if saved:
        saved = saved._replace(events=tuple([_excused(event, spare_causes) for event in saved.events]))
    return World(events, world.lane, world.call, slots, world.budget, saved, world.rolled)


@cache
def _excused(event: Event, spare_causes: int) -> Event:
    """Strike out every copy beyond the first, and every cause: a rollback explains them all."""
    del spare_causes
    told = min(event.life, event.jobs)
    life, jobs = event.life - told, event.jobs - told
    return event._replace(causes=0, copies=min(1, event.copies), life=life, jobs=jobs)


@cache
def _squared(event: Event, spare_causes: int) -> Event:
    """Strike out each copy that a cause explains and each life that had its hook job: no script counts them.

    Spare causes beyond a few are forgotten. That can raise a false alarm, never hide a duplicate.
    """
    if event.state in GONE:
        event = event._replace(causes=0)
    if event.park:  # it is allowed a copy for each life, so both keep their count
        return event._replace(causes=min(event.causes, event.copies + spare_causes))
    explained = max(0, min(event.copies - 1, event.causes))
    told = min(event.life, event.jobs)
    return event._replace(
        causes=min(event.causes - explained, spare_causes),
        copies=event.copies - explained,
        life=event.life - told,
        jobs=event.jobs - told,
    )
