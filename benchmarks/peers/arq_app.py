"""Arq and aiohttp: two workers with a hundred jobs each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from arq import create_pool
from arq.connections import RedisSettings

from benchmarks.peers.place import REDIS_URL, apost


async def ship(_: dict[str, Any], event: dict[str, Any]) -> None:
    """Post, in a worker."""
    await apost(event)


class WorkerSettings:
    """What `arq` starts from."""

    functions = (ship,)
    redis_settings = RedisSettings.from_dsn(REDIS_URL or "redis://localhost")
    max_jobs = 100
    keep_result = 0
    poll_delay = 0.05


WORKERS = (("arq", "benchmarks.peers.arq_app.WorkerSettings"),) * 2


def load(events: Iterable[dict[str, Any]]) -> None:
    """Enqueue as an app would."""
    asyncio.run(_load(events))


async def _load(events: Iterable[dict[str, Any]]) -> None:
    pool = await create_pool(WorkerSettings.redis_settings)
    for event in events:
        await pool.enqueue_job("ship", event)
    await pool.aclose()
