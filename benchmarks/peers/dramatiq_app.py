"""Dramatiq with its Redis broker: processes by threads, as its guide advises for calls that wait."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.peers.place import REDIS_URL, post

dramatiq.set_broker(RedisBroker(url=REDIS_URL))
ship = dramatiq.actor(post, max_retries=20)
WORKERS = (("dramatiq", "benchmarks.peers.dramatiq_app", "--processes", "2", "--threads", "32"),)


def load(events: Iterable[dict[str, Any]]) -> None:
    """Enqueue as an app would."""
    for event in events:
        ship.send(event)
