"""The connection below HTTP: end it like a crashed server or a careless gateway would."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Final

from starlette.types import Receive, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

NO_LINGER: Final = struct.pack("ii", 1, 0)
"""On, and for no time: closing then sends RST."""


class SandboxProtocol(H11Protocol):
    """Be uvicorn's protocol, and hand each request its transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Keep the transport where the application finds it."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def reset(scope: Scope) -> None:
    """Send a TCP reset; what was written and not yet sent is lost."""
    transport: asyncio.Transport = scope["state"]["transport"]
    if not transport.is_closing():
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        transport.abort()


def close(scope: Scope) -> None:
    """Send what was written, then the end of the stream."""
    transport: asyncio.Transport = scope["state"]["transport"]
    transport.close()


async def gone(receive: Receive) -> None:
    """Return when the connection is lost or its answer complete. Only once the body has been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def gone_within(receive: Receive, wait_ms: int) -> bool:
    """Wait for `wait_ms`; say whether the client hung up meanwhile."""
    try:
        await asyncio.wait_for(gone(receive), wait_ms / 1000)
    except TimeoutError:
        return False
    return True
