"""Pages: how long the server of `shipper web` takes for each page, asked within this process."""

from __future__ import annotations

import asyncio
import time
from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message

from shipper.settings import Settings
from shipper.web.app import web_app
from shipper.web.serve import site_of

PLACES: Final = {
    "overview": "",
    "reasons": "reasons",
    "letters": "letters",
    "letters of a reason": "letters?reason=refused&code=3009&event=visit",
    "letters by text": "letters?text=must+be+a+number",
    "hooks": "hooks",
    "jobs": "jobs",
    "audit log": "trail",
}


def page_times(url: str, *, looks: int) -> dict[str, list[float]]:
    """Return the ms of each look at each page, and at the newest event; the first look is left out."""
    site = site_of(Settings(redis_url=url), local="benchmark")
    app = web_app(site)
    (newest,) = site.inspectors("benchmark")["default"].letters.reasons(most=1).groups
    places = {**PLACES, "one event": f"events/{newest.example}"}
    return {name: asyncio.run(_times(app, f"/a/default/{place}", looks)) for name, place in places.items()}


async def _times(app: ASGIApp, path: str, looks: int) -> list[float]:
    await _ask(app, path)
    found = []
    for _ in range(looks):
        began = time.perf_counter()
        await _ask(app, path)
        found.append((time.perf_counter() - began) * 1000)
    return found


async def _ask(app: ASGIApp, path: str) -> None:
    parts = urlsplit(path)
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": parts.path,
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(b"host", b"localhost")],
        "server": ("localhost", 80),
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] != 200:
            raise RuntimeError(f"{path} was answered with {message['status']}")

    await app(scope, receive, send)
