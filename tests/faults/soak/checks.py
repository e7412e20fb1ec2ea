"""Checks of a soak once everything has healed: what only this history can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tests.faults.field import first
from tests.faults.history import Answer, doubled_parks
from tests.faults.soak.hooks import NOTED, settled, tellings, told_twice, untold
from tests.faults.soak.memory import ALWAYS_BYTES, ENDED_BYTES, Watch, growth
from tests.faults.soak.plumbing import touched_path
from tests.faults.soak.scene import Scene
from tests.faults.soak.shop import Shop

ENDS: Final = frozenset({"delivered", "unclear", "discarded", "expunged"})
"""How an acknowledged event may have ended when the dead were redriven to a Gameball that takes them."""


def wrongs(scene: Scene, shop: Shop) -> Iterator[str]:
    """Name everything that does not hold beyond what every campaign checks."""
    copies = scene.field.copies()
    ends = {reference: end.state for reference, end in scene.field.side.ends(shop.attempts).items()}
    ids = shop.ids
    confirmed = {ids[event_id] for event_id in scene.confirmed if event_id in ids}
    parked = [
        reference for reference, order in shop.orders.items() if order.park and reference not in confirmed
    ]
    yield from shop.wrongs
    yield from first(doubled_parks(parked, copies))
    yield from first(_not_ended(shop, ends))
    if scene.elsewhere.heads:
        yield f"{len(scene.elsewhere.heads)} calls followed a redirect to another host"
    if touched_path(scene).exists():
        yield "a forged message was unpickled"
    if "unclear" in {ends.get(r) for r, order in shop.orders.items() if not order.park}:
        yield "an event that is to be retried ended unclear"


def _not_ended(shop: Shop, ends: Mapping[str, str]) -> Iterator[str]:
    for each in shop.attempts:
        if each.answer is Answer.YES and ends.get(each.reference) not in ENDS:
            yield f"{each.reference} was accepted, and is {ends.get(each.reference, 'unknown')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HooksTold:
    """What came of the hooks."""

    told: int
    again: int
    """Tellings beyond one a life: each was cut off and begun anew."""
    wrongs: tuple[str, ...]


def look_at_hooks(scene: Scene, shop: Shop) -> HooksTold:
    """Compare what hooks noted with how events ended; only of hooks that behave is anything promised."""
    ids = shop.ids
    orders = {event_id: shop.orders[reference] for event_id, reference in ids.items()}
    behaving = {
        event_id
        for event_id, order in orders.items()
        if order.hook == NOTED and order.wish.customer not in scene.erased
    }
    told = [each for each in tellings(scene.victim) if each.event_id in behaving]
    ends = scene.field.side.ends(shop.attempts)
    states = {event_id: ends[ids[event_id]].state for event_id in behaving if ids[event_id] in ends}
    again, twice = told_twice(told, settled(scene.victim), scene.redriven)
    return HooksTold(told=len(told), again=again, wrongs=(*first(untold(states, told)), *first(twice)))


def memory_wrongs(watch: Watch, *, kept_bytes: int, ended: int) -> Iterator[str]:
    """Judge the memory of the watched worker, and Redis' at rest; `kept_bytes` is what the run left there."""
    grown = growth(watch.samples)
    if grown is not None and grown.grown_kib > grown.allowed_kib:
        more = f"more than {grown.allowed_kib / 1024:.1f} MiB for {grown.events:,} events is a leak"
        yield f"{grown}: {more}"
    if kept_bytes > ALWAYS_BYTES + ENDED_BYTES * ended:
        many = f"{kept_bytes:,} bytes of {ended:,} ended events"
        yield f"Redis keeps {many}, more than 1 MiB and {ENDED_BYTES} of each"
