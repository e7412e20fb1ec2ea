"""Producers: apps that enqueue, sometimes not for the first time."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shipper.envelope import Envelope
from shipper.event_id import ALPHABET
from shipper.ledger import operations
from shipper.settings import HOUR_MS
from tests.simulator import rules
from tests.simulator.mix import SETTINGS
from tests.simulator.promises import Ghost
from tests.simulator.world import World

LANES: Final = "ABC"
SIZES: Final = (10, 10, 150)


def enqueue(world: World) -> None:
    """Enqueue one event or a few; sometimes the answer does not arrive."""
    lane = world.random.choice(LANES)
    batch = [_envelope(world, lane) for _ in range(world.random.choice((1, 1, 1, 2, 3)))]
    atomic = world.chance(0.2)
    admissions = world.ask(operations.enqueue, rules.enqueue, batch, SETTINGS, atomic=atomic, now=world.now)
    words = {admission.word for admission in admissions}
    assert not atomic or "ok" not in words or words <= {"ok", "dup"}, f"atomic, yet the answers are {words}"
    for envelope, admission in zip(batch, admissions, strict=True):
        world.seen[f"enqueue {admission.word}"] += 1
        if admission.word == "ok":
            _accepted(world, envelope)
        elif admission.word in ("dup", "conflict"):
            known = world.ghosts.keys() | {other.event_id for other in batch}
            assert admission.event_id in known, f"{admission} names an event that was never accepted"
        if world.chance(0.1):
            world.unheard.append(replace(envelope, explicit=True))
    if "ok" in words:
        n = world.found.counters
        assert n["waiting"] + n["in_flight"] <= SETTINGS.backlog_max, f"more than the backlog takes: {n}"
        assert n["bytes"] <= SETTINGS.backlog_bytes, f"more bytes than the backlog takes: {n}"
    if world.chance(0.2):
        told = world.ask(operations.peek, rules.peek, batch[0], now=world.now)
        accepted = admissions[0].word in ("ok", "dup", "conflict")
        assert told or not accepted, f"after {admissions[0]} peek knows nothing"


def _accepted(world: World, envelope: Envelope) -> None:
    """Hold the ledger to its word that an id, and a key within its retention, is accepted once."""
    lost = world.ghosts.get(envelope.event_id)
    assert lost is None or lost.gone, f"{envelope.event_id} was accepted twice"
    former = world.ghosts.get(world.keys.get(envelope.key_hash, ""))
    if envelope.key_hash and former:
        ended_at = former.ended_at
        over = ended_at is not None and ended_at + SETTINGS.idempotency_retention_ms <= world.now
        assert over, f"key {envelope.key_hash} was accepted twice"
    world.keys[envelope.key_hash] = envelope.event_id
    park = envelope.tail_header.split(b"|")[2].startswith(b"p")
    copies = lost.copies if lost else 0
    world.ghosts[envelope.event_id] = Ghost(park=park, copies=copies, excused=bool(lost))


def _envelope(world: World, lane: str) -> Envelope:
    if world.unheard and world.chance(0.5):
        return world.unheard.pop(world.random.randrange(len(world.unheard)))
    earlier = world.random.choice(world.enqueued[-20:]) if world.enqueued else None
    fresh = _fresh(world, lane)
    kind = world.random.random()
    if earlier and kind < 0.08:  # the same once more, as a new event: its key tells
        fresh = replace(earlier, event_id=fresh.event_id, explicit=False)
    elif earlier and kind < 0.16:  # an id of the app's own that is taken, for this or for other content
        fresh = replace(earlier if world.chance(0.5) else fresh, event_id=earlier.event_id, explicit=True)
        if world.mix.second_keys and not fresh.key_hash:
            fresh = replace(fresh, key_hash=f"k{world.number() % 31}")
    elif kind < 0.22:
        born = world.now + world.random.choice((-7 * HOUR_MS, -HOUR_MS, 0, 200_000, HOUR_MS))
        fresh = replace(fresh, event_id=event_id(born, world.number()), explicit=True)
    world.enqueued.append(fresh)
    return fresh


def _fresh(world: World, lane: str) -> Envelope:
    random = world.random
    number = world.number()
    names = random.choice(("x", "y", "z", "u,v"))
    flags = random.choice("rrrrp") + random.choice(("", "", "", "", "", "s"))
    hook = random.choice(("told", "told", "told", ""))
    body = f"B{number}".ljust(random.choice(SIZES), ".")
    return Envelope(
        event_id=event_id(world.now, number),
        explicit=False,
        account=world.ledger.account,
        lane=lane if world.chance(0.5) else random.choice(LANES),
        key_hash=random.choice(("", "", f"k{random.randint(0, 30)}")),
        fingerprint=f"f{number}",
        tail_header=f"{names}|{random.choice('1112')}|{flags}|{hook}|3".encode(),
        body=body.encode(),
    )


def event_id(born_at: int, number: int) -> str:
    """Return an id like those of `shipper.event_id`, but for its random bits."""
    value = born_at << 80 | number
    return "".join(ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))
