"""Huey with its Redis storage: threads, two consumers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from huey import RedisHuey

from benchmarks.peers.place import REDIS_URL, post

huey = RedisHuey("bench", url=REDIS_URL or None, results=False)
ship = huey.task(retries=20)(post)
WORKERS = (("huey_consumer", "benchmarks.peers.huey_app.huey", "-k", "thread", "-w", "32", "-n", "-q"),) * 2


def load(events: Iterable[dict[str, Any]]) -> None:
    """Enqueue as an app would."""
    for event in events:
        ship(event)
