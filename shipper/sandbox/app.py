"""The sandbox's ASGI application: calls the short way, everything else through Starlette."""

from __future__ import annotations

import logging
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shipper.errors import SettingsError
from shipper.sandbox.admin import admin_routes, refuse
from shipper.sandbox.contract import PATHS
from shipper.sandbox.gameball import Gameball
from shipper.sandbox.preview import PREVIEW_PATHS

log: Final = logging.getLogger("shipper.sandbox")


def sandbox_app(gameball: Gameball) -> ASGIApp:
    """Return the application that serves one account and its admin API."""
    others = Starlette(
        routes=admin_routes(gameball),
        exception_handlers={SettingsError: refuse, 404: _no_such_page},
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["path"] in PREVIEW_PATHS and scope["method"] == "POST":
                await gameball.preview(scope, receive, send)
            elif scope["path"] not in PATHS:
                await others(scope, receive, send)
            elif scope["method"] == "POST":
                # Not a Starlette route: routing and request objects would halve the calls per second.
                await gameball(scope, receive, send)
            else:
                await Response(status_code=405, headers={"Allow": "POST"})(scope, receive, send)
        except Exception:
            log.exception("sandbox.failed")
            raise

    return app


async def _no_such_page(_: Request, __: Exception) -> Response:
    """Answer like a gateway that knows no such path: Gameball's own 404 is JSON."""
    return HTMLResponse("<html><h1>404 Not Found</h1></html>", status_code=404)
