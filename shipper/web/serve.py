"""Serve the page until it is told to stop."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import lru_cache
from typing import Final

import uvicorn

from shipper.cli.gameball import quoter_of
from shipper.errors import Problem, SettingsError
from shipper.inspector import Inspector, open_inspectors
from shipper.inspector.preview import Ask
from shipper.settings import Settings
from shipper.web.app import web_app
from shipper.web.look import Look
from shipper.web.person import SETTING, read_tokens
from shipper.web.porter import Porter, is_loopback
from shipper.web.visit import Site

LAST_CALLS_S: Final = 2
"""How long answers under way may take after SIGTERM."""


def serve(settings: Settings, *, host: str, port: int, local: str, ready: Callable[[str], None]) -> None:
    """Listen, tell `ready` the URL, and serve until SIGTERM or Ctrl-C, then return.

    `local` is who acts where no token is needed. Raise OSError if the port is taken, SettingsError for tokens
    that cannot be read, and for a host that others reach while there are none.
    """
    site = site_of(settings, local=local)
    if site.porter.is_open and not is_loopback(host):
        told = f"is empty, and {host} is no loopback address: others would get in. Set name:role:token,…"
        raise SettingsError([Problem(SETTING, told)])
    with closing(_listen(host, port)) as listener:
        config = uvicorn.Config(
            web_app(site),
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            interface="asgi3",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=LAST_CALLS_S,
        )
        _Server(config, lambda: ready(_url(listener))).run(sockets=[listener])


def site_of(settings: Settings, *, local: str) -> Site:
    """Put together what all pages share; raise SettingsError for tokens that cannot be read."""

    # The operators are those of the tokens, so there are few.
    @lru_cache(maxsize=64)
    def inspectors(operator: str) -> Mapping[str, Inspector]:
        opened = open_inspectors(settings, settings.accounts, operator=operator)
        return {each.account: each for each in opened}

    porter = Porter(tokens=read_tokens(settings.web_tokens.get_secret_value()), local=local)

    # One an account, so that previews keep Gameball's limit whoever asks for them.
    @lru_cache(maxsize=64)
    def quoter(account: str) -> Ask:
        return quoter_of(account, settings)

    return Site(settings=settings, look=Look(), porter=porter, inspectors=inspectors, quoter=quoter)


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


def _listen(host: str, port: int) -> socket.socket:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    # The protocol by name: asyncio sets TCP_NODELAY only then.
    listener = socket.socket(found[0], socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(found[4])
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
