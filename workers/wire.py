"""Wire: one libcurl handle, its connection, and the call under way; all that libcurl has to be told.

The errors here know whether a byte of the request may have left.
"""

from __future__ import annotations

import select
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import pycurl
import requests
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH

MAX_BODY: Final = 64 * 1024
"""Bytes kept of an answer; the rest is not read."""
MAX_HEAD: Final = 64 * 1024
"""Bytes read of status lines and headers, those of 1xx answers included."""
IDLE_S: Final = 3
"""A connection idle for longer is not used again: the far end may be closing it just now, which would make
the next call unclear for nothing. Common servers close after 5 s."""
LONGEST_KNOWN: Final = 256
"""Bytes of the longest line of a header that is remembered."""
LIFETIME_S: Final = 300
"""A connection older than this is not used again, so that a change of DNS is noticed."""

_HTTP_AND_HTTPS: Final = pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS
# CURLOPT_QUICK_EXIT, which pycurl does not name: without it closing a handle waits for a resolver that does
# not answer (measured: 9 s).
_QUICK_EXIT: Final = 322
_UNTRUSTED: Final = frozenset(
    {pycurl.E_PEER_FAILED_VERIFICATION, pycurl.E_SSL_CACERT_BADFILE, pycurl.E_SSL_ISSUER_ERROR}
)


class LostError(requests.ConnectionError):
    """Say that no whole answer came; `sent` tells whether any byte of the request may have left."""

    def __init__(self, message: str, *, sent: bool, curl_error: int, status: int | None) -> None:
        # Without the request, which requests would keep here: its headers hold the keys.
        super().__init__(message)
        self.sent = sent
        self.curl_error = curl_error
        self.status = status


class DeadlineError(LostError, requests.Timeout):
    """Say that the time ran out, for the connection or for the whole attempt."""


