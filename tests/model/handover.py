"""Handover: how a lane that is due finds a pump, whatever becomes of bells, messages, pumps and Dispatchers.

A model of its own, for here it matters how many pumps there are and whether there will ever be one. A ticket
is reserved by a sweep, travels in a message of Celery's, is kept alive by its pump's claims, and runs out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

FORGED: Final = -1
"""The ticket in a message that nobody of ours has sent."""


class Move(StrEnum):
    """What happens."""

    ENQUEUE = "enqueue"
    POP = "pop the bell"
    BELL_LOST = "lose the bell"
    """It is stolen, or popped by a Dispatcher that dies of it."""
    SWEEP = "sweep"
    PUBLISH = "publish"
    PUBLISH_LOST = "lose the message"
    """The Dispatcher dies before it has published, or the broker loses what it took."""
    START = "start a pump"
    REPEAT = "repeat a message"
    FORGE = "forge a message"
    CLAIM = "claim"
    FINISH = "finish"
    """The pump finds nothing due, or its time is up: it gives its ticket back."""
    DIE = "die"
    RUN_OUT = "run out"
    """A ticket's time is over: its message was slow, or its pump is dead or too slow."""


CALM: Final = (Move.CLAIM, Move.START, Move.PUBLISH, Move.FINISH, Move.POP, Move.SWEEP, Move.RUN_OUT)
"""What happens without misfortune, that first which brings on the work."""


class Town(NamedTuple):
    """One moment. Tickets are numbers; lists are sorted, for nobody cares who is who."""

    due: int = 0
    """Lanes that wait for a pump."""
    bell: bool = False
    tickets: tuple[int, ...] = ()
    """Reserved or kept alive."""
    reserved: tuple[int, ...] = ()
    """In the hands of a Dispatcher that has swept and not published yet."""
    messages: tuple[int, ...] = ()
    pumps: tuple[int, ...] = ()
    """The ticket of each pump that runs."""
    left: tuple[int, ...] = ()
    """How often each misfortune and each enqueue may still happen, by `BUDGETED`."""


