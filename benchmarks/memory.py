"""Measure what Redis pays for a waiting event beside its payload: `used_memory` before and after."""

from __future__ import annotations

from typing import Any

import redis

from benchmarks.own_redis import own_redis
from shipper import configure, enqueue_events
from shipper.body import encode
from shipper.settings import Settings

EVENTS = 50_000
CHUNK = 5000
TEXT = "as described " * 18


def main() -> None:
    """Print the bytes of a waiting event, and those beside its payload, for short and long lanes."""
    print(f"\nmemory of Redis for {EVENTS:,} waiting events without idempotency key\n")
    for per_lane in (1, 10):
        with own_redis() as url:
            configure(Settings(redis_url=url))
            client = redis.Redis.from_url(url)
            enqueue_events([_event(EVENTS + number, 1) for number in range(10)])  # scripts and counters
            before = _used(client)
            for start in range(0, EVENTS, CHUNK):
                enqueue_events([_event(number, per_lane) for number in range(start, start + CHUNK)])
            each = (_used(client) - before) / EVENTS
            client.close()
        beside = each - _payload()
        print(f"  {per_lane:2} to a lane   {each:4.0f} bytes an event, {beside:4.0f} beside its payload")


def _event(number: int, per_lane: int) -> dict[str, Any]:
    events = {"write_review": {"number": number, "text": TEXT}}
    return {"customerId": f"c-{number // per_lane}", "events": events}


def _payload() -> int:
    event = _event(EVENTS // 2, 1)
    body = encode(customer_id=event["customerId"], email=None, mobile=None, events=event["events"])
    return len(body.data)


def _used(client: Any) -> int:
    return int(client.info("memory")["used_memory"])


if __name__ == "__main__":
    main()
