"""Tellers: workers that run completion hooks, or die on the way."""

from __future__ import annotations

from typing import Literal

from shipper.ledger import operations
from tests.simulator import rules
from tests.simulator.mix import SETTINGS
from tests.simulator.world import Telling, World


def hook_claim(world: World, *, sound: bool = False) -> None:
    """Take a few jobs."""
    token = f"h{world.number()}"
    most = 20 if sound else world.random.randint(1, 3)
    jobs = world.ask(operations.hook_claim, rules.hook_claim, token, SETTINGS, most=most, now=world.now)
    for job in jobs or ():
        assert job.job not in world.told, f"9: {job.job} is to be told, and it was"
        others = [t for t in world.tellings if t.job.job == job.job and not t.let_go]
        alone = all(other.lease_end <= world.now for other in others)
        assert alone, f"9: {job.job} is told by two workers at a time"
        lease_end = world.now + 2 * SETTINGS.hook_timeout_ms
        world.tellings.append(Telling(job=job, token=token, lease_end=lease_end))


def hook_tell(world: World, *, sound: bool = False) -> None:
    """Come to the end of one job: told, to be tried again, given up, or dead in the midst of it."""
    if not world.tellings:
        return
    telling = world.tellings.pop(world.random.randrange(len(world.tellings)))
    kind = 0.5 if sound else world.random.random()
    if kind < 0.1:
        world.seen["hook crashed"] += 1
        return
    job, token = telling.job.job, telling.token
    if kind < 0.7:
        word = world.ask(operations.hook_settle, rules.hook_settle, job, token, "told", now=world.now)
        if word == "ok":
            world.told.add(job)
    elif kind < 0.85:
        delay = world.random.randint(1, 5000)
        word = world.ask(
            operations.hook_settle, rules.hook_settle, job, token, "again", delay_ms=delay, now=world.now
        )
    else:
        word = world.ask(
            operations.hook_settle, rules.hook_settle, job, token, "failed", error="boom", now=world.now
        )
    world.seen[f"hook {word}"] += 1
    if world.chance(0.1) and not sound:
        telling.let_go = True
        world.tellings.append(telling)  # the answer was lost: it settles again


def hook_redo(world: World, *, sound: bool = False) -> None:
    """Let an operator try given-up hooks again, or forget them."""
    jobs = sorted(world.found.failed if sound else world.found.jobs)
    some = jobs if sound else world.random.sample(jobs, min(2, len(jobs)))
    if some:
        word: Literal["retry", "discard"] = "retry" if sound or world.chance(0.7) else "discard"
        for answer in world.ask(operations.hook_redo, rules.hook_redo, word, some, now=world.now):
            world.seen[f"hook redo {answer}"] += 1