BUDGETED: Final = (
    Move.ENQUEUE,
    Move.BELL_LOST,
    Move.PUBLISH_LOST,
    Move.REPEAT,
    Move.FORGE,
    Move.DIE,
    Move.RUN_OUT,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one search is about."""

    crew: int = 1
    """Most pumps that the workers want together."""
    enqueues: int = 2
    bells: int = 1
    losses: int = 1
    repeats: int = 0
    forgeries: int = 1
    deaths: int = 1
    slow: int = 1
    """Tickets that run out although their message or pump is well."""

    def first(self) -> Town:
        """Return the moment at which nothing has happened yet."""
        left = (self.enqueues, self.bells, self.losses, self.repeats, self.forgeries, self.deaths, self.slow)
        return Town(left=left)


class Handover:
    """The rules of `sweep.lua`, `claim.lua`, `retire.lua` and the Dispatcher; a broken one overrides one."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def wanted(self, town: Town) -> int:
        """Return how many tickets a sweep adds."""
        return max(0, min(town.due, self.plan.crew) - len(town.tickets))

    def looks(self, town: Town) -> bool:
        """Tell whether a Dispatcher looks at this moment: it does once a second, bell or not."""
        return True

    def may_claim(self, town: Town, ticket: int) -> bool:
        """Tell whether a pump with this ticket is let in."""
        return ticket in town.tickets

    def runs_out(self, town: Town, ticket: int) -> bool:
        """Tell whether time ends a ticket that nobody keeps alive."""
        return True

    def retired(self, town: Town, ticket: int) -> tuple[int, ...]:
        """Return the tickets that are left when a pump has ended."""
        return _without(town.tickets, ticket)


def moves(town: Town, rules: Handover) -> Iterator[tuple[Move, Town]]:
    """Yield everything that may happen, and the moment after it."""
    if _left(town, Move.ENQUEUE):
        yield Move.ENQUEUE, _spend(town, Move.ENQUEUE)._replace(due=town.due + 1, bell=True)
    if town.bell:
        yield Move.POP, _swept(town._replace(bell=False), rules)
        if _left(town, Move.BELL_LOST):
            yield Move.BELL_LOST, _spend(town, Move.BELL_LOST)._replace(bell=False)
    if rules.looks(town):
        yield Move.SWEEP, _swept(town, rules)
    yield from _of_messages(town, rules)
    yield from _of_pumps(town, rules)
    for ticket in sorted(set(town.tickets)):
        idle = ticket not in (*town.reserved, *town.messages, *town.pumps)
        if rules.runs_out(town, ticket) and (idle or _left(town, Move.RUN_OUT)):
            after = town if idle else _spend(town, Move.RUN_OUT)
            yield Move.RUN_OUT, after._replace(tickets=_without(town.tickets, ticket))


def _of_messages(town: Town, rules: Handover) -> Iterator[tuple[Move, Town]]:
    for ticket in sorted(set(town.reserved)):
        reserved = _without(town.reserved, ticket)
        sent = tuple(sorted((*town.messages, ticket)))
        yield Move.PUBLISH, town._replace(reserved=reserved, messages=sent)
        if _left(town, Move.PUBLISH_LOST):
            yield Move.PUBLISH_LOST, _spend(town, Move.PUBLISH_LOST)._replace(reserved=reserved)
    for ticket in sorted(set(town.messages)):
        started = tuple(sorted((*town.pumps, ticket)))
        yield Move.START, town._replace(messages=_without(town.messages, ticket), pumps=started)
        if ticket != FORGED and _left(town, Move.REPEAT):
            again = tuple(sorted((*town.messages, ticket)))
            yield Move.REPEAT, _spend(town, Move.REPEAT)._replace(messages=again)
    if _left(town, Move.FORGE):
        forged = tuple(sorted((*town.messages, FORGED)))
        yield Move.FORGE, _spend(town, Move.FORGE)._replace(messages=forged)


def _of_pumps(town: Town, rules: Handover) -> Iterator[tuple[Move, Town]]:
    for ticket in sorted(set(town.pumps)):
        gone = town._replace(pumps=_without(town.pumps, ticket))
        if not rules.may_claim(town, ticket):
            yield Move.FINISH, gone
            continue
        if town.due:
            yield Move.CLAIM, town._replace(due=town.due - 1)
        yield Move.FINISH, gone._replace(tickets=rules.retired(town, ticket), bell=town.bell or town.due > 0)
        if _left(town, Move.DIE):
            # Its call is swept when the lease is over: then the lane is due again.
            yield Move.DIE, _spend(gone, Move.DIE)._replace(due=min(town.due + 1, rules.plan.enqueues))


def _swept(town: Town, rules: Handover) -> Town:
    used = {*town.tickets, *town.messages, *town.pumps, *town.reserved}
    fresh = [number for number in range(len(used) + rules.plan.crew + 1) if number not in used]
    new = tuple(fresh[: rules.wanted(town)])
    tickets, reserved = tuple(sorted((*town.tickets, *new))), tuple(sorted((*town.reserved, *new)))
    return town._replace(tickets=tickets, reserved=reserved)


@dataclass(slots=True, kw_only=True)
class Found:
    """What a search of the handover has met: each moment, and what is wrong with the shortest way to it."""

    reached: dict[Town, tuple[Town, Move] | None] = field(default_factory=dict)
    moves: int = 0
    wrong: dict[str, list[Move]] = field(default_factory=dict)

    def note(self, what: str, town: Town) -> None:
        """Keep the first way to what is wrong."""
        if what not in self.wrong:
            way: list[Move] = []
            while edge := self.reached[town]:
                town, move = edge
                way.append(move)
            self.wrong[what] = way[::-1]


TOO_MANY: Final = "more pumps may claim than the crew wants"
NEVER: Final = "a lane is due, and without misfortune no pump ever comes"


def search_handover(rules: Handover, *, until: str = "") -> Found:
    """Visit every moment of the rules' plan, or stop as soon as `until` is found wrong."""
    found = Found()
    first = rules.plan.first()
    found.reached[first] = None
    towns = [first]
    restful: dict[Town, bool] = {}
    for town in towns:  # it grows while it is read
        for move, after in moves(town, rules):
            found.moves += 1
            if after not in found.reached:
                found.reached[after] = (town, move)
                towns.append(after)
        repeated = rules.plan.repeats - town.left[BUDGETED.index(Move.REPEAT)]
        claiming = sum(rules.may_claim(town, ticket) for ticket in town.pumps)
        if claiming > rules.plan.crew + repeated:
            found.note(TOO_MANY, town)
        calm = town._replace(left=tuple(0 for _ in town.left))  # no misfortune from now on
        if calm not in restful:
            restful[calm] = _comes_to_rest(calm, rules)
        if not restful[calm]:
            found.note(NEVER, town)
        if until in found.wrong:
            break
    return found


def _comes_to_rest(town: Town, rules: Handover) -> bool:
    """Let everything go well: is nothing due in the end?"""
    met: set[Town] = set()
    while town.due and town not in met:
        met.add(town)
        ahead = dict(reversed([*moves(town, rules)]))
        move = next((move for move in CALM if move in ahead and ahead[move] != town), None)
        if move is None:
            return False
        town = ahead[move]
    return not town.due


def _without(tickets: tuple[int, ...], ticket: int) -> tuple[int, ...]:
    found = list(tickets)
    if ticket in found:
        found.remove(ticket)
    return tuple(found)


def _left(town: Town, move: Move) -> int:
    return town.left[BUDGETED.index(move)]


def _spend(town: Town, move: Move) -> Town:
    place = BUDGETED.index(move)
    return town._replace(left=(*town.left[:place], town.left[place] - 1, *town.left[place + 1 :]))
