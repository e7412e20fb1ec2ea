"""Crash points: workers and producers killed at every boundary, and every answer lost, against a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final

from tests.faults import producers
from tests.faults.boundaries import Deed
from tests.faults.campaign import ALWAYS, OURS, Campaign, Ground
from tests.faults.checks import yard_on
from tests.faults.enumeration import KILLS, Point, wrong
from tests.faults.field import first
from tests.faults.points import scenes
from tests.faults.real_workers import DATABASES, RealWorkers
from tests.faults.row import Row
from tests.faults.stopped import STORIES
from tests.support.sandbox import Sandbox
from tests.support.servers import RedisServer

QUICK_SCENES: Final = frozenset({"accepted", "unanswered"})
QUICK_EVERY: Final = 6


def points(ground: Ground) -> Iterator[Row]:
    """Strike lives of workers that need no Celery, all at once and with the clock moved."""
    with yard_on(ground) as there:
        for policy in OURS:
            some = [each for each in scenes() if each.policy == policy]
            some = [each for each in some if not ground.quick or each.name in QUICK_SCENES]
            for deeds, fault, noun in (
                (KILLS, "Worker killed before and after every boundary", "kills"),
                (
                    (Deed.LOSE,),
                    "Carried out, and the caller told it timed out, at every boundary",
                    "lost answers",
                ),
            ):
                ground.say(f"{fault}: {policy}")
                found = there.stage.walk(some, deeds)
                yield _row(fault, policy, noun, f"{len(some)} scenes of one to three events", found)
        ground.say("workers stopped")
        told = [story.tell(there.stage) for story in STORIES]
        yield Row(
            fault="Worker stopped at a boundary while others go on",
            policy="retry",
            injected=f"{len(told)} stops",
            load="one event, up to five workers",
            problems=tuple(wrong(told)),
        )


def enqueues(ground: Ground) -> Iterator[Row]:
    """Strike producers."""
    with yard_on(ground) as there, _replica(ground, there.server):
        kinds = producers.KINDS[:4] if ground.quick else producers.KINDS
        found = producers.walk(there.stage, kinds, forget=there.forget_scripts)
        fault = "Producer killed before and after every command, and every answer lost"
        note = "the event is there whole or not at all; enqueued again under its id or key, it is there once"
        yield _row(
            fault, "-", "strikes", f"{len(kinds)} ways to enqueue one or five events", found, note=note
        )


def celery(ground: Ground) -> Iterator[Row]:
    """Kill whole Celery workers."""
    server = ground.server({**ALWAYS, "databases": str(DATABASES)})
    with ExitStack() as stack:
        stack.callback(server.kill)
        server.start()
        sandbox = stack.enter_context(Sandbox(ground.place("gameball")))
        workers = RealWorkers(server, sandbox, ground.place("workers"), say=ground.say)
        for scene in scenes():
            if scene.name == "accepted":
                ground.say(f"celery workers killed: {scene.policy}")
                found = workers.walk(scene, every=QUICK_EVERY if ground.quick else 1)
                fault = "Celery worker killed before and after every boundary"
                yield _row(
                    fault, scene.policy, "kills", "one event with a hook, the worker and its successor", found
                )


@contextmanager
def _replica(ground: Ground, primary: RedisServer) -> Iterator[None]:
    replica = ground.server({**ALWAYS, "replicaof": f"127.0.0.1 {primary.port}"})
    replica.start()
    try:
        yield
    finally:
        replica.kill()


def _row(fault: str, policy: str, noun: str, load: str, found: Sequence[Point], *, note: str = "") -> Row:
    struck = [point for point in found if point.struck != "untouched"]
    held = "copies, ends, causes and hooks told are as `tests/faults/points.toml` says at each point"
    return Row(
        fault=fault,
        policy=policy,
        injected=f"{len(struck)} {noun}",
        load=load,
        note=note or held,
        problems=tuple(first(wrong(found))),
    )


CAMPAIGNS: Final = (
    Campaign(
        name="crash-points",
        tells="A worker is killed before and after every command to Redis, POST and hook of its life, and"
        " every answer is lost once, with Gameball accepting, refusing, failing, silent or locked; a"
        " table says what must come of it at each point.",
        run=points,
        minutes=3,
    ),
    Campaign(
        name="producer-crash-points",
        tells="A producer is killed before and after every command of an enqueue, and every answer is"
        " lost once: one event and many, blocking and async, by id and by key, with a replica waited for.",
        run=enqueues,
        minutes=1,
    ),
    Campaign(
        name="celery-crash-points",
        tells="Whole Celery workers are killed (SIGKILL) at every boundary of delivering one event with a"
        " hook; another one takes over, in real time.",
        run=celery,
        minutes=8,
    ),
)
