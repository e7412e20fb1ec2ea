"""Serve one sandbox until it is told to stop."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import closing
from typing import Final

import uvicorn

from shipper.sandbox.app import sandbox_app
from shipper.sandbox.connection import SandboxProtocol
from shipper.sandbox.gameball import Gameball
from shipper.sandbox.log import AcceptedLog
from shipper.sandbox.options import Options

IDLE_S: Final = 75
"""How long an idle connection is kept, as gateways do."""
LAST_CALLS_S: Final = 1
"""How long calls under way may go on after SIGTERM."""
BACKLOG: Final = 2048


def serve(options: Options, *, ready: Callable[[str], None]) -> None:
    """Listen, tell `ready` the URL, and serve until SIGTERM or Ctrl-C, then return.

    Raise OSError if the port is taken or the log cannot be opened, SettingsError if the log is none.
    Outside the main thread no signal is taken.
    """
    with _listen(options) as listener, closing(AcceptedLog(options.log)) as log:
        config = _config(sandbox_app(Gameball(options, log)))
        _Server(config, lambda: ready(_url(listener))).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Say when it serves, and end on a signal instead of dying of it."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    def handle_exit(self, *_: object) -> None:
        # uvicorn would raise the signal again afterwards, and the exit code would not be 0.
        self.should_exit = True


def _config(app: Callable[..., object]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=SandboxProtocol,
        loop="asyncio",
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        log_level="critical",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=LAST_CALLS_S,
    )


def _listen(options: Options) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    # The protocol by name: asyncio sets TCP_NODELAY only then, and without it answers wait 40 ms for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((options.host, options.port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
