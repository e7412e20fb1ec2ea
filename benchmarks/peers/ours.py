"""This project: two worker processes, as many as there are cores, no pace, everything else as it comes."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from benchmarks.peers.place import REDIS_URL
from shipper import configure, enqueue_event, enqueue_events
from shipper.settings import Settings

CHUNK = 5000
WORKERS = tuple(
    ("celery", "-A", "workers", "worker", "-l", "WARNING", "-n", f"ours{number}@localhost")
    for number in range(2)
)

if REDIS_URL:
    configure(Settings(redis_url=REDIS_URL, backlog_max=10_000_000))


def send(event: dict[str, Any]) -> None:
    """Enqueue one event."""
    enqueue_event(event)


def load(events: Iterable[dict[str, Any]]) -> None:
    """Enqueue in bulk."""
    waiting = iter(events)
    while chunk := list(islice(waiting, CHUNK)):
        enqueue_events(chunk)
