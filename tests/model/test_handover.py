"""Whatever becomes of bells, messages and pumps: never more pumps than wanted, and never none for ever."""

from __future__ import annotations

import pytest

from .handover import NEVER, TOO_MANY, Handover, Move, Plan, Town, search_handover


class SweepsStartAnew(Handover):
    """A sweep does not count the tickets that are out."""

    def wanted(self, town: Town) -> int:
        return min(town.due, self.plan.crew) if len(town.tickets) <= self.plan.crew else 0


class BellAlone(Handover):
    """A Dispatcher looks only when the bell rings."""

    def looks(self, town: Town) -> bool:
        return False


class TicketsStay(Handover):
    """A ticket that nobody uses never runs out."""

    def runs_out(self, town: Town, ticket: int) -> bool:
        return False


class AnyTicket(Handover):
    """A pump is let in with any ticket."""

    def may_claim(self, town: Town, ticket: int) -> bool:
        return True


PLANS = {
    "one pump, every misfortune": (Plan(), 8_536, 40_706),
    "two pumps of two Dispatchers": (Plan(crew=2, forgeries=0), 13_935, 71_685),
    "messages that come twice": (Plan(repeats=1, bells=0, forgeries=0, slow=0), 999, 3_611),
}


@pytest.mark.parametrize(("plan", "towns", "steps"), PLANS.values(), ids=PLANS)
def test_what_is_due_finds_its_pumps_and_no_more(plan: Plan, towns: int, steps: int) -> None:
    found = search_handover(Handover(plan))

    assert found.wrong == {}
    assert (len(found.reached), found.moves) == (towns, steps)


BROKEN = {
    SweepsStartAnew: (
        TOO_MANY,
        [Move.ENQUEUE, Move.POP, Move.SWEEP, Move.PUBLISH, Move.PUBLISH, Move.START, Move.START],
    ),
    BellAlone: (NEVER, [Move.ENQUEUE, Move.BELL_LOST]),
    TicketsStay: (NEVER, [Move.ENQUEUE, Move.POP, Move.PUBLISH_LOST]),
    AnyTicket: (
        TOO_MANY,
        [Move.ENQUEUE, Move.POP, Move.PUBLISH, Move.START, Move.FORGE, Move.START],
    ),
}


@pytest.mark.parametrize(("rules", "caught"), BROKEN.items(), ids=[rules.__name__ for rules in BROKEN])
def test_a_broken_handover_is_caught_by_the_shortest_way(
    rules: type[Handover], caught: tuple[str, list[Move]]
) -> None:
    what, way = caught

    found = search_handover(rules(Plan()), until=what)

    assert found.wrong[what] == way


def test_a_repeated_message_lets_one_pump_more_in_until_its_ticket_is_given_back() -> None:
    plan = Plan(repeats=1, enqueues=2, bells=0, losses=0, forgeries=0, deaths=0, slow=0)
    rules = Handover(plan)

    found = search_handover(rules)

    crowd = max(sum(rules.may_claim(town, t) for t in town.pumps) for town in found.reached)
    assert crowd == plan.crew + 1
