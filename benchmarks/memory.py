"""Memory: what Redis pays for a waiting event beside its payload: `used_memory` before and after."""

from __future__ import annotations

from statistics import mean
from typing import Any, Final

import redis

from benchmarks.finding import Finding, Goal, Table
from benchmarks.own_redis import own_redis
from benchmarks.part import Effort, Part
from shipper import configure, enqueue_events
from shipper.body import encode
from shipper.settings import Settings

EVENTS: Final = 50_000
CHUNK: Final = 5000
TEXT: Final = "as described " * 18
SPREAD: Final = 64
"""Payloads differ by so many bytes: the step of jemalloc's sizes, which would favour a lucky length."""
MOST_BESIDE: Final = {1: 560, 10: 280}
"""Events in a lane, and the bytes that an event may cost beside its payload then."""


def main(effort: Effort) -> Finding:
    """Fill a server with short lanes and one with long lanes. Bytes are exact: one round is enough."""
    rows, goals = [], []
    for per_lane, most in MOST_BESIDE.items():
        effort.say(f"memory, {per_lane} to a lane")
        each = _bytes_an_event(EVENTS, per_lane)
        beside = each - _payload(per_lane)
        rows.append((f"{per_lane} to a lane", f"{each:.0f}", f"{beside:.0f}"))
        name = f"Bytes of Redis beside the payload, {per_lane} to a lane"
        goals.append(Goal(name=name, sign="≤", limit=most, found=round(beside), unit=" bytes"))
    header = ("", "bytes an event", "beside its payload")
    table = Table(title="Waiting events without idempotency key", header=header, rows=tuple(rows))
    return Finding(tables=(table,), goals=tuple(goals))


def _bytes_an_event(count: int, per_lane: int) -> float:
    with own_redis() as url:
        configure(Settings(redis_url=url))
        with redis.Redis.from_url(url) as client:
            enqueue_events([_event(count + number, 1) for number in range(10)])  # scripts and counters
            before = _used(client)
            for start in range(0, count, CHUNK):
                enqueue_events([_event(number, per_lane) for number in range(start, start + CHUNK)])
            return (_used(client) - before) / count


def _event(number: int, per_lane: int) -> dict[str, Any]:
    events = {"write_review": {"number": number, "text": TEXT + "x" * (number // per_lane % SPREAD)}}
    return {"customerId": f"c-{number // per_lane}", "events": events}


def _payload(per_lane: int) -> float:
    return mean(len(_body(_event(number, per_lane))) for number in range(EVENTS))


def _body(event: dict[str, Any]) -> bytes:
    return encode(customer_id=event["customerId"], email=None, mobile=None, events=event["events"]).data


def _used(client: redis.Redis) -> int:
    return int(client.info("memory")["used_memory"])


PART: Final = Part(
    name="memory",
    title="Memory of Redis",
    about="`used_memory` before and after; Redis 7 with its usual allocator.",
    minutes=1,
    main=main,
)
