"""Jobs: redrives that several workers carry on at once, and whoever starts, pauses and cancels them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shipper.ledger import operations
from shipper.ledger.deed import Deed
from shipper.ledger.jobs import job_of, next_of, write_filter
from shipper.ledger.letters import Filter
from shipper.ledger.operations.job import Turn
from tests.simulator import rules
from tests.simulator.world import Errand, World

DEED: Final = Deed(by="ops", did="redrive", name="D")
SET_BACK_MS: Final = 20_000
"""What a clock may be set back by, right after a job has begun: what dies again then is found again."""
TURNS: Final[tuple[Turn, ...]] = ("pause", "resume", "resume", "cancel")


def start(world: World) -> None:
    """Begin a job for all letters, or all that are not unclear."""
    letters = world.found.dead.keys() | world.found.unclear.keys()
    if len(letters) < 2 and world.chance(0.9):
        return
    name = f"J{world.number():06}"
    wanted = Filter(unclear=world.random.choice((None, None, False)))
    until = world.now + world.random.choice((1, SET_BACK_MS))
    world.ask(
        operations.job_start,
        rules.job_start,
        name,
        filter_text=write_filter(replace(wanted, until=until)),
        total=0,
        rate=world.random.choice((1, 2, 10)),
        may_duplicate=world.chance(0.6),
        moment=until,
        sends=DEED,
        now=world.now,
    )
    world.jobs.append(name)


def read(world: World) -> None:
    """Let a worker read where a job is, and what comes next; it may step it much later."""
    if not world.jobs:
        return
    begun = [name for name in world.jobs if name not in world.jobs_over]
    name = world.random.choice(begun if begun and world.chance(0.95) else world.jobs)
    state = job_of(world.ledger, name)
    assert state is not None
    found, ends = next_of(world.ledger, state)
    world.errands.append(Errand(job=name, cursor=state.cursor, found=found, nothing_more=ends))


def step(world: World) -> None:
    """Let a worker carry a job on with what it read."""
    if not world.errands:
        return
    errand = world.errands.pop(world.random.randrange(len(world.errands)))
    ids = [event_id for _, event_id in errand.found]
    lives = {event_id: world.found.numbers(event_id).life for event_id in ids}
    word, count = world.ask(
        operations.job_step,
        rules.job_step,
        errand.job,
        errand.cursor,
        errand.found,
        nothing_more=errand.nothing_more,
        most_open=2,
        looks=2,
        most_calls=12,
        now=world.now,
    )
    sent = [event_id for event_id in ids if world.found.numbers(event_id).life > lives[event_id]]
    assert len(sent) == count, f"{errand.job} told of {count}, and sent {sent}"
    for event_id in sent:
        assert (errand.job, event_id) not in world.job_sent, f"{errand.job} sent {event_id} twice"
        world.job_sent.add((errand.job, event_id))
        world.ghosts[event_id].redrives += 1
    if word in {"done", "cancelled"}:
        world.jobs_over.add(errand.job)
    world.seen[f"job {word}"] += 1
    world.seen[f"job {word} behind an ended hold"] += bool(world.found.gate)
    world.seen["job sent"] += count


def turn(world: World) -> None:
    """Let a person pause, resume or cancel a job."""
    if world.jobs:
        name = world.random.choice(world.jobs[-3:])
        word = world.random.choice(TURNS)
        _, state = world.ask(operations.job_turn, rules.job_turn, name, word, now=world.now)
        world.seen[f"job turned {state}"] += 1
