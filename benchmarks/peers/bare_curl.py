"""The limit: libcurl alone, 32 calls under way in each of two processes, no durability at all.

Its "queue" is a Redis list of ready bodies, of which each process takes its half before it begins.
`python -m benchmarks.peers.bare_curl SHARE OF` posts one share and ends.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from io import BytesIO
from typing import Any

import pycurl
from redis import Redis

from benchmarks.peers.place import POST_URL, REDIS_URL

SLOTS = 32
QUEUE = "bodies"
WORKERS = tuple(("python", "-m", "benchmarks.peers.bare_curl", str(share), "2") for share in range(2))


def load(events: Iterable[dict[str, Any]]) -> None:
    """Push the bodies."""
    with Redis.from_url(REDIS_URL) as redis, redis.pipeline(transaction=False) as pipe:
        for event in events:
            pipe.rpush(QUEUE, json.dumps(event, separators=(",", ":")))
        pipe.execute()


def main(share: int, of: int) -> None:
    """Post every body whose number is ours."""
    with Redis.from_url(REDIS_URL) as redis:
        bodies = redis.lrange(QUEUE, 0, -1)[share::of]
    multi, free, flying = pycurl.CurlMulti(), [_handle() for _ in range(SLOTS)], 0
    while bodies or flying:
        while bodies and free:
            handle, body = free.pop(), bodies.pop()
            handle.setopt(pycurl.READDATA, BytesIO(body))
            handle.setopt(pycurl.POSTFIELDSIZE, len(body))
            multi.add_handle(handle)
            flying += 1
        multi.perform()
        multi.select(1.0)
        _, done, failed = multi.info_read()
        if failed:
            raise SystemExit(f"a call failed: {failed[0][2]}")
        for handle in done:
            multi.remove_handle(handle)
            free.append(handle)
            flying -= 1


def _handle() -> Any:
    handle = pycurl.Curl()
    handle.setopt(pycurl.URL, POST_URL)
    handle.setopt(pycurl.POST, 1)
    handle.setopt(pycurl.HTTPHEADER, ["Content-Type: application/json", "APIKey: bench", "Expect:"])
    handle.setopt(pycurl.WRITEDATA, BytesIO())
    return handle


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
