"""Measure what an enqueue costs beside a bare push of the same bytes and beside Celery's `delay()`.

Ratios within one run, medians of several rounds with their spread; absolute times on a shared machine mean
little. Starts a Redis of its own, once without and once with its append-only file (`always`).
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import redis
from celery import Celery

from benchmarks.own_redis import own_redis
from shipper import configure, enqueue_event, enqueue_events
from shipper.settings import Settings

ROUNDS = 7
ONE_BY_ONE = 500
AT_ONCE = 5000
EVENT: dict[str, Any] = {
    "customerId": "c-10042",
    "email": "somebody@example.com",
    "events": {"place_review": {"product": "p-981", "stars": 5, "text": "as described " * 14}},
}


def main() -> None:
    """Print both tables."""
    for name, options in (
        ("append-only file off", ("--appendonly", "no")),
        ("append-only file, appendfsync always", ("--appendonly", "yes", "--appendfsync", "always")),
    ):
        with own_redis(*options) as url:
            _compare(name, url)


def _compare(name: str, url: str) -> None:
    configure(Settings(redis_url=url, backlog_max=10_000_000))
    client = redis.Redis.from_url(url)
    body = json.dumps(EVENT)
    app = Celery("bench", broker=url, set_as_current=False)
    task = app.task(_task, name="bench.task", ignore_result=True)
    events = [EVENT | {"customerId": f"c-{number}"} for number in range(AT_ONCE)]

    def pipelined() -> None:
        for _ in range(AT_ONCE // 200):
            with client.pipeline(transaction=False) as pipe:
                for _ in range(200):
                    pipe.lpush("bare", body)
                pipe.execute()

    each = {
        "bare push": (ONE_BY_ONE, lambda: [client.lpush("bare", body) for _ in range(ONE_BY_ONE)]),
        "enqueue_event": (ONE_BY_ONE, lambda: [enqueue_event(EVENT) for _ in range(ONE_BY_ONE)]),
        "Celery delay()": (ONE_BY_ONE, lambda: [task.delay(EVENT) for _ in range(ONE_BY_ONE)]),
        "pipelined push": (AT_ONCE, pipelined),
        "enqueue_events": (AT_ONCE, lambda: enqueue_events(events)),
    }
    times = _measure(each)
    print(f"\n{name} ({len(body)} bytes an event, median of {ROUNDS} rounds)\n")
    for label, found in times.items():
        middle = statistics.median(found)
        spread = (max(found) - min(found)) / middle
        base = "pipelined push" if label in {"pipelined push", "enqueue_events"} else "bare push"
        ratio = middle / statistics.median(times[base])
        print(f"  {label:16} {middle * 1e6:8.1f} µs   {ratio:6.2f} x {base}   spread {spread:.0%}")


def _task(event: dict[str, Any]) -> dict[str, Any]:
    return event


def _measure(each: dict[str, tuple[int, Callable[[], Any]]]) -> dict[str, list[float]]:
    """Take turns, so that whatever else the machine does hits all alike."""
    times: dict[str, list[float]] = {label: [] for label in each}
    for run in range(ROUNDS + 1):
        for label, (count, work) in each.items():
            started = time.perf_counter()
            work()
            if run:  # the first round warms up
                times[label].append((time.perf_counter() - started) / count)
    return times


if __name__ == "__main__":
    main()
