"""Soak: one long run with everything that can break, breaking every few seconds, several things at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from tests.faults.campaign import Campaign, Ground
from tests.faults.row import Row
from tests.faults.soak import gameball, operator, plumbing
from tests.faults.soak.checks import look_at_hooks, memory_wrongs, wrongs
from tests.faults.soak.memory import Watch, ended_of, growth
from tests.faults.soak.plan import Trouble, plan
from tests.faults.soak.scene import Scene, set_up
from tests.faults.soak.shop import Shop

TROUBLES: Final[tuple[Trouble, ...]] = (*plumbing.TROUBLES, *gameball.TROUBLES, *operator.TROUBLES)
MIXED: Final = "retry and park"
CUSTOMERS: Final = 400
PER_SECOND: Final = 60.0
SECONDS: Final = 600.0
QUICK_SECONDS: Final = 40.0
EVERY_S: Final = 1.5
QUICK_EVERY_S: Final = 0.7
WITHIN_S: Final = 180.0
AT_REST_S: Final = 10.0
"""The row finds everything at rest, as it was waited for already."""
HOOKS_WITHIN_S: Final = 600.0
"""Some hooks hang, and others cost a pool child: those that behave wait behind them."""


def soak(ground: Ground) -> Iterator[Row]:
    """Run the soak for as long as the ground allows."""
    seconds, every_s = (QUICK_SECONDS, QUICK_EVERY_S) if ground.quick else (SECONDS, EVERY_S)
    yield soak_for(ground, seconds=seconds, every_s=every_s)


def soak_for(
    ground: Ground,
    *,
    seconds: float,
    every_s: float,
    per_second: float = PER_SECOND,
    customers: int = CUSTOMERS,
) -> Row:
    """Let troubles work for so long, heal, come to rest, and check everything that was promised."""
    with ground.field(MIXED) as field, set_up(field, customers=customers) as scene:
        shop = Shop(events=int(seconds * per_second), customers=customers, per_second=per_second)
        watch = Watch(scene.spared, field.server)
        kept_before = watch.redis_bytes()
        field.send(shop)
        watch.start()
        scene.endure(plan(TROUBLES, seed=ground.seed, seconds=seconds, every_s=every_s))
        watch.stop()
        problems: list[str] = []
        with noting(problems):
            heal(scene)
        field.healed()
        ground.say(f"healed after {sum(scene.done.values())} troubles")
        recovery_ms = None
        with noting(problems):
            recovery_ms = field.rest(within_s=WITHIN_S)
            clear_up(scene)

        ended = ended_of(scene.stage.status().counters)
        kept_bytes = watch.redis_bytes() - kept_before
        hooks = look_at_hooks(scene, shop)
        ids = shop.ids
        field.unordered.update(ids[event_id] for event_id in scene.redriven if event_id in ids)
        field.unordered.update(reference for reference, order in shop.orders.items() if order.park)
        problems += wrongs(scene, shop)
        problems += hooks.wrongs
        problems += memory_wrongs(watch, kept_bytes=kept_bytes, ended=ended)
        row = field.row(
            "everything at once",
            f"{sum(scene.done.values())} troubles of {len(scene.done)} kinds",
            note="; ".join(
                [
                    f"{growth(watch.samples) or 'too short to judge memory'}",
                    f"Redis keeps {kept_bytes // max(1, ended)} bytes of each ended event",
                    f"{hooks.told:,} hooks told, {hooks.again} of them again after a try that was cut off",
                    f"{shop.asked_again:,} enqueues asked again",
                    f"{scene.redriven.total():,} redrives, {len(scene.confirmed):,} of unclear events",
                    f"{scene.missed.total()} troubles missed Redis",
                ]
            ),
            within_s=AT_REST_S,
        )
    return replace(row, recovery_ms=recovery_ms, problems=(*row.problems, *problems))


@contextmanager
def noting(problems: list[str]) -> Iterator[None]:
    """Let what is waited for in vain be a problem of the row: a long run is to say all that it has shown."""
    try:
        yield
    except AssertionError as error:
        problems.append(str(error).partition("\n")[0])


def heal(scene: Scene) -> None:
    """Make whole what a plan may have left; every trouble that lasts has ended by itself."""
    scene.field.until(scene.inspector.resume, why="an operator resumes")
    scene.field.sandbox.clear_faults()
    for line in (scene.line, scene.counter):
        line.heal()


def clear_up(scene: Scene) -> None:
    """Send what is dead again, now that Gameball takes everything, and have hooks told that can be."""
    field, stage = scene.field, scene.stage

    def none_is_dead() -> bool:
        return not operator.redrive(scene, unclear=False) and not field.side.active()

    field.until(none_is_dead, within_s=WITHIN_S, why="the dead are redriven")

    def all_are_told() -> bool:
        return not stage.status().sizes["hooks"] and not operator.retry_hooks(scene)

    field.until(all_are_told, within_s=HOOKS_WITHIN_S, why="hooks wait to be told")


CAMPAIGNS: Final = (
    Campaign(
        name="soak",
        tells="Everything above at random, several things at a time, every second or two: workers, their"
        " pool children, Redis and the sandbox killed and frozen; lines half-open, reset and slow;"
        " replies lost, Redis full, scripts and messages gone, messages forged; every wrong answer of"
        " Gameball; hooks that raise, hang and exit; an operator who pauses, redrives, discards and"
        " expunges; four producers, both policies. Memory is watched: the median of a worker that is"
        " never killed may grow, from the second to the last quarter of the run, by 6 MiB and by 1 KiB"
        " for each event between them, which is less than would be kept of each; Redis may keep 400"
        " bytes of an ended event.",
        run=soak,
        minutes=13,
    ),
)
