"""Enqueue: what it costs beside a bare push of the same bytes and beside Celery's `delay()`."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import redis
import redis.asyncio
from celery import Celery

from benchmarks.finding import Bar, Finding, Goal, Plot, Spread, Table, spread_of
from benchmarks.own_redis import own_redis
from benchmarks.part import Effort, Part
from benchmarks.text import figure
from shipper import aclose, aenqueue_event, aenqueue_events, configure, enqueue_event, enqueue_events
from shipper.settings import Settings

ROUNDS: Final = 5
"""Turns in a round, behind one that warms up; the round's figure is their median."""
ONE_BY_ONE: Final = 500
AT_ONCE: Final = 5000
PIPE: Final = 200
"""Commands in a pipeline, as many as events in one of our script calls."""
EVENT: Final[dict[str, Any]] = {
    "customerId": "c-10042",
    "email": "somebody@example.com",
    "events": {"place_review": {"product": "p-981", "stars": 5, "text": "as described " * 14}},
}
BODY: Final = json.dumps(EVENT)
EVENTS: Final = [EVENT | {"customerId": f"c-{number}"} for number in range(AT_ONCE)]
OFF: Final = "append-only file off"
ALWAYS: Final = "append-only file, appendfsync always"
SERVERS: Final = {OFF: ("--appendonly", "no"), ALWAYS: ("--appendonly", "yes", "--appendfsync", "always")}

BASES: Final = {
    "bare push, asyncio": "bare push, asyncio",
    "aenqueue_event": "bare push, asyncio",
    "pipelined push": "pipelined push",
    "enqueue_events": "pipelined push",
    "aenqueue_events": "pipelined push",
}
"""What stands beside each; the bare push where nothing is said."""

Work = tuple[int, Callable[[], Any]]


def main(effort: Effort) -> Finding:
    """Measure on both kinds of server."""
    times: dict[str, dict[str, Spread]] = {}
    for name, options in SERVERS.items():
        rounds = []
        for number in range(effort.rounds):
            effort.say(f"enqueue, {name}, round {number + 1}")
            with own_redis(*options) as url:
                rounds.append(_measure(_contestants(url), turns=effort.scaled(ROUNDS, 1)))
        times[name] = {label: spread_of([each[label] for each in rounds]) for label in rounds[0]}
    off = times[OFF]
    plot = Plot(
        name="enqueue",
        title="One enqueue",
        unit="µs, append-only file off",
        bars=tuple(
            Bar(label=label, spread=_micro(off[label]), ours=label == "enqueue_event")
            for label in ("bare push", "enqueue_event", "Celery delay()")
        ),
    )
    tables = tuple(_table(name, found) for name, found in times.items())
    return Finding(tables=tables, goals=tuple(_goals(off, times[ALWAYS])), plots=(plot,))


def _contestants(url: str) -> dict[str, Work]:
    """Return what is measured on a server: how many events, and the work of a turn."""
    configure(Settings(redis_url=url, backlog_max=10_000_000))
    client = redis.Redis.from_url(url)
    app = Celery("bench", broker=url, set_as_current=False)
    task = app.task(_task, name="bench.task", ignore_result=True)

    def pipelined() -> None:
        for _ in range(AT_ONCE // PIPE):
            with client.pipeline(transaction=False) as pipe:
                for _ in range(PIPE):
                    pipe.lpush("bare", BODY)
                pipe.execute()

    return {
        "bare push": (ONE_BY_ONE, lambda: [client.lpush("bare", BODY) for _ in range(ONE_BY_ONE)]),
        "enqueue_event": (ONE_BY_ONE, lambda: [enqueue_event(EVENT) for _ in range(ONE_BY_ONE)]),
        "Celery delay()": (ONE_BY_ONE, lambda: [task.delay(EVENT) for _ in range(ONE_BY_ONE)]),
        "bare push, asyncio": (ONE_BY_ONE, lambda: asyncio.run(_apush(url))),
        "aenqueue_event": (ONE_BY_ONE, lambda: asyncio.run(_aenqueue())),
        "pipelined push": (AT_ONCE, pipelined),
        "enqueue_events": (AT_ONCE, lambda: enqueue_events(EVENTS)),
        "aenqueue_events": (AT_ONCE, lambda: asyncio.run(_aenqueue_bulk())),
    }


def _task(event: dict[str, Any]) -> dict[str, Any]:
    return event


async def _apush(url: str) -> None:
    async with redis.asyncio.Redis.from_url(url) as client:
        for _ in range(ONE_BY_ONE):
            await client.lpush("bare", BODY)


async def _aenqueue() -> None:
    for _ in range(ONE_BY_ONE):
        await aenqueue_event(EVENT)
    await aclose()


async def _aenqueue_bulk() -> None:
    await aenqueue_events(EVENTS)
    await aclose()


def _measure(each: Mapping[str, Work], *, turns: int) -> dict[str, float]:
    """Return the seconds an event. They take turns, so that whatever else the machine does hits all alike."""
    times: dict[str, list[float]] = {label: [] for label in each}
    for turn in range(turns + 1):
        for label, (count, work) in each.items():
            gc.collect()
            started = time.perf_counter()
            work()
            if turn:  # the first warms up
                times[label].append((time.perf_counter() - started) / count)
    return {label: spread_of(found).middle for label, found in times.items()}


def _table(name: str, found: Mapping[str, Spread]) -> Table:
    delay = found["Celery delay()"]
    rows = tuple(
        (
            label,
            figure(delay.middle / time_.middle),
            figure(time_.middle / found[BASES.get(label, "bare push")].middle),
            f"{time_.width:.0%}",
            figure(time_.middle * 1e6),
        )
        for label, time_ in found.items()
    )
    header = ("", "times faster than delay()", "times of the bare push", "spread", "µs an event")
    note = f"{len(BODY)} bytes an event. The last rows are {AT_ONCE} at once, beside a pipelined push."
    return Table(title=name, header=header, rows=rows, note=note)


def _goals(off: Mapping[str, Spread], always: Mapping[str, Spread]) -> list[Goal]:
    def ratio(found: Mapping[str, Spread], of: str, to: str) -> float:
        return found[of].middle / found[to].middle

    one, bulk, push, delay, piped = (
        "enqueue_event",
        "enqueue_events",
        "bare push",
        "Celery delay()",
        "pipelined push",
    )
    return [
        Goal(
            name="One enqueue beside a bare push", sign="≤", limit=2.2, found=ratio(off, one, push), unit=" x"
        ),
        Goal(
            name="One enqueue beside a bare push, `always`",
            sign="≤",
            limit=1.1,
            found=ratio(always, one, push),
            unit=" x",
        ),
        Goal(
            name="One enqueue faster than `delay()`",
            sign="≥",
            limit=3.5,
            found=ratio(off, delay, one),
            unit=" x",
        ),
        Goal(name="Bulk faster than `delay()`", sign="≥", limit=25, found=ratio(off, delay, bulk), unit=" x"),
        Goal(
            name="Bulk beside a bare pipelined push",
            sign="≥",
            limit=45,
            found=100 * ratio(off, piped, bulk),
            unit=" %",
        ),
    ]


def _micro(found: Spread) -> Spread:
    return Spread(low=found.low * 1e6, middle=found.middle * 1e6, high=found.high * 1e6)


PART: Final = Part(
    name="enqueue",
    title="One enqueue, and many at once",
    about="The producer's side, without any worker: the time of a call that returns when Redis has answered."
    " The bare push is redis-py's `lpush` of the same event's JSON, which promises nothing.",
    minutes=6,
    main=main,
)
