"""Sample: traces that between them show every kind of step that a complete search has taken."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from shipper.ledger.ledger import Ledger
from shipper.outcome import State

from .replay import Replay
from .scripts import Scripts
from .search import Search, search
from .steps import Answer, Step, Verb, steps
from .world import Phase, World, canonical


class Change(NamedTuple):
    """What a step made of one event."""

    was: State | None
    became: State
    park: bool
    solo: bool
    in_company: bool


class Kind(NamedTuple):
    """What is particular about a step: two steps of one kind take the same ways through a script."""

    verb: Verb
    answer: Answer | None
    phase: Phase | None
    """How far its worker was."""
    holds: bool
    leased: bool
    changes: frozenset[Change]


class Edge(NamedTuple):
    """A step between two worlds, whatever number its worker has."""

    before: World
    verb: Verb
    event: int | None
    answer: Answer | None
    after: World


def kind_of(before: World, step: Step, after: World) -> Kind:
    """Return the kind of a step from one world to the next."""
    slot = None if step.worker is None else before.slots[step.worker]
    concerned = set(before.call) | set(slot.ids if slot else ()) | {step.event}
    if step.verb is Verb.ROLL_BACK:
        concerned = set(range(len(after.events)))
    changes = set()
    for i, new in enumerate(after.events):
        old = before.events[i] if i < len(before.events) else None
        if old != new or i in concerned:
            company = bool(slot and i in slot.ids and len(slot.ids) > 1)
            changes.add(Change(old and old.state, new.state, new.park, bool(old and old.solo), company))
    return Kind(
        step.verb,
        step.answer,
        slot and slot.phase,
        bool(slot and slot.holds),
        bool(before.call),
        frozenset(changes),
    )


def kinds_of(found: Search) -> dict[Kind, list[tuple[World, Step]]]:
    """Return every edge of a complete search by its kind."""
    kinds: defaultdict[Kind, list[tuple[World, Step]]] = defaultdict(list)
    for world, step, after in _edges(found):
        kinds[kind_of(world, step, after)].append((world, step))
    return kinds


def replay_kinds(ledger: Ledger, scripts: Scripts, *, each: int, seed: int) -> Counter[Kind]:
    """Search a case, then replay traces until every kind of step was taken `each` times; count them.

    Where fewer edges of a kind are in the whole case, all of them are taken.
    """
    random = Random(seed)  # noqa: S311 - it must replay
    found = search(scripts)
    kinds = kinds_of(found)
    chosen = [
        (kind, edge) for kind, all_ in kinds.items() for edge in random.sample(all_, min(each, len(all_)))
    ]
    traces = sorted(((kind, found.trace(*edge)) for kind, edge in chosen), key=lambda it: -len(it[1]))
    taken: Counter[Kind] = Counter()
    for kind, trace in traces:
        if taken[kind] < each:
            taken += replay(ledger, scripts, trace)
    missing = kinds.keys() - taken.keys()
    assert not missing, f"never replayed: {missing}"
    return taken


def replay_all(ledger: Ledger, scripts: Scripts) -> Counter[Kind]:
    """Search a case, then replay every edge of it at least once; count the steps by kind."""
    found = search(scripts)
    left = {_edge(scripts, *edge) for edge in _edges(found)}
    taken: Counter[Kind] = Counter()
    for world in reversed(found.reached):  # the longest ways first: they lead over many edges
        for step, after in steps(world, scripts):
            if _edge(scripts, world, step, after) in left:
                taken += replay(ledger, scripts, found.trace(world, step), onward=left)
    assert not left, f"{len(left)} edges were never replayed"
    return taken


def replay(
    ledger: Ledger, scripts: Scripts, trace: list[Step], *, onward: set[Edge] | None = None
) -> Counter[Kind]:
    """Replay one trace, then go on over edges of `onward`, which loses all that were taken; count by kind."""
    taken: Counter[Kind] = Counter()
    played = Replay(ledger=ledger, scripts=scripts)
    left = set() if onward is None else onward
    way = iter(trace)
    while step := next(way, None) or _one_of(left, scripts, played.world):
        before = played.world
        played.take(step)
        taken[kind_of(before, step, played.world)] += 1
        left.discard(_edge(scripts, before, step, played.world))
    return taken


def _edges(found: Search) -> Iterator[tuple[World, Step, World]]:
    for world in found.reached:
        for step, after in steps(world, found.scripts):
            yield world, step, after


def _edge(scripts: Scripts, before: World, step: Step, after: World) -> Edge:
    spare = scripts.case.spare_causes
    return Edge(canonical(before, spare), step.verb, step.event, step.answer, canonical(after, spare))


def _one_of(left: set[Edge], scripts: Scripts, world: World) -> Step | None:
    for step, after in steps(world, scripts):
        if _edge(scripts, world, step, after) in left:
            return step
    return None
