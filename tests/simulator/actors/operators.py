"""Operators: people who redrive, discard, expunge, hold and look."""

from __future__ import annotations

from shipper.ledger import operations
from shipper.outcome import State
from tests.simulator import rules
from tests.simulator.world import World


def redrive(world: World) -> None:
    """Send a few events again, dead letters or not."""
    if not _letters(world) and world.chance(0.8):
        return
    ids = _some(world, 3)
    words = world.ask(
        operations.redrive,
        rules.redrive,
        ids,
        spread_ms=world.random.choice((0, 50)),
        after_ms=world.random.choice((0, 0, 100)),
        may_duplicate=world.chance(0.8),
        line=b'{"by":"ops"}',
        moment=_moment(world),
        now=world.now,
    )
    for event_id, word in zip(ids, words, strict=True):
        world.seen[f"redrive {word}"] += 1
        if word == "ok":
            world.ghosts[event_id].redrives += 1


def discard(world: World) -> None:
    """Forget a few events on purpose."""
    if world.chance(0.5):
        return
    ids = _some(world, 2)
    words = world.ask(
        operations.discard,
        rules.discard,
        ids,
        moment=_moment(world),
        waiting=world.random.choice((ids, ids, ())),
        now=world.now,
    )
    for word in words:
        world.seen[f"discard {word}"] += 1


def expunge(world: World) -> None:
    """Erase an event, which may be anywhere."""
    if world.chance(0.6):
        for word in world.ask(operations.expunge, rules.expunge, _some(world, 1), now=world.now):
            world.seen[f"expunge {word}"] += 1


def pause(world: World) -> None:
    """Hold the account, for a while or until it is resumed."""
    wait = world.random.choice((100, 300, 1000, None))
    until = None if wait is None else world.now + wait
    world.ask(operations.pause, rules.pause, until=until, now=world.now)


def resume(world: World) -> None:
    """Lift whatever holds the account."""
    why = world.ask(operations.resume, rules.resume, now=world.now)
    world.seen[f"resumed from {why}"] += 1


def look(world: World) -> None:
    """Show events and the status; what they tell is what the rules hold."""
    ids = _some(world, 5)
    all_shown = world.ledger.run(operations.show(ids, now=world.now))
    for event_id, shown in zip(ids, all_shown, strict=True):
        state = world.book.state_of(event_id)
        assert (shown and shown.state) == state, f"{event_id} is {state}, shown is {shown}"
        if shown and state not in (State.DELIVERED, State.DISCARDED, State.EXPUNGED):
            assert shown.record == world.book.head(event_id), f"another record is shown: {shown}"
            assert shown.tried == world.book.numbers(event_id), f"other numbers are shown: {shown}"
        if shown and state is State.WAITING:
            assert shown.due_at == world.book.due.get(shown.record.lane if shown.record else ""), f"{shown}"
    counters = world.ledger.run(operations.status(now=world.now)).counters
    assert {name: n for name, n in counters.items() if n} == world.book.counters, f"status tells {counters}"


def _moment(world: World) -> int | None:
    """Choose when the letters were chosen: now, a while ago, or whatever is a letter."""
    return world.random.choice((None, world.now + 1, world.now - 500))


def _some(world: World, most: int) -> list[str]:
    """Choose among all that was ever accepted, dead letters first."""
    letters, others = _letters(world), sorted(world.ghosts)
    if letters and world.chance(0.5):
        others = letters
    return world.random.sample(others, min(most, len(others)))


def _letters(world: World) -> list[str]:
    return sorted(world.book.dead.keys() | world.book.unclear.keys())
