"""Every step that is possible in a world: of workers, the clock, operators, Gameball and misfortune."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

from shipper.outcome import State

from .scripts import Scripts, seated
from .world import DEAD_LETTER, GONE, IDLE, OPEN, Moment, Phase, World


class Verb(StrEnum):
    """What happens."""

    ENQUEUE = "enqueue"
    CLAIM = "claim"
    CLAIM_LOST = "claim lost"
    """The script ran, its reply is lost."""
    CLAIM_AGAIN = "claim again"
    """The lost claim is resent with the same token."""
    VOID = "void"
    """The lost token is handed back with a claim that, as if paused, gets no lane."""
    POST = "post"
    SETTLE = "settle"
    SETTLE_LOST = "settle lost"
    """The script ran, its reply is lost: the worker will settle again."""
    KILL = "kill"
    SWEEP = "sweep"
    """The lease has run out and is swept."""
    REDRIVE = "redrive"
    DISCARD = "discard"
    EXPUNGE = "expunge"
    SAVE = "save"
    """Choose the moment to which the ledger will be rolled back."""
    ROLL_BACK = "roll back"


CALM: Final = frozenset({Verb.CLAIM, Verb.CLAIM_AGAIN, Verb.POST, Verb.SETTLE, Verb.SWEEP})
"""What happens while workers live, Redis answers and Gameball accepts; `steps` puts such a step first."""


class Answer(StrEnum):
    """What becomes of a POST."""

    ACCEPTED = "accepted"
    UNCLEAR_APPLIED = "unclear, applied"
    UNCLEAR_NOT_APPLIED = "unclear, not applied"
    REFUSED = "refused"
    NOT_SENT = "not sent"
    UNSENT = "unsent"


PHASES: Final = {
    Answer.ACCEPTED: (Phase.ACCEPTED, True),
    Answer.UNCLEAR_APPLIED: (Phase.UNCLEAR, True),
    Answer.UNCLEAR_NOT_APPLIED: (Phase.UNCLEAR, False),
    Answer.REFUSED: (Phase.REFUSED, False),
    Answer.NOT_SENT: (Phase.NOT_SENT, False),
    Answer.UNSENT: (Phase.UNSENT, False),
}
"""What the worker knows after each answer, and whether Gameball applied the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step, named so that it can be taken on a real ledger as well."""

    verb: Verb
    worker: int | None = None
    event: int | None = None
    answer: Answer | None = None

    def __str__(self) -> str:
        who = "" if self.worker is None else f"w{self.worker} "
        what = "" if self.event is None else f" e{self.event}"
        return f"{who}{self.verb}{what}{f': {self.answer}' if self.answer else ''}"


@cache
def step(
    verb: Verb, worker: int | None = None, event: int | None = None, answer: Answer | None = None
) -> Step:
    """Return the one Step of these values."""
    return Step(verb=verb, worker=worker, event=event, answer=answer)


def steps(world: World, scripts: Scripts) -> Iterator[tuple[Step, World]]:
    """Yield every step and the world after it; a calm step first, if there is one."""
    claimable = scripts.is_due(world)
    for worker, slot in enumerate(world.slots):
        if slot.ids:
            yield from _of_call(world, scripts, worker)
        elif claimable:
            claimable = False  # idle workers are alike: the first claims for all
            yield step(Verb.CLAIM, worker), scripts.claim(world, worker, Phase.CLAIMED)
            yield step(Verb.CLAIM_LOST, worker), scripts.claim(world, worker, Phase.LOST)
    if world.call:
        yield from _of_clock(world, scripts)
    yield from _of_operator(world, scripts)
    if len(world.events) < len(scripts.case.parks):
        yield step(Verb.ENQUEUE), scripts.enqueue(world)
    if world.saved:
        yield step(Verb.ROLL_BACK), _rolled_back(world, world.saved)
    elif world.budget.rollbacks:
        yield step(Verb.SAVE), _saved(world)


def _of_call(world: World, scripts: Scripts, worker: int) -> Iterator[tuple[Step, World]]:
    phase, budget = world.slots[worker].phase, world.budget
    if phase is Phase.LOST:
        yield step(Verb.CLAIM_AGAIN, worker), scripts.claim_again(world, worker)
        yield step(Verb.VOID, worker), scripts.void(world, worker)
    elif phase is Phase.CLAIMED:
        for answer in PHASES:
            yield step(Verb.POST, worker, None, answer), _posted(world, worker, answer)
    else:
        yield step(Verb.SETTLE, worker), scripts.settle(world, worker, reply_lost=False)
        if budget.lost:
            left = budget._replace(lost=budget.lost - 1)
            after = scripts.settle(world, worker, reply_lost=True)
            yield step(Verb.SETTLE_LOST, worker), after._replace(budget=left)
    # The death of a zombie without a success is left out: its settle would have changed nothing either.
    if budget.kills and (world.slots[worker].holds or phase is Phase.ACCEPTED):
        left = budget._replace(kills=budget.kills - 1)
        yield step(Verb.KILL, worker), world._replace(slots=seated(world, worker, IDLE), budget=left)


def _posted(world: World, worker: int, answer: Answer) -> World:
    phase, applied = PHASES[answer]
    slot, events = world.slots[worker], world.events
    if applied:
        events = tuple(
            event._replace(copies=event.copies + 1)
            if i in slot.ids and (event.state not in GONE or world.saved)
            else event
            for i, event in enumerate(events)
        )
    slots = seated(world, worker, slot._replace(phase=phase))
    return world._replace(events=events, slots=slots)


def _of_clock(world: World, scripts: Scripts) -> Iterator[tuple[Step, World]]:
    budget = world.budget
    if not any(slot.holds for slot in world.slots):  # its worker is dead, so it runs out for certain
        yield step(Verb.SWEEP), scripts.sweep(world)
    elif budget.late:
        left = budget._replace(late=budget.late - 1)
        yield step(Verb.SWEEP), scripts.sweep(world)._replace(budget=left)


def _saved(world: World) -> World:
    left = world.budget._replace(rollbacks=world.budget.rollbacks - 1)
    slots = tuple(
        [
            slot._replace(held=slot.holds, written=bool(slot.ids) and not slot.forgotten)
            for slot in world.slots
        ]
    )
    return world._replace(slots=slots, budget=left, saved=Moment(world.events, world.lane, world.call))


def _rolled_back(world: World, saved: Moment) -> World:
    """Take the ledger back; workers keep their calls, and Gameball what it has accepted."""
    events = [
        was._replace(copies=max(was.copies, now.copies))
        for was, now in zip(saved.events, world.events, strict=True)
    ]
    slots = [
        slot._replace(holds=slot.held, forgotten=not slot.written, held=False, written=False)
        if slot.ids
        else IDLE
        for slot in world.slots
    ]
    return World(tuple(events), saved.lane, saved.call, tuple(slots), world.budget, None, True)


def _of_operator(world: World, scripts: Scripts) -> Iterator[tuple[Step, World]]:
    budget = world.budget
    if not (budget.redrives or budget.discards or budget.expunges):
        return
    for i, event in enumerate(world.events):
        if budget.redrives and event.state in DEAD_LETTER:
            left = budget._replace(redrives=budget.redrives - 1)
            yield step(Verb.REDRIVE, None, i), scripts.redrive(world, i)._replace(budget=left)
        if budget.discards and (event.state in DEAD_LETTER or event.state is State.WAITING):
            left = budget._replace(discards=budget.discards - 1)
            yield step(Verb.DISCARD, None, i), scripts.discard(world, i)._replace(budget=left)
        if budget.expunges and (event.state in DEAD_LETTER or event.state in OPEN):
            left = budget._replace(expunges=budget.expunges - 1)
            yield step(Verb.EXPUNGE, None, i), scripts.expunge(world, i)._replace(budget=left)
