"""Upload: a file that somebody sends, received piece by piece into one that has no name.

One at a time, each of bounded size, so that no more than that is ever taken of the disk. It is gone once it
was answered.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Lock
from typing import BinaryIO, Final, cast

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from shipper.web.refusal import Refusal

JSON_LINES: Final = "application/x-ndjson"
LARGEST_FILE: Final = 128 * 1024 * 1024
"""Some hundred thousand letters; the command line takes any number."""
PATIENCE_S: Final = 30
"""Longest wait for the next piece: a line that went dead must not hold the place for ever."""
LONGEST_HEAD: Final = 8 * 1024
_BOUNDARY: Final = re.compile(r'boundary="?([!#-+\--:=?A-Z^_a-z|~ ]{1,70})"?', re.ASCII)
_PLACE: Final = Lock()


class Part:
    """Take the one file of a form (`multipart/form-data`) out of it, without holding it."""

    def __init__(self, boundary: str) -> None:
        self._first = f"--{boundary}\r\n".encode()
        self._last = f"\r\n--{boundary}--".encode()
        self._held = b""
        self._inside = False

    def feed(self, piece: bytes) -> bytes:
        """Take a piece of the form; return what of the file is certain by now."""
        self._held += piece
        if not self._inside:
            head, end, rest = self._held.partition(b"\r\n\r\n")
            if not end and len(head) < LONGEST_HEAD:
                return b""
            if not (end and head.startswith(self._first)):
                raise Refusal(400, "The form holds no file.")
            self._held, self._inside = rest, True
        keep = len(self._last) + 2
        certain, self._held = self._held[:-keep], self._held[-keep:]
        return certain

    def end(self) -> bytes:
        """Return the rest of the file."""
        rest = self._held.removesuffix(b"\r\n")
        if not (self._inside and rest.endswith(self._last)):
            raise Refusal(400, "The form was not whole.")
        return rest.removesuffix(self._last)


class Whole:
    """A file that is a request's whole body."""

    def feed(self, piece: bytes) -> bytes:
        """Return the piece."""
        return piece

    def end(self) -> bytes:
        """Return nothing: all was told."""
        return b""


@asynccontextmanager
async def upload(request: Request, *, api: bool) -> AsyncIterator[BinaryIO]:
    """Yield what was sent, from its beginning: of a form its one file, of an API call the body."""
    wrapped = _wrapping(request, api=api)
    if not _PLACE.acquire(blocking=False):
        raise Refusal(409, "Another file is being taken in: try again when that has ended.")
    try:
        with tempfile.TemporaryFile() as file:
            await _receive(request, wrapped, cast("BinaryIO", file))
            file.seek(0)
            yield cast("BinaryIO", file)
    finally:
        _PLACE.release()


def _wrapping(request: Request, *, api: bool) -> Part | Whole:
    said = request.headers.get("content-type", "")
    kind, wanted = said.partition(";")[0].strip().lower(), JSON_LINES if api else "multipart/form-data"
    boundary = _BOUNDARY.search(said)
    if kind != wanted or not (api or boundary):
        raise Refusal(415, f"The body must be {wanted}.")
    return Part(boundary[1]) if boundary and not api else Whole()


async def _receive(request: Request, wrapped: Part | Whole, file: BinaryIO) -> None:
    size, pieces = 0, aiter(request.stream())
    try:
        while True:
            async with asyncio.timeout(PATIENCE_S):
                piece = await anext(pieces, None)
            if piece is None:
                break
            size += len(piece)
            if size > LARGEST_FILE:
                raise Refusal(413, f"More than {LARGEST_FILE} bytes: shipper dead import takes any size.")
            await run_in_threadpool(file.write, wrapped.feed(piece))
        await run_in_threadpool(file.write, wrapped.end())
    except TimeoutError:
        raise Refusal(408, f"Nothing more came for {PATIENCE_S} s.") from None
    except ClientDisconnect:
        raise Refusal(400, "The file was not whole.") from None
    except OSError as error:
        raise Refusal(507, f"There is no room for the file here: {error.strerror}.") from None
