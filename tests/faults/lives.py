"""Lives: the process that forks one life for each request; what it imported, no life imports again.

`python -m tests.faults.lives FOLDER REDIS_URL GAMEBALL_URL SETTINGS` serves `tests.faults.forks` on its
standard input and output, a line for a request and one for each life that has ended.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import select
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from shipper.hooks import completion_hook
from shipper.settings import Settings
from tests.faults import broken
from tests.faults.boundaries import Boundaries
from tests.faults.clock import Clock
from tests.faults.door import (
    know_scripts,
    move_clock,
    strikes_of,
    watch_hooks,
    watch_posts,
    watch_redis,
)
from tests.faults.forks import HOOK
from tests.faults.life import SETTINGS, Place, live
from tests.faults.producers import produce

THREADS: Final = 12
"""Accounts that one unstruck worker looks after at the same time."""


def serve(folder: Path, place: Place) -> None:
    """Fork a life for each request, and tell of each that ended, until nobody asks any more."""
    running: dict[int, int] = {}
    asking = os.fdopen(0, "rb", buffering=0)
    unread = b""
    while True:
        if select.select([asking], [], [], 0.002 if running else None)[0]:
            piece = asking.read(65536)
            if not piece:
                return
            *lines, unread = (unread + piece).split(b"\n")
            for line in lines:
                request = json.loads(line)
                running[_fork(folder, place, request)] = request["number"]
        while running and (ended := os.waitpid(-1, os.WNOHANG))[0]:
            answer = [running.pop(ended[0]), os.waitstatus_to_exitcode(ended[1])]
            sys.stdout.write(f"{json.dumps(answer)}\n")
            sys.stdout.flush()


def warm_up() -> None:
    """Read and import now what every life would else read and import for itself."""
    know_scripts()
    gc.collect()
    gc.freeze()


def _fork(folder: Path, place: Place, request: dict[str, Any]) -> int:
    if child := os.fork():
        return child
    code = 1
    try:
        _lead(folder, place, request)
        code = 0
    finally:
        os._exit(code)


def _lead(folder: Path, place: Place, request: dict[str, Any]) -> None:
    told = os.open(folder / "told", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    @completion_hook(HOOK)
    def tell(response: Any, error: Any) -> None:
        os.write(told, f"{(response or error).event_id}\n".encode())

    boundaries = Boundaries(strikes_of(request["strikes"]), Path(request["trace"]))
    place = replace(place, boundaries=boundaries)
    accounts = request["accounts"]
    if request["build"]:
        broken.break_(request["build"])
        know_scripts()
    if request["job"] == "produce":
        watch_redis(boundaries)
        said = Path(request["trace"]).with_suffix(".said")
        produce(request["kind"], accounts[0], request["ids"], place.redis_url, said)
        return
    move_clock(place.clock.moved)
    worker = f"w:{os.getpid()}"
    if request["job"] == "finish":
        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(lambda account: live(place, account, worker=worker), accounts))
        return
    watch_redis(boundaries)
    watch_posts(boundaries)
    watch_hooks(boundaries)
    live(place, accounts[0], worker=worker, rounds=request["rounds"])


if __name__ == "__main__":
    _, folder_, redis_, gameball_, settings_ = sys.argv
    logging.disable(logging.WARNING)  # thousands of lives end badly here, as they are meant to
    warm_up()
    changed: dict[str, Any] = {**SETTINGS.model_dump(), **json.loads(settings_)}
    serve(
        Path(folder_),
        Place(
            redis_url=redis_,
            gameball_url=gameball_,
            clock=Clock(Path(folder_) / "clock"),
            settings=Settings(**changed),
        ),
    )