class UntrustedError(LostError, requests.exceptions.SSLError):
    """Say that the far end's certificate could not be verified; nothing was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Hold an answer that is whole, or cut at the cap; the names of its headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool


class CurlResponse(requests.Response):
    """Be a response that is whole, or cut at the cap (`truncated`), and never a redirect to follow."""

    reply: Reply
    truncated: bool = False

    @property
    def is_redirect(self) -> bool:
        """Answer no: requests would else parse, and offer, where a stranger points to."""
        return False


class Wire:
    """Hold one libcurl handle, its connection, and the call under way."""

    _cut: bool
    _head: list[bytes]

    def __init__(self) -> None:
        self.used_at = 0
        self.anew = False
        """Whether the call has to have a connection of its own."""
        self._aimed: tuple[str, bool | str, str] | None = None
        self.headers: Sequence[str] = ()
        self._limits = (0, 0)
        self._begin(b"")
        self.curl = pycurl.Curl()
        for option, value in (
            (pycurl.NOSIGNAL, 1),
            (_QUICK_EXIT, 1),
            (pycurl.POST, 1),
            (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
            (pycurl.PROTOCOLS, _HTTP_AND_HTTPS),
            (pycurl.FOLLOWLOCATION, 0),
            (pycurl.NETRC, pycurl.NETRC_IGNORED),
            (pycurl.SSL_VERIFYPEER, 1),
            (pycurl.SSL_VERIFYHOST, 2),
            (pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2),
            (pycurl.MAXCONNECTS, 1),
            (pycurl.MAXAGE_CONN, IDLE_S),
            (pycurl.MAXLIFETIME_CONN, LIFETIME_S),
            (pycurl.WRITEFUNCTION, self._keep_body),
            (pycurl.HEADERFUNCTION, self._keep_head),
            # The body comes from a function, and there is no SEEKFUNCTION: when a reused connection dies
            # before the answer, libcurl sends the request again by itself, unless it cannot rewind the body
            # (error 65).
            (pycurl.READFUNCTION, self._read_body),
        ):
            self.curl.setopt(option, value)

    def aim(self, url: str, *, trust: bool | str, proxy: str) -> None:
        """Set what seldom changes from one call to the next."""
        if self._aimed == (url, trust, proxy):
            return
        self.curl.setopt(pycurl.URL, url)
        self.curl.setopt(pycurl.CAINFO, DEFAULT_CA_BUNDLE_PATH if trust is True else str(trust))
        # An empty PROXY and a NOPROXY of * keep libcurl from asking the environment.
        self.curl.setopt(pycurl.PROXY, proxy)
        self.curl.setopt(pycurl.NOPROXY, "" if proxy else "*")
        self._aimed = (url, trust, proxy)

    def load(self, headers: Sequence[str], body: bytes, *, connect_ms: int, whole_ms: int) -> None:
        """Take a call on: what changes from one to the next. `headers` are whole lines."""
        self._begin(body)
        self.curl.setopt(pycurl.POSTFIELDSIZE_LARGE, len(body))
        if headers is not self.headers:  # libcurl copies them, line by line
            self.curl.setopt(pycurl.HTTPHEADER, list(headers))
            self.headers = headers
        if self._limits != (connect_ms, whole_ms):
            self.curl.setopt(pycurl.CONNECTTIMEOUT_MS, connect_ms)
            self.curl.setopt(pycurl.TIMEOUT_MS, whole_ms)
            self._limits = (connect_ms, whole_ms)

    def perform(self) -> None:
        """Send, and wait for the answer to its end or the cap; raise LostError if it does not come whole."""
        self.connect_anew(self._is_stale())
        try:
            self.curl.perform()
        except pycurl.error as error:
            lost = self.lost(*error.args)
        else:
            lost = self.lost()
        if lost is not None:
            raise lost

    def connect_anew(self, wanted: bool) -> None:
        """Use a connection of its own for the call, or one that is there."""
        if wanted is not self.anew:
            self.curl.setopt(pycurl.FRESH_CONNECT, wanted)
            self.anew = wanted

    def lost(self, curl_error: int = 0, message: str = "") -> LostError | None:
        """Tell whether the call that ended so is lost; the cap on the body is no loss."""
        self._body = b""
        if curl_error and not self._cut:
            return self._loss(curl_error, message)
        self._head = last_head(self._head)
        if not (b"\r\n" in self._head or b"\n" in self._head):
            # libcurl takes an end amid the headers for the end of an answer without a body.
            return self._loss(pycurl.E_GOT_NOTHING, "the answer ended in its headers")
        return None

    @property
    def asked(self) -> bool:
        """Tell whether a byte of the call may have left."""
        return self._asked

    @property
    def reply(self) -> Reply:
        """Return the answer."""
        return Reply(
            status=self.curl.getinfo(pycurl.RESPONSE_CODE),
            headers={name.lower(): value for name, value in filter(None, map(header_in, self._head))},
            body=self._kept[0] if len(self._kept) == 1 else b"".join(self._kept),
            truncated=self._cut,
        )

    def response(self, url: str) -> CurlResponse:
        """Return the answer as requests knows it, its body already read."""
        reply = self.reply
        response = CurlResponse()
        response.url = url
        response.status_code = reply.status
        response.headers = CaseInsensitiveDict(filter(None, map(header_in, self._head)))
        response._content = reply.body  # noqa: SLF001 - requests has no other way in
        response._content_consumed = True  # type: ignore[attr-defined]  # noqa: SLF001
        response.reply, response.truncated = reply, reply.truncated
        return response

    def close(self) -> None:
        """Close the connection and free the handle."""
        self.curl.close()

    def _is_stale(self) -> bool:
        """Tell whether the kept connection was closed, or has something to say unasked.

        libcurl looks too, but only when the connection was idle for a second (8.23): before that it sends on
        one that the far end has closed, and the call is unclear for nothing.
        """
        socket: int = self.curl.getinfo(pycurl.ACTIVESOCKET)
        return socket >= 0 and is_readable(socket)

    def _begin(self, body: bytes) -> None:
        self._body = body
        self._at = 0
        self._asked = False
        self._head = []
        self._head_room = MAX_HEAD
        self._kept: list[bytes] = []
        self._room = MAX_BODY
        self._cut = False

    def _read_body(self, size: int) -> bytes:
        # libcurl fills its buffer with headers and body before it sends: not asked means that no byte left.
        self._asked = True
        start = self._at
        self._at += size
        return self._body[start : self._at]

    def _keep_head(self, line: bytes) -> int | None:
        self._head.append(line)
        self._head_room -= len(line)
        return None if self._head_room >= 0 else 0

    def _keep_body(self, chunk: bytes) -> int | None:
        self._kept.append(chunk[: self._room])
        self._room -= len(chunk)
        if self._room >= 0:
            return None
        self._cut = True
        return 0

    def _loss(self, curl_error: int, message: str) -> LostError:
        status = self.curl.getinfo(pycurl.RESPONSE_CODE)
        facts: dict[str, Any] = {
            "sent": self._asked,
            "curl_error": curl_error,
            "status": status if status >= 200 else None,
        }
        if curl_error in _UNTRUSTED and not self._asked:
            return UntrustedError(message, **facts)
        if curl_error == pycurl.E_OPERATION_TIMEDOUT:
            return DeadlineError(message, **facts)
        return LostError(message, **facts)


def lines_of(headers: Mapping[str, str]) -> list[str]:
    """Return headers as libcurl takes them."""
    # Content-Length is libcurl's to say. An Expect would cost a round trip or a second.
    lines = [f"{name}: {value}" for name, value in headers.items() if name.lower() != "content-length"]
    lines.append("Expect:")
    return lines


def is_readable(socket: int) -> bool:
    """Tell whether a socket was closed by its far end, or has something to say."""
    poll = select.poll()
    poll.register(socket, select.POLLIN)
    return bool(poll.poll(0))


def last_head(lines: list[bytes]) -> list[bytes]:
    """Drop what came before the last status line: a 1xx answer, or the proxy's."""
    for at in range(len(lines) - 1, 0, -1):
        if lines[at].startswith(b"HTTP/"):
            return lines[at:]
    return lines


def header_in(line: bytes) -> tuple[str, str] | None:
    """Return a header's name and value; None for a line that is none, the status line among them."""
    return _known_header(line) if len(line) <= LONGEST_KNOWN else _known_header.__wrapped__(line)


@lru_cache(maxsize=256)
def _known_header(line: bytes) -> tuple[str, str] | None:
    """Read a line; most are the same in each answer."""
    name, colon, value = line.decode("latin-1").partition(":")
    return (name.strip(), value.strip()) if colon and not line.startswith(b"HTTP/") else None
