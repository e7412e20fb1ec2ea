"""Celery done well: late acknowledging, no results, a session a thread, a process a core, the threads pool.

`BENCH_CELERY=quick` takes kombu's acknowledging off, as our own workers do; `gevent` is the other pool.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from celery import Celery
from kombu.transport.redis import Channel

from benchmarks.peers.place import REDIS_URL, post

QUICK = os.environ.get("BENCH_CELERY") == "quick"
if QUICK:
    Channel.do_restore = False  # goes with ack_emulation off: one without the other is slower

app = Celery("well", broker=REDIS_URL)
app.conf.update(
    task_acks_late=not QUICK,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    worker_enable_remote_control=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"priority_steps": [0], **({"ack_emulation": False} if QUICK else {})},
)
ship = app.task(post, name="well.ship")
_ALONE = ("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING")


def _worker(number: int, pool: str, slots: int) -> tuple[str, ...]:
    name = ("-n", f"well{number}@localhost")
    return (
        "celery",
        "-A",
        "benchmarks.peers.celery_well",
        "worker",
        "-P",
        pool,
        "-c",
        str(slots),
        *name,
        *_ALONE,
    )


WORKERS = tuple(_worker(number, "threads", 32) for number in range(2))
GEVENT = tuple(_worker(number, "gevent", 100) for number in range(2))


def send(event: dict[str, Any]) -> None:
    """Enqueue one event."""
    ship.delay(event)


def load(events: Iterable[dict[str, Any]]) -> None:
    """Enqueue as an app would."""
    for event in events:
        send(event)
