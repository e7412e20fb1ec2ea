"""Simulation: one seed from an empty ledger to rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Final

from shipper.errors import ShipperError
from shipper.ledger.audit import audit
from shipper.ledger.ledger import Ledger
from shipper.outcome import State
from shipper.settings import HOUR_MS
from tests.simulator.actors import editors, jobs, operators, producers, pumps, tellers, vandals
from tests.simulator.mix import Mix, Step
from tests.simulator.rules.gate import FOR_EVER
from tests.simulator.world import World

LOG_LINES: Final = 60
SWEEP_GAP_MS: Final = 8000
"""Less than what the ledger takes for an outage."""
PATIENCE: Final = 500
"""Rounds after which an account that does not come to rest never will."""


def run(ledger: Ledger, mix: Mix, seed: int, *, by_rules: bool = True) -> Counter[str]:
    """Empty the server, then simulate one seed; return what happened how often.

    Raise AssertionError for a broken promise and ShipperError for a script that fails, with the seed and the
    last steps as notes.
    """
    ledger.ask("FLUSHALL")
    random = Random(f"{mix.name} {seed}")  # noqa: S311 - it must replay
    world = World(ledger=ledger, mix=mix, random=random, by_rules=by_rules)
    try:
        for _ in range(mix.steps):
            _take_step(world)
        _come_to_rest(world)
        _tell_all(world)
        _forget_all(world)
    except (AssertionError, ShipperError) as error:
        error.add_note(f"SIM_SEED={mix.name}:{seed}\n" + "\n".join(world.log[-LOG_LINES:]))
        raise
    return world.seen


def _take_step(world: World) -> None:
    weights = world.mix.weights
    step = world.random.choices(list(weights), list(weights.values()))[0]
    STEPS[step](world)


def _tick(world: World) -> None:
    world.now += world.random.choice((1, 20, 100, 100, 400))


def _long(world: World) -> None:
    """Let a while pass, in which the sweeps go on, or else the ledger itself was away."""
    until = world.now + world.random.choice((2000, 9000, 15_000, 31_000))
    away = world.chance(0.3)
    while world.now + SWEEP_GAP_MS < until and not away:
        world.now += SWEEP_GAP_MS
        pumps.sweep(world)
    world.now = until


def _hours(world: World) -> None:
    world.now += world.random.choice((1, 6, 7, 80, 170)) * HOUR_MS


def _back(world: World) -> None:
    """Set the ledger's clock back; workers measure their own times, and Gameball its windows."""
    by = world.random.choice((500, 5000, 600_000))
    world.now -= by
    for telling in world.tellings:
        telling.lease_end -= by
    for post in world.posts:
        post.lease_end -= by
        post.asked_at = 0  # too late for the windows, of which the ledger now forgets the latest claims
    world.lost = [(tokens, 0) for tokens, _ in world.lost]
    world.arrivals.clear()
    world.given_back.clear()


STEPS: Final[dict[Step, Callable[[World], object]]] = {
    Step.ENQUEUE: producers.enqueue,
    Step.CLAIM: pumps.claim,
    Step.CLAIM_AGAIN: pumps.claim_again,
    Step.CLAIM_LATE: pumps.claim_late,
    Step.ADVANCE: pumps.advance,
    Step.SETTLE: pumps.settle,
    Step.CRASH: pumps.crash,
    Step.RETIRE: pumps.retire,
    Step.SWEEP: pumps.sweep,
    Step.FORGET: pumps.forget,
    Step.REDRIVE: operators.redrive,
    Step.DISCARD: operators.discard,
    Step.EXPUNGE: operators.expunge,
    Step.PAUSE: operators.pause,
    Step.RESUME: operators.resume,
    Step.JOB_START: jobs.start,
    Step.JOB_READ: jobs.read,
    Step.JOB_STEP: jobs.step,
    Step.JOB_TURN: jobs.turn,
    Step.READ_LETTER: editors.read,
    Step.EDIT: editors.edit,
    Step.RESTORE: editors.restore,
    Step.LOOK: operators.look,
    Step.HOOK_CLAIM: tellers.hook_claim,
    Step.HOOK_TELL: tellers.hook_tell,
    Step.HOOK_REDO: tellers.hook_redo,
    Step.TICK: _tick,
    Step.LONG: _long,
    Step.HOURS: _hours,
    Step.BACK: _back,
    Step.RESTART: vandals.restart,
    Step.BELL: vandals.forge_bell,
    Step.SAVE: vandals.save,
    Step.ROLL_BACK: vandals.roll_back,
    Step.SPOIL: vandals.spoil,
    Step.MEND: vandals.mend,
}


def _come_to_rest(world: World) -> None:
    """Let everything go well from now on: every event must end."""
    operators.resume(world)
    for turn in range(PATIENCE):
        if not world.posts and not world.found.lease and not _unended(world):
            break
        pumps.sweep(world, sound=True)
        if turn % 5 == 0:
            pumps.forget(world, sound=True)
        vandals.mend(world)
        claimed = pumps.claim(world, sound=True)
        if claimed.word == "paused" and claimed.at == FOR_EVER:
            operators.resume(world)
        while any(post.settled is None for post in world.posts):
            pumps.advance(world, sound=True)
        while world.posts:
            pumps.settle(world, sound=True)
        moments = [*world.found.due.values(), *world.found.lease.values(), claimed.at or world.now]
        world.now += min(max(50, max(moments) - world.now), SWEEP_GAP_MS)
    vandals.mend(world)
    assert not _unended(world), f"11: the account does not come to rest: {_unended(world)}"
    left = (world.found.due, world.found.lease, world.found.calls)
    assert not any(left), f"at rest, yet {left}"


def _unended(world: World) -> dict[str, int]:
    counters = world.found.counters
    return {state: counters[state] for state in (State.WAITING, State.IN_FLIGHT) if counters[state]}


def _tell_all(world: World) -> None:
    """Let every hook be told; then nothing is left to tell."""
    for _ in range(PATIENCE):
        if not world.found.jobs and not world.tellings:
            break
        tellers.hook_redo(world, sound=True)
        world.now += 20_000
        tellers.hook_claim(world, sound=True)
        while world.tellings:
            tellers.hook_tell(world, sound=True)
    assert not world.found.jobs, f"9: never told: {set(world.found.jobs)}"


def _forget_all(world: World) -> None:
    """Let every retention end; only dead letters stay, and the ledger adds up."""
    world.now += 200 * HOUR_MS
    pumps.forget(world, sound=True)
    letters = world.found.dead.keys() | world.found.unclear.keys()
    assert not world.found.fates, f"not forgotten: {set(world.found.fates)}"
    assert world.found.records.keys() == letters, "records without a dead letter"
    findings = audit(world.ledger).findings
    assert not findings, f"the audit finds {findings}"
