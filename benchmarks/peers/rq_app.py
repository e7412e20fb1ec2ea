"""RQ: a process a job is its default; SimpleWorker in a pool is what its documents offer for speed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from redis import Redis
from rq import Queue

from benchmarks.peers.place import REDIS_URL, post

SLOTS = 8
POOL = ("rq", "worker-pool", "-u", REDIS_URL, "-n", str(SLOTS), "-l", "WARNING")
"""Told to say little: by default it logs five lines a job."""
WORKERS = ((*POOL, "-w", "rq.worker.SimpleWorker", "bench"),)


def ship(event: dict[str, Any]) -> None:
    """Post, in a worker."""
    post(event)


def load(events: Iterable[dict[str, Any]]) -> None:
    """Enqueue in its own batches: one by one takes longer than the measurement."""
    queue = Queue("bench", connection=Redis.from_url(REDIS_URL))
    jobs = [Queue.prepare_data(ship, (event,), result_ttl=0) for event in events]
    for first in range(0, len(jobs), 500):
        queue.enqueue_many(jobs[first : first + 500])
