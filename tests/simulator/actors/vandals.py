"""Vandals: whoever writes keys of the ledger by hand or restarts its Redis; and the operator who mends."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

from shipper.ledger import operations
from shipper.ledger.keys import key_of, lane_key_of
from tests.simulator import rules
from tests.simulator.actors.producers import LANES
from tests.simulator.book import dump
from tests.simulator.rewind import note_all, rewind
from tests.simulator.world import Saved, World


def forge_bell(world: World) -> None:
    """Ring the bell without cause, steal it, or put something of another type in its place."""
    bell = key_of(world.ledger.account, "bell")
    match world.random.choice(("steal", "ring", "break")):
        case "steal":
            world.ledger.ask("DEL", bell)
            world.book.bell = 0
        case "ring":
            world.ledger.ask("DEL", bell)
            world.ledger.ask("LPUSH", bell, "1")
            world.book.bell = 1
        case _:
            world.ledger.ask("SET", bell, "boom")
            world.book.bell = -1


def restart(world: World) -> None:
    """Let Redis look like another process at the next sweep, with all that it had."""
    if world.chance(0.3):
        world.ledger.ask("HSET", key_of(world.ledger.account, "meta"), "run_id", "0")
        world.book.restarted = True


def save(world: World) -> None:
    """Note a moment to which the ledger may be rolled back."""
    world.saved = Saved(
        keys=note_all(world.ledger),
        book=deepcopy(world.book),
        ghosts=deepcopy(world.ghosts),
        idempotency=dict(world.keys),
        told=set(world.told),
    )


def roll_back(world: World) -> None:
    """Lose all that the ledger has acknowledged since the moment noted; workers and Gameball know better."""
    saved, world.saved = world.saved, None
    if saved is None:
        return
    rewind(world.ledger, saved.keys)
    world.book, world.keys, world.told = saved.book, saved.idempotency, saved.told
    world.found = world.ledger.run(dump())
    for event_id, ghost in world.ghosts.items():
        before = saved.ghosts.get(event_id)
        ghost.gone = before is None or before.gone
        if before is not None:
            world.ghosts[event_id] = replace(before, copies=ghost.copies, excused=True)
    _disown(world)
    world.seen["rolled back"] += 1


def _disown(world: World) -> None:
    """Let no call or hook under way be one that the ledger is known to know."""
    for post in world.posts:
        post.lease_end = post.asked_at = 0
    for telling in world.tellings:
        telling.lease_end, telling.let_go = 0, True
    world.arrivals.clear()
    world.given_back.clear()
    world.void += [token for tokens, _ in world.lost for token in tokens]
    world.lost.clear()


def spoil(world: World) -> None:
    """Overwrite a lane's list with something of another type."""
    lane = world.random.choice(LANES)
    world.ledger.ask("SET", lane_key_of(world.ledger.account, lane), "boom")
    world.book.lanes[lane] = None
    world.seen["lane spoilt"] += 1


def mend(world: World) -> None:
    """Mend a quarantined lane as `audit.mend_all` does, once nobody holds it."""
    lanes = {lane for lane, ids in world.found.lanes.items() if ids is None}
    for lane in sorted(lanes | world.found.broken):
        ids = [event_id for event_id in world.book.records if world.book.head(event_id).lane == lane]
        ids.sort(key=lambda event_id: (world.book.head(event_id).accepted_at, event_id))
        done = world.ask(operations.mend, rules.mend, lane, ids, now=world.now)
        world.seen[f"mend {done.word}"] += 1
