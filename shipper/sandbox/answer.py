"""What goes back for a call: Gameball's answer, or what a fault makes of it. Pure."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final, assert_never

from shipper.sandbox.act import Act, WrongBody
from shipper.sandbox.codes import CODE_OF_STATUS, failure, failure_body, status_of
from shipper.sandbox.contract import Refusal

Headers = tuple[tuple[bytes, bytes], ...]

JSON: Final = (b"content-type", b"application/json; charset=utf-8")
HTML: Final = (b"content-type", b"text/html; charset=utf-8")
SUCCESS: Final = b'{"success":true,"message":"Events have been tracked successfully."}'
BODILESS: Final = frozenset({204, 304})
MIB: Final = 1024 * 1024


class Cut(StrEnum):
    """How a connection ends instead of an answer, or (`short`) in the middle of one."""

    RESET = "reset"
    CLOSED = "closed"
    SHORT = "short"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer, and how it is sent."""

    status: int = 200
    headers: Headers = ()
    body: bytes = b""
    padded_to: int = 0
    """Blanks follow the body until it is this many bytes."""
    bytes_per_second: float | None = None
    cut: Cut | None = None

    @property
    def word(self) -> str:
        """Return what it is counted as."""
        return self.cut.value if self.cut in (Cut.RESET, Cut.CLOSED) else str(self.status)


ACCEPTED: Final = Answer(headers=(JSON,), body=SUCCESS)
DROPPED: Final = Answer(cut=Cut.CLOSED)
TOO_LARGE: Final = Answer(
    status=413, headers=(HTML,), body=b"<html><h1>413 Request Entity Too Large</h1></html>"
)


def refusal_answer(refusal: Refusal, request_id: str) -> Answer:
    """Tell a refusal in Gameball's words."""
    return Answer(
        status=refusal.status, headers=(JSON,), body=failure_body(refusal.code, refusal.message, request_id)
    )


def struck_answer(act: Act, request_id: str) -> Answer:
    """Return what a fault lets out."""
    if act.reset:
        return Answer(cut=Cut.RESET)
    if act.close:
        return DROPPED
    status = act.status or (200 if act.code is None else status_of(act.code))
    if status in BODILESS:
        return Answer(status=status, headers=_extra_headers(act))
    headers, body = _content(act, status, request_id)
    return Answer(
        status=status,
        headers=(*headers, *_extra_headers(act)),
        body=body,
        padded_to=act.oversize or 0,
        bytes_per_second=act.drip,
        cut=Cut.SHORT if act.wrong_body is WrongBody.SHORT else None,
    )


def _content(act: Act, status: int, request_id: str) -> tuple[Headers, bytes]:
    if act.empty:
        return (), b""
    if act.html is not None:
        return (HTML,), act.html.encode(errors="surrogatepass")
    if act.has_body:
        text = act.body if isinstance(act.body, str) else json.dumps(act.body)
        # A lone surrogate goes out as it is: bytes that are no UTF-8 are one more wrong body.
        return (JSON,), text.encode(errors="surrogatepass")
    usual = _usual_body(act, status, request_id)
    return _wrong_content(act.wrong_body, usual) if act.wrong_body else ((JSON,) if usual else (), usual)


def _usual_body(act: Act, status: int, request_id: str) -> bytes:
    """Return what Gameball would say with this status and code; a gateway's status says nothing."""
    code = act.code if act.code is not None else CODE_OF_STATUS.get(status)
    if code is None:
        return SUCCESS if status < 300 else b""
    error = failure(code, "The sandbox was asked to answer so.", request_id)
    return json.dumps({"success": False, **error} if status < 300 else error).encode()


def _wrong_content(wrong: WrongBody, usual: bytes) -> tuple[Headers, bytes]:
    match wrong:
        case WrongBody.SUCCESS_FALSE:
            return (JSON,), b'{"success":false,"message":"The sandbox was asked to answer so."}'
        case WrongBody.NOT_JSON:
            return (JSON,), b"This is not JSON {"
        case WrongBody.LIST:
            return (JSON,), b"[true]"
        case WrongBody.TRUNCATED | WrongBody.SHORT:
            return (JSON,), usual[: len(usual) // 2]
        case WrongBody.GZIP_BOMB:
            return (JSON, (b"content-encoding", b"gzip")), _gzip_bomb()
        case _:
            assert_never(wrong)


def _extra_headers(act: Act) -> Headers:
    extra = dict(act.headers)
    if act.retry_after is not None:
        extra["Retry-After"] = str(act.retry_after)
    return tuple((name.lower().encode(), value.encode()) for name, value in extra.items())


@cache
def _gzip_bomb() -> bytes:
    """Return a megabyte of gzip that unpacks to a gigabyte of blanks; its checksum is wrong."""
    head = gzip.compress(b"")[:10]
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packer.compress(b" " * MIB)
    packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b" " * MIB) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + block * 1024 + packer.flush(zlib.Z_FINISH) + bytes(8)
