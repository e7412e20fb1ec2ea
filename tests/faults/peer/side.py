"""Side of the peer: plain Celery done well, on the same Redis and against the same sandbox."""

from __future__ import annotations

import json
import time
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any, Final, Self

from tests.faults.history import Answer, Attempt, End
from tests.faults.load import Wish
from tests.faults.peer.app import DEAD, QUEUE, SHIP, SHOP_SOCKETS, VISIBILITY_S, make_app
from tests.faults.row import PEER
from tests.support.sandbox import Sandbox
from tests.support.servers import RedisServer
from tests.support.worker import Worker

THREADS: Final = 32
"""Slots of a worker, as many as our pumps keep calls in flight. Measured with 3,000 events and two cores:
threads and prefork are alike fast, and threads end in order where prefork may take half a minute."""
OPTIONS: Final = ("--without-gossip", "--without-mingle", "--without-heartbeat")
"""What workers otherwise tell each other is load for Redis, and nothing here needs it."""
QUIET_S: Final = 6.0
"""Longer than a worker's socket may block: a message is nowhere between its pop and its record."""


class Celery:
    """Drive plain Celery: the shop calls `apply_async`, workers post. Use as a context."""

    policy = PEER
    promised = False
    quiet_s = QUIET_S

    def __init__(self, server: RedisServer, sandbox: Sandbox, folder: Path) -> None:
        self.workers: list[Worker] = []
        self._server = server
        self._sandbox = sandbox
        self._folder = folder
        self._stack = ExitStack()
        self._numbers = count()
        self._redis = server.client()
        self._stack.callback(self._redis.close)
        self.route(server.url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def worker(self, *arguments: str, ready: bool = True, **environment: object) -> Worker:
        """Start a worker; of the settings only `redis_url` means anything here."""
        folder = self._folder / f"worker-{next(self._numbers)}"
        folder.mkdir()
        places = {
            "PEER_REDIS_URL": str(environment.get("redis_url", self._server.url)),
            "PEER_GAMEBALL_URL": self._sandbox.url,
        }
        pool = () if "-P" in arguments else ("-P", "threads", "-c", str(THREADS))
        worker = Worker(
            folder, (*OPTIONS, *pool, *arguments), places, by="celery -A tests.faults.peer.app worker"
        )
        self._stack.callback(worker.kill)
        self.workers.append(worker)
        worker.start(ready=ready)
        return worker

    def send(self, wish: Wish) -> tuple[Answer, str]:
        try:
            self._shop.send_task(SHIP, args=(wish.event,))
        except Exception:  # noqa: BLE001 - kombu's errors are many, and none tells whether it was published
            return Answer.UNCLEAR, ""
        return Answer.YES, ""

    def route(self, redis_url: str) -> None:
        self._shop = make_app(redis_url, SHOP_SOCKETS)
        self._stack.callback(self._shop.close)

    def active(self) -> int:
        return int(self._redis.llen(QUEUE)) + int(self._redis.hlen("unacked"))

    def under_way(self) -> int:
        return int(self._redis.hlen("unacked"))

    def ends(self, attempts: Sequence[Attempt]) -> Mapping[str, End]:
        dead = (json.loads(event) for event in self._redis.lrange(DEAD, 0, -1))
        return {
            **{reference: End(state="waiting") for reference in map(_reference, self._messages())},
            **{reference: End(state="dead") for reference in map(_reference, dead)},
        }

    def findings(self) -> list[str]:
        """Tell of messages that Celery should have delivered again, and did not."""
        late = time.time() - 2 * VISIBILITY_S
        stuck = int(self._redis.zcount("unacked_index", 0, late))
        return [f"{stuck} messages stuck, unacknowledged for over {2 * VISIBILITY_S} s"] if stuck else []

    def causes(self) -> int | None:
        return None

    def _messages(self) -> Iterator[dict[str, Any]]:
        """Read the events that wait or are under way."""
        raw = [json.loads(each) for each in self._redis.lrange(QUEUE, 0, -1)]
        raw += [json.loads(each)[0] for each in self._redis.hvals("unacked")]
        for message in raw:
            (event,), _, _ = json.loads(b64decode(message["body"]))
            yield event


def _reference(event: dict[str, Any]) -> str:
    (metadata,) = event["events"].values()
    return str(metadata["reference"])
