"""Port: a free one on loopback, which a server keeps over its restarts."""

from __future__ import annotations

import random
import socket
from contextlib import suppress
from typing import Final

HOST: Final = "127.0.0.1"
PORTS: Final = range(20_000, 32_000)
"""Below those that Linux and macOS give to outgoing connections: one of these, as binding port 0 gives, could
be taken by any connection while its server is down."""


def free_port(preferred: int = 0) -> int:
    """Return a port that nobody listens on, `preferred` if it is one; raise OSError if there is none."""
    if preferred and is_free(preferred):
        return preferred
    for port in random.SystemRandom().sample(PORTS, 200):
        if is_free(port):
            return port
    raise OSError(f"no free port from {PORTS.start} to {PORTS.stop - 1} on {HOST}")


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the port now."""
    with socket.socket() as probe, suppress(OSError):
        # As servers do: connections of the last one that still linger are no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
        probe.listen()
        return True
    return False
