"""Serve the page until it is told to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Final

import uvicorn

from shipper.clock import monotonic_ms
from shipper.errors import Problem, SettingsError
from shipper.inspector import Inspector, open_inspectors
from shipper.inspector.preview import Ask
from shipper.quoter import quoter_of
from shipper.server import Server, listen, url_of
from shipper.settings import Settings
from shipper.web.app import web_app
from shipper.web.guesses import Guesses
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
    with closing(listen(host, port)) as listener:
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
        Server(config, lambda: ready(url_of(listener))).run(sockets=[listener])


def site_of(settings: Settings, *, local: str, clock: Callable[[], int] = monotonic_ms) -> Site:
    """Put together what all pages share; raise SettingsError for tokens that cannot be read."""

    # The operators are those of the tokens, so there are few.
    @lru_cache(maxsize=64)
    def inspectors(operator: str) -> Mapping[str, Inspector]:
        opened = open_inspectors(settings, settings.accounts, operator=operator)
        return {each.account: each for each in opened}

    porter = Porter(tokens=read_tokens(_tokens_of(settings)), local=local)

    # One an account, so that previews keep Gameball's limit whoever asks for them.
    @lru_cache(maxsize=64)
    def quoter(account: str) -> Ask:
        return quoter_of(account, settings)

    return Site(
        settings=settings,
        look=Look(),
        porter=porter,
        inspectors=inspectors,
        quoter=quoter,
        guesses=Guesses(),
        clock=clock,
    )


def _tokens_of(settings: Settings) -> str:
    """Return the tokens, or those of the file, in which they may stand line by line."""
    given, path = settings.web_tokens.get_secret_value(), settings.web_tokens_file
    if not path:
        return given
    if given:
        raise SettingsError([Problem(SETTING, f"is set, and {SETTING}_FILE too: set one of them")])
    try:
        text = Path(path).read_text(encoding="ascii")
    except OSError as error:  # its own words name the file, and somebody may have written tokens there
        raise SettingsError([Problem(f"{SETTING}_FILE", f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise SettingsError([Problem(f"{SETTING}_FILE", "holds more than ASCII")]) from None
    found = ",".join(text.split())
    if not found:
        raise SettingsError([Problem(f"{SETTING}_FILE", "holds no token: leave it out to need none")])
    return found
