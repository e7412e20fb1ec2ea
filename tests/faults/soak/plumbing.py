"""Troubles of workers, of Redis, of the lines between them, and of Celery's messages."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Final

from shipper.ledger.keys import key_of
from tests.faults.soak.plan import Trouble, Undo
from tests.faults.soak.scene import Scene
from tests.journeys.forgeries import forgeries
from tests.support.proxy import Proxy
from tests.support.worker import Worker

QUEUES: Final = ("shipper.deliver", "shipper.hooks")
VICTIM, REDIS, LINE, COUNTER = "victim", "redis", "line", "counter"


def children_of(pid: int) -> list[int]:
    """Return the pids of a process' children."""
    ran = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(pid) for pid in ran.stdout.split()]


# Workers


def kill_worker(scene: Scene, dice: Random) -> None:
    scene.field.kill(scene.victim)


def kill_child(scene: Scene, dice: Random) -> None:
    if scene.victim.running and (children := children_of(scene.victim.pid)):
        with suppress(ProcessLookupError):
            os.kill(dice.choice(children), signal.SIGKILL)


def end_worker(scene: Scene, dice: Random) -> Undo:
    worker = scene.victim
    if worker.running:
        scene.field.dismiss(worker)
        worker.terminate()

    def start() -> None:
        # Its grace is over, as a container's would be: it may be waiting for a Redis that is still frozen.
        scene.field.gone.discard(worker)
        worker.kill()
        worker.start(ready=False)

    return start


def freeze_worker(scene: Scene, dice: Random) -> Undo:
    worker: Worker = dice.choice([scene.spared, scene.victim])
    pid = worker.pid
    _signal_group(pid, signal.SIGSTOP)
    return lambda: _signal_group(pid, signal.SIGCONT)


def _signal_group(pid: int, what: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, what)


# Redis


def kill_redis(scene: Scene, dice: Random) -> Undo:
    scene.field.server.kill()
    return scene.field.server.start


def freeze_redis(scene: Scene, dice: Random) -> Undo:
    scene.field.server.freeze()
    return scene.field.server.thaw


def fill_redis(scene: Scene, dice: Random) -> Undo:
    with scene.redis() as redis:
        redis.config_set("maxmemory", "1")

    def make_room() -> None:
        with scene.field.server.client() as redis:
            redis.config_set("maxmemory", "0")

    return make_room


def forget_scripts(scene: Scene, dice: Random) -> None:
    with scene.redis() as redis:
        redis.script_flush()


# The lines


def _half_open(line: Proxy, dice: Random) -> Undo:
    line.swallow_requests, line.swallow_replies = dice.choice([(True, False), (False, True), (True, True)])

    def heal() -> None:
        line.heal()
        line.reset()

    return heal


def half_open_line(scene: Scene, dice: Random) -> Undo:
    return _half_open(scene.line, dice)


def half_open_counter(scene: Scene, dice: Random) -> Undo:
    return _half_open(scene.counter, dice)


def reset_line(scene: Scene, dice: Random) -> None:
    scene.line.reset()


def reset_counter(scene: Scene, dice: Random) -> None:
    scene.counter.reset()


def lose_replies(scene: Scene, dice: Random) -> None:
    line = dice.choice([scene.line, scene.counter])
    line.let_through, line.replies_to_lose = dice.randint(0, 5), dice.randint(1, 5)


def slow_lines(scene: Scene, dice: Random) -> Undo:
    scene.line.latency_s = dice.uniform(0.005, 0.05)
    return scene.line.heal


# Celery's messages


def lose_messages(scene: Scene, dice: Random) -> None:
    with scene.redis() as redis:
        redis.delete(*QUEUES)


def forge_messages(scene: Scene, dice: Random) -> None:
    forged = list(forgeries(str(touched_path(scene))))
    with scene.redis() as redis:
        for queue in QUEUES:
            redis.lpush(queue, *dice.sample(forged, 5))


def forge_bells(scene: Scene, dice: Random) -> None:
    bell = key_of("default", "bell")
    with scene.redis() as redis:
        if dice.random() < 0.5:
            redis.set(bell, "not a list")
        else:
            redis.delete(bell)
            redis.lpush(bell, *[b"\xff" * 100] * 20)


def touched_path(scene: Scene) -> Path:
    """Return the file that is there only if somebody unpickled a forged message."""
    return scene.stage.folder / "touched"


TROUBLES: Final[Sequence[Trouble]] = (
    Trouble(name="worker killed", begin=kill_worker, target=VICTIM),
    Trouble(name="pool child killed", begin=kill_child, target=VICTIM),
    Trouble(name="worker ended by SIGTERM", begin=end_worker, target=VICTIM, lasts_s=(2.0, 6.0)),
    Trouble(name="worker frozen", begin=freeze_worker, target=VICTIM, lasts_s=(1.0, 9.0)),
    Trouble(name="Redis killed", begin=kill_redis, target=REDIS, lasts_s=(0.1, 2.0)),
    Trouble(name="Redis frozen", begin=freeze_redis, target=REDIS, lasts_s=(0.3, 3.0)),
    Trouble(name="Redis full", begin=fill_redis, target=REDIS, lasts_s=(0.5, 3.0)),
    Trouble(name="scripts flushed", begin=forget_scripts),
    Trouble(name="workers' line half-open", begin=half_open_line, target=LINE, lasts_s=(1.0, 6.0)),
    Trouble(name="producers' line half-open", begin=half_open_counter, target=COUNTER, lasts_s=(0.5, 3.0)),
    Trouble(name="workers' line reset", begin=reset_line, target=LINE),
    Trouble(name="producers' line reset", begin=reset_counter, target=COUNTER),
    Trouble(name="replies of Redis lost", begin=lose_replies, target=LINE),
    Trouble(name="workers' line slow", begin=slow_lines, target=LINE, lasts_s=(1.0, 5.0)),
    Trouble(name="every Celery message deleted", begin=lose_messages),
    Trouble(name="messages forged", begin=forge_messages),
    Trouble(name="bells forged", begin=forge_bells),
)
