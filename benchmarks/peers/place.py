"""Place: where a peer finds Redis and the far end, and how it posts; the same for all of them."""

from __future__ import annotations

import os
import threading
from typing import Any

import requests

REDIS_URL = os.environ.get("BENCH_REDIS_URL", "")
FAR_END = os.environ.get("BENCH_FAR_END", "")
POST_URL = f"{FAR_END}/api/v4.0/integrations/events"
HEADERS = {"APIKey": "bench"}
TIMEOUT_S = (3.0, 15.0)
"""To connect and to read, as ours are by default."""

_own = threading.local()


def post(event: dict[str, Any]) -> None:
    """Post one event over this thread's session; raise requests.RequestException for anything but a 2xx."""
    if not hasattr(_own, "session"):
        _own.session = requests.Session()
        _own.session.trust_env = False
        _own.session.headers.update(HEADERS)
    _own.session.post(POST_URL, json=event, timeout=TIMEOUT_S).raise_for_status()


def post_alone(event: dict[str, Any]) -> None:
    """Post one event as the first example of a tutorial would: a connection for each."""
    requests.post(POST_URL, json=event, headers=HEADERS, timeout=TIMEOUT_S).raise_for_status()


_session: Any = None


async def apost(event: dict[str, Any]) -> None:
    """Post one event from an event loop, over one aiohttp session for all."""
    global _session  # noqa: PLW0603 - one a process, as aiohttp's documents advise
    import aiohttp  # noqa: PLC0415 - most peers do without

    if _session is None:
        _session = aiohttp.ClientSession(
            headers=HEADERS,
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S[1]),
            connector=aiohttp.TCPConnector(limit=0),
        )
    async with _session.post(POST_URL, json=event) as answer:
        answer.raise_for_status()
        await answer.read()
