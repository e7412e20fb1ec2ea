"""Server: one uvicorn server on one listener, for the doors that speak HTTP."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Final

import uvicorn

BACKLOG: Final = 2048


class Server(uvicorn.Server):
    """Say when it serves, and end on a signal instead of dying of it."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, and say so."""
        await super().startup(sockets)
        self._ready()

    def handle_exit(self, *_: object) -> None:
        """End in order: uvicorn would raise the signal again afterwards, and the exit code would not be 0."""
        self.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """Listen on an address of a host, port 0 for any that is free; raise OSError if that cannot be."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    # The protocol by name: asyncio sets TCP_NODELAY only then, and without it answers wait 40 ms for an ACK.
    listener = socket.socket(found[0], socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(found[4])
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    """Return where a listener is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
