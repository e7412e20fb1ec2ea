"""Send an answer the way it asks to be sent: whole, in drips, cut short, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

from starlette.types import Receive, Scope, Send

from shipper.sandbox.answer import BODILESS, Answer, Cut
from shipper.sandbox.connection import close, gone, reset

PIECE_BYTES: Final = 64 * 1024
DRIPS_PER_SECOND: Final = 10
SHORT_BY_BYTES: Final = 100


async def send_answer(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    """Send `answer`, and return when it has left or the client has gone."""
    match answer.cut:
        case Cut.RESET:
            reset(scope)
            await gone(receive)
        case Cut.CLOSED:
            close(scope)
            await gone(receive)
        case Cut.SHORT:
            await send(_head(answer, len(answer.body) + SHORT_BY_BYTES))
            await send({"type": "http.response.body", "body": answer.body, "more_body": True})
            close(scope)
            await gone(receive)
        case None if answer.padded_to or answer.bytes_per_second:
            await _stream(answer, receive, send)
        case None:
            await send(_head(answer, len(answer.body)))
            await send({"type": "http.response.body", "body": answer.body})


def _head(answer: Answer, length: int) -> dict[str, object]:
    sized = () if answer.status in BODILESS else ((b"content-length", b"%d" % length),)
    return {"type": "http.response.start", "status": answer.status, "headers": (*answer.headers, *sized)}


async def _stream(answer: Answer, receive: Receive, send: Send) -> None:
    await send(_head(answer, max(len(answer.body), answer.padded_to)))
    client_gone = asyncio.ensure_future(gone(receive))
    try:
        for piece, wait_s in _pieces(answer):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            # Also without a wait: a client as quick as we are must not starve the other calls.
            await asyncio.wait({client_gone}, timeout=wait_s)
            if client_gone.done():
                return
        await send({"type": "http.response.body", "body": b""})
    finally:
        client_gone.cancel()


def _pieces(answer: Answer) -> Iterator[tuple[bytes, float]]:
    """Yield pieces of the body, each with the seconds to wait behind it. Never holds the padding whole."""
    size, wait_s = PIECE_BYTES, 0.0
    if answer.bytes_per_second:
        size = max(1, round(answer.bytes_per_second / DRIPS_PER_SECOND))
        wait_s = size / answer.bytes_per_second
    for start in range(0, max(len(answer.body), answer.padded_to), size):
        piece = answer.body[start : start + size]
        yield piece.ljust(min(size, answer.padded_to - start)), wait_s
