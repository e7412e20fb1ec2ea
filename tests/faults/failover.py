"""Failover: a primary, a replica that falls behind, and one address that then leads to the replica."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

from tests.support.proxy import Proxy
from tests.support.servers import HOST, RedisServer
from tests.support.waiting import until

QUICK_SYNC: Final = {"repl-diskless-sync-delay": "0", "repl-ping-replica-period": "1"}
"""A replica follows at once instead of after the five seconds in which more might come."""

Make = Callable[[Mapping[str, str]], RedisServer]
"""Return a running server with these options."""


class Fleet:
    """A primary, its replica behind a line that can be cut, and the replica's own, so that one is left."""

    def __init__(self, make: Make, options: Mapping[str, str]) -> None:
        self._stack = ExitStack()
        self.primary = make({**options, **QUICK_SYNC})
        self.line = self._stack.enter_context(Proxy(self.primary.port))
        self.replica = make({**options, **QUICK_SYNC, "replicaof": f"{HOST} {self.line.port}"})
        until(lambda: acknowledges(self.primary))
        self.second = make({**options, **QUICK_SYNC, "replicaof": f"{HOST} {self.replica.port}"})
        until(lambda: follows(self.replica))
        self.address = self._stack.enter_context(Proxy(self.primary.port))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        """Where the ledger is, before and after."""
        return self.address.url

    def fall_behind(self) -> float:
        """Let nothing more through to the replica, which has all that came before the moment returned.

        That is in seconds of the monotonic clock. A little that came later may have got through.
        """
        moment, written = time.monotonic(), offset_of(self.primary)
        until(lambda: offset_of(self.replica) >= written)
        self.line.swallow_replies = True
        return moment

    def fail_over(self) -> None:
        """Lose the primary for good, and let the replica take its place."""
        self.primary.kill()
        with self.replica.client() as client:
            client.replicaof("NO", "ONE")
        self.address.target = self.replica.port
        self.address.reset()


def acknowledges(server: RedisServer) -> bool:
    """Tell whether a replica of this primary answers WAIT, which on Valkey it does only a while later."""
    with server.client() as client:
        client.publish("nobody", "is written for replicas all the same")
        return bool(client.wait(1, 100))


def offset_of(server: RedisServer) -> int:
    """Return up to where a server has what a primary wrote."""
    with server.client() as client:
        return int(client.info("replication")["master_repl_offset"])


def follows(server: RedisServer) -> bool:
    """Tell whether a replica follows this server, which may be a replica itself."""
    with server.client() as client:
        return str(client.info("replication").get("slave0", {}).get("state")) == "online"
