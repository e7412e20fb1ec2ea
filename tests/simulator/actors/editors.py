"""Editors: people who change letters that they read a while ago, and take in letters from elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shipper.ledger import operations
from shipper.ledger.record import read_record
from shipper.outcome import State
from tests.simulator import rules
from tests.simulator.actors.producers import event_id
from tests.simulator.promises import LETTERS, Ghost
from tests.simulator.world import World

NAMES: Final = ("x", "y", "z", "u,v", "w")


def read(world: World) -> None:
    """Read a letter, to do something with it later; every other one goes into a file."""
    _import_again(world)
    letters = sorted(world.book.dead.keys() | world.book.unclear.keys())
    if letters:
        (found,) = world.ledger.run(operations.stored([world.random.choice(letters)], now=world.now))
        assert found, "a dead letter is none"
        world.drafts.append(found)
        if len(world.drafts) % 2:
            world.ask(operations.give_out, rules.give_out, [found.event_id], now=world.now)


def _import_again(world: World) -> None:
    """Import a file whose letter was delivered in the meantime, and is forgotten."""
    old = [each for each in world.drafts if world.book.exported.get(each.event_id, 0) < 0]
    if old:
        (word,) = world.ask(operations.restore, rules.restore, old[-1:], now=world.now)
        assert word == "known", f"{old[-1].event_id} was delivered, and is taken in again"
        world.seen["kept out"] += 1


def edit(world: World) -> None:
    """Change a letter as it was read, whatever happened to it since, and send it again."""
    if not world.drafts:
        return
    letters = [each for each in world.drafts if world.book.state_of(each.event_id) in LETTERS]
    seen = world.random.choice(letters if letters and world.chance(0.9) else world.drafts)
    head = read_record(seen.record)
    assert head
    flags = ("p" if head.park else "r") + "s" * head.solo
    tail = f"{world.random.choice(NAMES)}|{head.signature}|{flags}|{head.hook}|3"
    body = f"E{world.number()}".ljust(world.random.choice((10, 80)), ".")
    word = world.ask(
        operations.edit,
        rules.edit,
        seen,
        tail_header=tail.encode(),
        body=body.encode(),
        may_duplicate=world.chance(0.8),
        line=b'{"by":"ops","outcome":"edited"}',
        now=world.now,
    )
    world.seen[f"edit {word}"] += 1
    if word == "ok":
        world.ghosts[seen.event_id].redrives += 1


def restore(world: World) -> None:
    """Take letters in: some as they were read here, some under an id that nobody knows."""
    if not world.drafts:
        return
    seen = world.random.choice(world.drafts[-4:])
    known = world.book.state_of(seen.event_id) is not None
    letters = [replace(seen, event_id=event_id(world.now, world.number()))]
    letters += [seen] if known else []
    words = world.ask(operations.restore, rules.restore, letters, now=world.now)
    for letter, word in zip(letters, words, strict=True):
        world.seen[f"restore {word}"] += 1
        if word == "ok":
            head = read_record(letter.record)
            assert head
            world.ghosts[letter.event_id] = Ghost(park=head.park)
            world.keys[head.key_hash] = letter.event_id
            assert world.book.state_of(letter.event_id) in LETTERS, f"{letter} is no letter"
            assert world.book.state_of(letter.event_id) is State(letter.state)
