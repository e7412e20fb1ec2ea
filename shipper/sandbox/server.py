"""Serve one sandbox until it is told to stop."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Final

import uvicorn

from shipper.sandbox.app import sandbox_app
from shipper.sandbox.connection import SandboxProtocol
from shipper.sandbox.gameball import Gameball
from shipper.sandbox.log import AcceptedLog
from shipper.sandbox.options import Options
from shipper.server import Server, listen, url_of

IDLE_S: Final = 75
"""How long an idle connection is kept, as gateways do."""
LAST_CALLS_S: Final = 1
"""How long calls under way may go on after SIGTERM."""


def serve(options: Options, *, ready: Callable[[str], None]) -> None:
    """Listen, tell `ready` the URL, and serve until SIGTERM or Ctrl-C, then return.

    Raise OSError if the port is taken or the log cannot be opened, SettingsError if the log is none.
    Outside the main thread no signal is taken.
    """
    with listen(options.host, options.port) as listener, closing(AcceptedLog(options.log)) as log:
        config = _config(sandbox_app(Gameball(options, log)))
        Server(config, lambda: ready(url_of(listener))).run(sockets=[listener])


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
