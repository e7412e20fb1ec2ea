"""Taskiq with a Redis stream, which is acknowledged, and aiohttp: two processes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from taskiq_redis import RedisStreamBroker

from benchmarks.peers.place import REDIS_URL, apost

broker = RedisStreamBroker(url=REDIS_URL or "redis://localhost")
ship = broker.task(task_name="ship")(apost)
WORKERS = (
    (
        *("taskiq", "worker", "benchmarks.peers.taskiq_app:broker"),
        *("--workers", "2", "--max-async-tasks", "100", "--log-level", "WARNING"),
    ),
)


def load(events: Iterable[dict[str, Any]]) -> None:
    """Enqueue as an app would."""
    asyncio.run(_load(events))


async def _load(events: Iterable[dict[str, Any]]) -> None:
    await broker.startup()
    for event in events:
        await ship.kiq(event)
    await broker.shutdown()
