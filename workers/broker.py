"""Broker: Celery's transport as it serves us. Its messages are wake-ups, so nothing is ever restored.

kombu's Redis transport keeps a second record of every message to acknowledge it, and restores from it. For
wake-ups that is cost and a way to fail: Celery 5.7 workers exit when Redis restarts under it (measured: 3 of
10 restarts; without it 0 of 20). `ack_emulation` and `do_restore` go together: one alone is worse.
"""

from __future__ import annotations

import json
from typing import Any, Final

from celery.worker.consumer import Consumer as CeleryConsumer
from kombu.transport import redis

from shipper.logs import get_logger

log: Final = get_logger(__name__)


class Channel(redis.Channel):
    """Pop messages, and drop what is none: kombu would end the worker that pops it."""

    do_restore = False

    def _brpop_read(self, **options: Any) -> bool:
        try:
            popped: bool = super()._brpop_read(**options)
        except (json.JSONDecodeError, UnicodeDecodeError, LookupError, TypeError, AttributeError) as error:
            log.warning("message.unreadable", error=type(error).__name__)
            return True
        return popped


class Transport(redis.Transport):
    """Use our channel."""

    Channel = Channel


class Consumer(CeleryConsumer):
    """Consume our two tasks. What is no message of ours is dropped without a word of what it held."""

    def __init__(self, *args: Any, worker_options: dict[str, Any] | None = None, **kwargs: Any) -> None:
        alone = {"without_gossip": True, "without_mingle": True, "without_heartbeat": True}
        super().__init__(*args, worker_options={**(worker_options or {}), **alone}, **kwargs)

    def on_unknown_message(self, _body: Any, message: Any) -> None:
        """Drop a message that is no task."""
        self._drop(message, "not a task")

    def on_unknown_task(self, _body: Any, message: Any, _exc: Any) -> None:
        """Drop a task that is not ours."""
        self._drop(message, "not one of our tasks")

    def on_invalid_task(self, _body: Any, message: Any, _exc: Any) -> None:
        """Drop a task whose arguments make no sense."""
        self._drop(message, "no arguments of ours")

    def on_decode_error(self, message: Any, _exc: Any) -> None:
        """Drop a message in a format that is not JSON."""
        self._drop(message, "not JSON")

    def _drop(self, message: Any, why: str) -> None:
        log.warning("message.dropped", why=why)
        message.ack_log_error(log, self.connection_errors)
