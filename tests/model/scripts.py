"""What each script does to the ledger; a broken protocol overrides one rule.

A script takes a world and returns the next; one that acts for a worker takes the worker's number too.
Pace, gate and backoff are left out: they only delay a claim, and here every step may be delayed anyway.
"""

from __future__ import annotations

from functools import cache

from shipper.outcome import State

from .world import DEAD_LETTER, GONE, IDLE, OPEN, Case, Event, Phase, Slot, World


class Scripts:
    """The ledger's side of the protocol, for one case: first the scripts, then their rules for one event."""

    def __init__(self, case: Case) -> None:
        self.case = case
        # The rules are pure, so their answers are shared: that is most of the speed, and of the memory.
        self._settled = cache(self.settle_event)
        self._expired = cache(self.expire_event)
        self._moved = cache(_moved)

    def enqueue(self, world: World) -> World:
        """Accept the next event at the tail of its lane, leased or not."""
        new = len(world.events)
        return world._replace(events=(*world.events, Event(self.case.parks[new])), lane=(*world.lane, new))

    def is_due(self, world: World) -> bool:
        """Tell whether a claim would find the lane."""
        return bool(world.lane) and not world.call

    def claim(self, world: World, worker: int, phase: Phase) -> World:
        """Lease the lane for the longest run from its head that may share a call."""
        run = self.head_run(world)
        events = list(world.events)
        for i in run:
            events[i] = self._moved(events[i], State.IN_FLIGHT)
        return _world(world, events, run, seated(world, worker, Slot(phase, run, True)))

    def claim_again(self, world: World, worker: int) -> World:
        """Answer a resent claim with what is left of the call that its token holds."""
        slot = world.slots[worker]
        left = tuple([i for i in slot.ids if world.events[i].state is State.IN_FLIGHT])
        if slot.forgotten and self.is_due(world):
            return self.claim(world, worker, Phase.CLAIMED)
        again = slot._replace(phase=Phase.CLAIMED, ids=left) if slot.holds and left else IDLE
        return world._replace(slots=seated(world, worker, again))

    def void(self, world: World, worker: int) -> World:
        """Release the token of a lost claim, if it still holds the lane; nothing is charged."""
        if not world.slots[worker].holds:
            return world._replace(slots=seated(world, worker, IDLE))
        events = list(world.events)
        for i in world.call:
            if events[i].state is State.IN_FLIGHT:
                events[i] = self._moved(events[i], State.WAITING)
        return _world(world, events, (), seated(world, worker, IDLE))

    def settle(self, world: World, worker: int, *, reply_lost: bool) -> World:
        """Write down what became of a call; the lane is free again if the token held it."""
        slot = world.slots[worker]
        events = list(world.events)
        for i in slot.ids:
            events[i] = self._settled(events[i], slot)
        left = slot._replace(holds=False) if reply_lost else IDLE
        return _world(world, events, () if slot.holds else world.call, seated(world, worker, left))

    def sweep(self, world: World) -> World:
        """Expire the lease, whether its holder lives or not."""
        alone = self.travelled_alone(world)
        events = list(world.events)
        for i in world.call:
            if events[i].state is State.IN_FLIGHT:
                events[i] = self._expired(events[i], alone)
        slots = tuple([slot._replace(holds=False) if slot.holds else slot for slot in world.slots])
        return _world(world, events, (), slots)

    def redrive(self, world: World, i: int) -> World:
        """Begin a new life of a dead letter at the lane's tail; its causes stay on record."""
        event = world.events[i]
        events = list(world.events)
        events[i] = event._replace(state=State.WAITING, life=event.life + 1)
        return world._replace(events=tuple(events), lane=(*world.lane, i))

    def discard(self, world: World, i: int) -> World:
        """End a waiting event with a hook job of its own, or forget a dead letter, which has had it."""
        event = world.events[i]
        jobs = event.jobs + 1 if event.state is State.WAITING else event.jobs
        events = list(world.events)
        left = Event(event.park, State.DISCARDED, causes=event.causes, life=event.life, jobs=jobs)
        events[i] = left._replace(copies=event.copies if world.saved else 0)
        return _world(world, events, world.call, world.slots)

    def expunge(self, world: World, i: int) -> World:
        """Erase an event, hook jobs and all; the lease of a call that may still carry it stays."""
        events = list(world.events)
        copies = events[i].copies if world.saved else 0  # a rollback may bring it back
        events[i] = Event(events[i].park, State.EXPUNGED, causes=events[i].causes, copies=copies)
        return _world(world, events, world.call, world.slots)

    def head_run(self, world: World) -> tuple[int, ...]:
        """Return the ids that the next call takes from the lane's head."""
        lane, events = world.lane, world.events
        run = 1
        if not self.travels_alone(events[lane[0]]):
            while run < min(len(lane), self.case.merge) and not self.travels_alone(events[lane[run]]):
                run += 1
        return lane[:run]

    def travels_alone(self, event: Event) -> bool:
        """Tell whether the event may share no call."""
        return event.park or event.solo

    def travelled_alone(self, world: World) -> bool:
        """Tell whether the call was claimed for one event; it is no less merged when others have left it."""
        return len(world.call) == 1

    def settle_event(self, event: Event, slot: Slot) -> Event:
        """Adopt a success wherever the event is; apply a failure only to what the call still holds."""
        if event.state in GONE:
            return event
        if slot.phase is Phase.ACCEPTED:
            event = event._replace(known=True)
            return self.deliver(event) if self.may_deliver(event, slot) else event
        return self.fail(event, slot.phase, alone=len(slot.ids) == 1) if self.may_fail(event, slot) else event

    def may_deliver(self, event: Event, slot: Slot) -> bool:
        """Tell whether a success counts: it always does."""
        return True

    def may_fail(self, event: Event, slot: Slot) -> bool:
        """Tell whether a failure counts: the token holds the lane, and the event has not left the call."""
        return slot.holds and event.state is State.IN_FLIGHT

    def deliver(self, event: Event) -> Event:
        """End the event as delivered; if it had ended otherwise, that is a new life."""
        if event.state is State.DELIVERED:
            return event
        life = event.life + 1 if event.state in DEAD_LETTER else event.life
        return end(event._replace(life=life, solo=False), State.DELIVERED)

    def fail(self, event: Event, answer: Phase, *, alone: bool) -> Event:
        """Apply what a call came to; since its worker lived, crashes in a row count anew."""
        event = event._replace(state=State.WAITING, crashes=0)
        match answer:
            case Phase.REFUSED:
                return self.refuse(event, alone=alone)
            case Phase.UNCLEAR:
                return self.doubt(event, alone=alone)
            case Phase.NOT_SENT:
                return self.charge(event, alone=alone)
            case _:
                return event

    def refuse(self, event: Event, *, alone: bool) -> Event:
        """Condemn an event that travelled alone; of a merged call nobody knows which one was meant."""
        return end(event, State.DEAD) if alone else event._replace(solo=True)

    def doubt(self, event: Event, *, alone: bool) -> Event:
        """Record a cause: Gameball may have the event."""
        event = event._replace(causes=event.causes + 1)
        return end(event, State.UNCLEAR) if event.park else self.charge(event, alone=alone)

    def charge(self, event: Event, *, alone: bool) -> Event:
        """Take one attempt off the budget; the last one is spent only alone."""
        if event.charged + 1 < self.case.max_attempts:
            return event._replace(charged=event.charged + 1)
        return end(event, State.DEAD) if alone else event._replace(solo=True)

    def expire_event(self, event: Event, alone: bool) -> Event:
        """Record a cause and a crash, for the worker may have died after it sent."""
        event = event._replace(
            state=State.WAITING, charged=event.charged + 1, crashes=event.crashes + 1, causes=event.causes + 1
        )
        if event.park:
            return end(event, State.UNCLEAR)
        if not alone:
            return event._replace(solo=True)
        return end(event, State.DEAD) if event.crashes >= self.case.max_crashes else event


def end(event: Event, state: State) -> Event:
    """End a life of the event with one hook job; its budget has served."""
    return event._replace(state=state, charged=0, crashes=0, jobs=event.jobs + 1)


def seated(world: World, worker: int, slot: Slot) -> tuple[Slot, ...]:
    """Return the slots with this one for the worker."""
    return (*world.slots[:worker], slot, *world.slots[worker + 1 :])


def _moved(event: Event, state: State) -> Event:
    return event._replace(state=state)


def _world(world: World, events: list[Event], call: tuple[int, ...], slots: tuple[Slot, ...]) -> World:
    """Return the world after a script; what has ended has left the lane."""
    lane = tuple([i for i in world.lane if events[i].state in OPEN])
    return World(tuple(events), lane, call, slots, world.budget, world.saved, world.rolled)
