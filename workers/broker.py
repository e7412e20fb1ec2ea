"""Broker: Celery's transport as it serves us. Its messages are wake-ups, so nothing is ever restored.

kombu's Redis transport keeps a second record of every message to acknowledge it, and restores from it. For
wake-ups that is cost and a way to fail: Celery 5.7 workers exit when Redis restarts under it (measured: 3 of
10 restarts; without it 0 of 20). `ack_emulation` and `do_restore` go together: one alone is worse.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from threading import Event
from typing import Any, Final
from uuid import uuid4

from celery.worker.consumer import Consumer as CeleryConsumer
from kombu.transport import redis
from kombu.utils.json import dumps

from shipper.ledger.ledger import Ledger
from shipper.ledger.pool import make_pool
from shipper.logs import get_logger

log: Final = get_logger(__name__)

WAKE_UP: Final = (r"shipper\.(?:deliver|complete)", r"[0-9a-f-]{36}", r"[a-z0-9_-]{1,64}", r"[\w-]{16}")
"""What a wake-up says, and all that is believed of it: task, id, account and ticket."""
MOST_WAITING: Final = 1000
"""Wake-ups kept in a queue: more than tickets alive of all accounts, and gone through in a moment."""
PUSH_MS: Final = 3000
"""Longest time that a push may take."""
REFUSED_S: Final = 1.0
"""Wait after an answer that refused us, before Redis is asked anew."""
NONSENSE: Final = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What reading a message may raise that is none."""


class Channel(redis.Channel):
    """Pop messages, and drop what is none: kombu would end the worker that pops it."""

    do_restore = False

    def _put(self, queue: str, message: Any, **_: Any) -> None:
        """Push a wake-up, and forget the oldest where nobody serves the queue.

        Their tickets have run out long since, so they could start nothing; unbounded they would fill Redis.
        """
        key = self._q_for_pri(queue, 0)
        with self.conn_or_acquire() as client, client.pipeline(transaction=False) as pipe:
            pipe.lpush(key, dumps(message))
            pipe.ltrim(key, 0, MOST_WAITING - 1)
            pipe.execute()

    def _size(self, queue: str) -> int:
        """Count what waits, by a plain command: a full Redis takes no transaction, whatever is in it.

        kombu asks when it declares a queue, so a worker that lost its connection to a full Redis ended.
        """
        with self.conn_or_acquire() as client:
            size: int = client.llen(self._q_for_pri(queue, 0))
            return size

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        """Write nothing, for the same reason: a full Redis would refuse it. `get_table` needs no binding."""

    def get_table(self, exchange: str) -> list[tuple[str, str, str]]:
        """Return the one binding of an exchange: ours have the names of their queues."""
        return [(exchange, "", exchange)]

    def _brpop_read(self, **options: Any) -> bool:
        try:
            popped: bool = super()._brpop_read(**options)
        except NONSENSE as error:
            log.warning("message.unreadable", error=type(error).__name__)
            return True
        return popped


class Transport(redis.Transport):
    """Use our channel, and hand on wake-ups alone: a task that Celery cannot start ends its worker."""

    Channel = Channel

    def _deliver(self, message: Any, queue: str) -> None:
        try:
            wake_up = wake_up_of(message)
        except NONSENSE:
            log.warning("message.dropped")
        else:
            super()._deliver(wake_up, queue)


class Messenger:
    """Push wake-ups as they are read, with nothing else in them, over a connection of our own.

    `send_task` says thirty things more and goes through two pools: 1.2 ms of 4.5 from enqueue to the far end.
    """

    def __init__(self, broker_url: str) -> None:
        url = re.sub(r"^redis\+socket:", "unix:", broker_url).replace("virtual_host=", "db=")
        self._broker = Ledger(make_pool(url, budget_ms=PUSH_MS), budget_ms=PUSH_MS)

    def send(self, task: str, queue: str, account: str, ticket: str) -> None:
        """Push one, and forget the oldest where nobody serves the queue; raise as `Ledger.ask` does."""
        body = b64encode(json.dumps([[account, ticket], {}, {}]).encode()).decode()
        message = {"headers": {"task": task, "id": str(uuid4())}, "body": body}
        if self._broker.ask("LPUSH", queue, json.dumps(message)) > MOST_WAITING:
            self._broker.ask("LTRIM", queue, 0, MOST_WAITING - 1)


def wake_up_of(message: Any) -> dict[str, Any]:
    """Build a message anew from what is believed of it; raise one of NONSENSE if that is not there.

    Nothing else that somebody may have put there gets to Celery, which would log it, or act on it.
    """
    head = message["headers"]
    account, ticket = json.loads(b64decode(message["body"]))[0]
    for said, pattern in zip((head["task"], head["id"], account, ticket), WAKE_UP, strict=True):
        if re.fullmatch(pattern, said, re.ASCII) is None:
            raise ValueError(pattern)
    tag = str(uuid4())
    return {
        "body": b64encode(json.dumps([[account, ticket], {}, {}]).encode()).decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"lang": "py", "task": head["task"], "id": head["id"], "root_id": head["id"]},
        "properties": {"body_encoding": "base64", "delivery_tag": tag, "delivery_info": {}},
    }


class Consumer(CeleryConsumer):
    """Consume without what workers otherwise tell each other."""

    def __init__(self, *args: Any, worker_options: dict[str, Any] | None = None, **kwargs: Any) -> None:
        alone = {"without_gossip": True, "without_mingle": True, "without_heartbeat": True}
        super().__init__(*args, worker_options={**(worker_options or {}), **alone}, **kwargs)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Connect anew; to a Redis that refuses (a full disk, too few replicas, a failover) not at once."""
        super().on_connection_error_after_connected(exc)
        if isinstance(exc, self.channel_errors):
            log.warning("broker.refused", error=str(exc))
            Event().wait(REFUSED_S)
