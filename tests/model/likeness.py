"""Likeness: where the real ledger and the model's world differ."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shipper.ledger.operations import ClaimedCall, SettledCall
from shipper.outcome import State
from tests.simulator.book import Book

from .world import GONE, OPEN, Event, World

LANE: Final = "L"


@dataclass(slots=True, kw_only=True)
class Hand:
    """What a worker holds: the token that it brought, the call it was answered, what it will settle."""

    token: str
    call: ClaimedCall | None = None
    settled: SettledCall | None = None


def differences(
    world: World,
    found: Book,
    *,
    ids: Sequence[str],
    hands: Mapping[int, Hand],
    claims: Mapping[str, int],
    jobs: Mapping[str, Collection[str]],
) -> Iterator[str]:
    """Yield what the ledger holds otherwise than the model.

    `ids` are the events' in the model's order; `claims` and `jobs` what was counted of each on the way.
    """
    lane = [ids[i] for i in world.lane]
    if found.lanes.get(LANE, []) != lane:
        yield f"the lane is {found.lanes.get(LANE)}, in the model {lane}"
    members = {LANE: [ids[i] for i in world.call]} if world.call else {}
    if {name: [*call.numbers] for name, call in found.calls.items()} != members:
        yield f"the calls are {found.calls}, in the model {members}"
    if (LANE in found.due) != bool(lane and not members):
        yield f"due is {found.due}, in the model the lane is {lane} and the calls are {members}"
    for worker, slot in enumerate(world.slots):
        holds = members and worker in hands and hands[worker].token == found.calls[LANE].token
        if bool(holds) != slot.holds:
            yield f"w{worker} holds the lane: {bool(holds)}, in the model {slot.holds}"
        hand = hands.get(worker)
        has = [event.event_id for event in hand.call.events] if hand and hand.call else None
        if has is not None and has != [ids[i] for i in slot.ids]:
            yield f"w{worker} has {has}, in the model {slot.ids}"
    for event_id, event in zip(ids, world.events, strict=True):
        written = jobs.get(event_id, ())
        yield from _of_event(event_id, event, found, claims=claims.get(event_id, 0), jobs=len(written))


def _of_event(event_id: str, event: Event, found: Book, *, claims: int, jobs: int) -> Iterator[str]:
    tried = found.numbers(event_id)
    seen: dict[str, object] = {"state": found.state_of(event_id), "causes": found.causes_of(event_id)}
    said: dict[str, object] = {"state": event.state, "causes": event.causes}
    if event.state is State.EXPUNGED:
        seen |= {"jobs": [job for job in found.jobs if job.startswith(event_id)]}
        said |= {"jobs": []}
    else:
        seen |= {"jobs": jobs}
        said |= {"jobs": event.jobs}
    if event.state not in GONE and event.state is not State.DELIVERED:
        seen |= {"life": tried.life, "solo": tried.solo}
        said |= {"life": event.life, "solo": event.solo}
    if event.state in OPEN:
        seen |= {"charged": tried.charged, "crashes": tried.crashes}
        said |= {"charged": event.charged, "crashes": event.crashes}
    if event.state is State.DELIVERED:
        seen |= {"attempts": found.fates[event_id].attempts}
        said |= {"attempts": claims}
    if seen != said:
        yield f"{event_id} is {seen}, in the model {said}"
