"""Protocols with one rule left out or wrong, each a mistake that a script of ours could make."""

from __future__ import annotations

from shipper.outcome import State

from .scripts import Scripts, end, seated
from .world import IDLE, Event, Phase, Slot, World


class LateSuccessDropped(Scripts):
    """A success counts only for the token that holds the lane."""

    def may_deliver(self, event: Event, slot: Slot) -> bool:
        return slot.holds


class FailureByTokenOnly(Scripts):
    """A failure counts if the token holds the lane, even for an event that has left the call."""

    def may_fail(self, event: Event, slot: Slot) -> bool:
        return slot.holds


class FailureByStateOnly(Scripts):
    """A failure counts for every event in flight, whoever has it."""

    def may_fail(self, event: Event, slot: Slot) -> bool:
        return event.state is State.IN_FLIGHT


class UnclearTakenForSuccess(Scripts):
    """A lost answer delivers."""

    def doubt(self, event: Event, *, alone: bool) -> Event:
        return self.deliver(event)


class UnclearWithoutCause(Scripts):
    """A lost answer is charged, and not recorded as a cause."""

    def doubt(self, event: Event, *, alone: bool) -> Event:
        return self.charge(event, alone=alone)


class CrashesNeverForgotten(Scripts):
    """A settle leaves the count of crashes as it was."""

    def fail(self, event: Event, answer: Phase, *, alone: bool) -> Event:
        return super().fail(event, answer, alone=alone)._replace(crashes=event.crashes)


class RefusalCondemnsTheCall(Scripts):
    """A refusal of a merged call ends every event of it."""

    def refuse(self, event: Event, *, alone: bool) -> Event:
        return super().refuse(event, alone=True)


class LastAttemptCondemnsTheCall(Scripts):
    """The last attempt of a merged call ends every event of it."""

    def charge(self, event: Event, *, alone: bool) -> Event:
        return super().charge(event, alone=True)


class CrashCondemnsTheCall(Scripts):
    """Too many crashes end every event of a merged call."""

    def expire_event(self, event: Event, alone: bool) -> Event:
        return super().expire_event(event, alone=True)


class CrashNeverSplits(Scripts):
    """After a crash the events of a merged call go on together, and so never end."""

    def expire_event(self, event: Event, alone: bool) -> Event:
        return super().expire_event(event, alone)._replace(solo=event.solo)


class AloneIfAloneLeft(Scripts):
    """The sweep counts who is still in the call, not who set out in it."""

    def travelled_alone(self, world: World) -> bool:
        return sum(world.events[i].state is State.IN_FLIGHT for i in world.call) == 1


class SweepWithoutCause(Scripts):
    """An expired lease is not recorded as a cause."""

    def expire_event(self, event: Event, alone: bool) -> Event:
        return super().expire_event(event, alone)._replace(causes=event.causes)


class SweepWithoutPark(Scripts):
    """An expired lease sends a parked event again."""

    def expire_event(self, event: Event, alone: bool) -> Event:
        return super().expire_event(event._replace(park=False), alone)._replace(park=event.park)


class SweepSparesTheDead(Scripts):
    """An expired lease is never taken back."""

    def sweep(self, world: World) -> World:
        return world


class ParkInCompany(Scripts):
    """A parked event may share a call."""

    def travels_alone(self, event: Event) -> bool:
        return event.solo


class LeaseIgnored(Scripts):
    """A leased lane stays due."""

    def is_due(self, world: World) -> bool:
        return bool(world.lane)


class SettleFreesAnyLease(Scripts):
    """A settle frees the lane even if its token does not hold it."""

    def settle(self, world: World, worker: int, *, reply_lost: bool) -> World:
        return super().settle(world, worker, reply_lost=reply_lost)._replace(call=())


class LostClaimForgotten(Scripts):
    """The token of a claim whose reply was lost is never handed back."""

    def void(self, world: World, worker: int) -> World:
        return world._replace(slots=seated(world, worker, IDLE))


class VoidCharged(Scripts):
    """A token handed back counts as a crash."""

    def void(self, world: World, worker: int) -> World:
        after = self.sweep(world) if world.slots[worker].holds else world
        return after._replace(slots=seated(world, worker, IDLE))


class VoidOfAnyToken(Scripts):
    """A token handed back frees the lane, even if another holds it by now."""

    def void(self, world: World, worker: int) -> World:
        own = world.slots[worker]._replace(holds=True)
        return super().void(world._replace(slots=seated(world, worker, own)), worker)


class ResentClaimRefused(Scripts):
    """A resent claim finds its own lane leased, and returns nothing."""

    def claim_again(self, world: World, worker: int) -> World:
        return world._replace(slots=seated(world, worker, IDLE))


class SuccessCountedTwice(Scripts):
    """A success settled again ends the event again."""

    def deliver(self, event: Event) -> Event:
        if event.state is State.DELIVERED:
            return end(event, State.DELIVERED)
        return super().deliver(event)


class AdoptionKeepsTheLife(Scripts):
    """A success after the end changes the end of the same life."""

    def deliver(self, event: Event) -> Event:
        return super().deliver(event)._replace(life=event.life)


class RedriveKeepsTheLife(Scripts):
    """A redrive begins no new life."""

    def redrive(self, world: World, i: int) -> World:
        after = super().redrive(world, i)
        events = list(after.events)
        events[i] = events[i]._replace(life=world.events[i].life)
        return after._replace(events=tuple(events))


class RedriveJumpsTheQueue(Scripts):
    """A redriven event goes to the head of its lane."""

    def redrive(self, world: World, i: int) -> World:
        return super().redrive(world, i)._replace(lane=(i, *world.lane))


class ExpungeDropsTheLease(Scripts):
    """An expunge frees the lane although a call is under way."""

    def expunge(self, world: World, i: int) -> World:
        return super().expunge(world, i)._replace(call=())


class DiscardTellsNobody(Scripts):
    """A waiting event is discarded without a hook job."""

    def discard(self, world: World, i: int) -> World:
        after = super().discard(world, i)
        events = list(after.events)
        events[i] = events[i]._replace(jobs=world.events[i].jobs)
        return after._replace(events=tuple(events))


class ArrivalForgotten(Scripts):
    """An event that arrives while its lane is leased never gets into the lane."""

    def enqueue(self, world: World) -> World:
        after = super().enqueue(world)
        return after._replace(lane=world.lane) if world.call else after
