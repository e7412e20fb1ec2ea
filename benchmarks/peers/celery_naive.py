"""Celery as its first steps show it: defaults, a connection for each post."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from celery import Celery

from benchmarks.peers.place import REDIS_URL, post_alone

app = Celery("naive", broker=REDIS_URL)
ship = app.task(post_alone, name="naive.ship")
WORKERS = (("celery", "-A", "benchmarks.peers.celery_naive", "worker", "-l", "WARNING"),)


def send(event: dict[str, Any]) -> None:
    """Enqueue one event."""
    ship.delay(event)


def load(events: Iterable[dict[str, Any]]) -> None:
    """Enqueue as an app would."""
    for event in events:
        send(event)
