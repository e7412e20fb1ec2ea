"""Carry a POST of requests through libcurl: one deadline, one copy, nothing followed, little kept.

An adapter to mount on a `requests.Session`. What it gives that urllib3's does not: a wall-clock limit for the
whole attempt (DNS to last byte), caps on what is read, no redirects, no decompression, and errors that know
whether the request may have left.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

import requests
from requests.adapters import BaseAdapter

from shipper.clock import monotonic_ms
from workers.wire import CurlResponse, Wire, lines_of

FORGET_IDLE_MS: Final = 30_000
"""A handle idle for longer is closed, with the connection that it may still hold."""


class CurlAdapter(BaseAdapter):
    """Send prepared POSTs over kept-alive connections, one handle for each call under way.

    Safe for any number of threads, and after a fork: a child never touches its parent's connections.
    """

    def __init__(self) -> None:
        super().__init__()
        self._idle: deque[Wire] = deque()
        self._pid = os.getpid()
        self._of_parent: list[deque[Wire]] = []

    def send(  # noqa: PLR0917 - requests' signature
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002 - requests passes it
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> CurlResponse:
        """Post the request's bytes; `timeout` is (seconds to connect, seconds for all).

        The body is always read, whatever `stream` says. Raises LostError or one of its kinds, and ValueError
        for what this adapter does not do: a call without a limit, another method, an unverified certificate.
        """
        if request.method != "POST" or not isinstance(request.body, bytes):
            raise ValueError("the adapter posts bytes and does nothing else")
        if verify is False or cert is not None:
            raise ValueError("certificates are always verified, and none of our own is shown")
        connect_ms, whole_ms = _milliseconds(timeout)
        wire = self._take()
        try:
            wire.aim(str(request.url), trust=verify, proxy=_proxy_for(str(request.url), proxies))
            wire.load(lines_of(request.headers), request.body, connect_ms=connect_ms, whole_ms=whole_ms)
            wire.perform()
            response = wire.response(str(request.url))
        finally:
            self._give_back(wire)
        response.request = request
        return response

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._disown()
        while self._idle:
            self._idle.pop().close()

    def _disown(self) -> None:
        """After a fork leave the parent's connections alone: closing would say goodbye on them."""
        if self._pid != os.getpid():
            self._of_parent.append(self._idle)
            self._idle, self._pid = deque(), os.getpid()

    def _take(self) -> Wire:
        self._disown()
        try:
            return self._idle.pop()  # the last one used: its connection is the freshest
        except IndexError:
            return Wire()

    def _give_back(self, wire: Wire) -> None:
        wire.used_at = monotonic_ms()
        self._idle.append(wire)
        try:
            oldest = self._idle[0]
            if wire.used_at - oldest.used_at > FORGET_IDLE_MS:
                self._idle.remove(oldest)
                oldest.close()
        except (IndexError, ValueError):  # another thread took it meanwhile
            pass


def _milliseconds(timeout: Any) -> tuple[int, int]:
    """Read (connect, whole) in seconds; less than a millisecond is refused: libcurl takes 0 as no limit."""
    connect, whole = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    if connect is None or whole is None or min(connect, whole) < 0.001:
        raise ValueError(f"the call needs limits of at least a millisecond, not {timeout!r}")
    return int(connect * 1000), int(whole * 1000)


def _proxy_for(url: str, proxies: Mapping[str, str] | None) -> str:
    return (proxies or {}).get(url.partition(":")[0], "")
