"""Wire: one libcurl handle, its connection, and the call under way; all that libcurl has to be told.

The errors here know whether a byte of the request may have left.
"""

from __future__ import annotations

import select
from collections.abc import Mapping
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


class CurlResponse(requests.Response):
    """Be a response that is whole, or cut at the cap (`truncated`), and never a redirect to follow."""

    truncated: bool = False

    @property
    def is_redirect(self) -> bool:
        """Answer no: requests would else parse, and offer, where a stranger points to."""
        return False


class Wire:
    """Hold one libcurl handle, its connection, and the call under way."""

    _cut: bool

    def __init__(self) -> None:
        self.used_at = 0
        self._aimed: tuple[str, bool | str, str] | None = None
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

    def perform(self, headers: Mapping[str, str], body: bytes, *, connect_ms: int, whole_ms: int) -> None:
        """Send, and wait for the answer to its end or the cap; raise LostError if it does not come whole."""
        self._begin(body)
        self.curl.setopt(pycurl.FRESH_CONNECT, self._is_stale())
        self.curl.setopt(pycurl.HTTPHEADER, _lines(headers))
        self.curl.setopt(pycurl.POSTFIELDSIZE_LARGE, len(body))
        self.curl.setopt(pycurl.CONNECTTIMEOUT_MS, connect_ms)
        self.curl.setopt(pycurl.TIMEOUT_MS, whole_ms)
        try:
            self.curl.perform()
        except pycurl.error as error:
            if not self._cut:
                raise self._lost(*error.args) from None
        finally:
            self._body = b""
        if not self._headed:
            # libcurl takes an end amid the headers for the end of an answer without a body.
            raise self._lost(pycurl.E_GOT_NOTHING, "the answer ended in its headers")

    def response(self, url: str) -> CurlResponse:
        """Return the answer as requests knows it, its body already read."""
        response = CurlResponse()
        response.url = url
        response.status_code = self.curl.getinfo(pycurl.RESPONSE_CODE)
        response.headers = _headers_of(self._head)
        response._content = b"".join(self._kept)  # noqa: SLF001 - requests has no other way in
        response._content_consumed = True  # type: ignore[attr-defined]  # noqa: SLF001
        response.truncated = self._cut
        return response

    def close(self) -> None:
        """Close the connection and free the handle."""
        self.curl.close()

    def _is_stale(self) -> bool:
        """Tell whether the kept connection was closed, or has something to say unasked.

        libcurl looks too, but only when the connection was idle for a second (8.23): before that it sends on
        one that the far end has closed, and the call is unclear for nothing.
        """
        socket = self.curl.getinfo(pycurl.ACTIVESOCKET)
        if socket < 0:
            return False
        poll = select.poll()
        poll.register(socket, select.POLLIN)
        return bool(poll.poll(0))

    def _begin(self, body: bytes) -> None:
        self._body = body
        self._at = 0
        self._asked = False
        self._head: list[bytes] = []
        self._head_size = 0
        self._headed = False
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
        if line.startswith(b"HTTP/"):
            self._head.clear()  # what came before was a 1xx answer, or the proxy's
            self._headed = False
        self._headed = self._headed or line in {b"\r\n", b"\n"}
        self._head.append(line)
        self._head_size += len(line)
        return None if self._head_size <= MAX_HEAD else 0

    def _keep_body(self, chunk: bytes) -> int | None:
        self._kept.append(chunk[: self._room])
        self._room -= len(chunk)
        if self._room >= 0:
            return None
        self._cut = True
        return 0

    def _lost(self, curl_error: int, message: str) -> LostError:
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


def _lines(headers: Mapping[str, str]) -> list[str]:
    # Content-Length is libcurl's to say. An Expect would cost a round trip or a second.
    lines = [f"{name}: {value}" for name, value in headers.items() if name.lower() != "content-length"]
    lines.append("Expect:")
    return lines


def _headers_of(lines: list[bytes]) -> CaseInsensitiveDict[str]:
    headers: CaseInsensitiveDict[str] = CaseInsensitiveDict()
    for line in lines[1:]:
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            headers[name.strip()] = value.strip()
    return headers
