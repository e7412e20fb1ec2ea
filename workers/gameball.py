"""Post events to Gameball: the only place that speaks HTTP to it."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, cast

import requests
from pydantic import SecretStr

from shipper.clock import now_ms
from workers.curl import CurlAdapter
from workers.settings import Account, KeyUnreadableError
from workers.verdict import Answer, Loss
from workers.wire import CurlResponse, DeadlineError, LostError, Reply, UntrustedError, Wire, lines_of

_STARS: Final = "**********"
_SHORTEST_SECRET: Final = 8
"""Anything shorter is no key but somebody's `test`, and may well be a word of the answer."""


class _Hidden(str):
    """Be a string that is sent as it is and shown as stars, in a dump of local variables too."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(_STARS)


class _HiddenLines(tuple[str, ...]):
    """Be lines of headers, some of which hold a key."""

    __slots__ = ()

    def __repr__(self) -> str:
        return _STARS


class Gameball:
    """Hold an account's connections to Gameball. Any thread may post at any time, after a fork as well.

    Each thread has its own `requests.Session`; all share one adapter, so that a thread that comes and goes
    leaves its warm connection to the next.
    """

    def __init__(self, account: Account, *, connect_timeout_ms: int = 3000) -> None:
        self._account: Final = account
        self._connect_timeout_ms: Final = connect_timeout_ms
        self._adapter: Final = CurlAdapter()
        self._verify: Final = account.ca_bundle or True
        proxy = _Hidden(account.proxy.get_secret_value())
        self._proxies: Final[dict[str, str]] = {"http": proxy, "https": proxy} if proxy else {}
        self._threads: Final = threading.local()
        self._prepared: Final = self._new_session().prepare_request(_request(account))
        self._written: tuple[tuple[SecretStr, SecretStr | None], _HiddenLines] | None = None
        self._wires: Final[list[Wire]] = []
        """Those that no call uses. A wire that a fleet posts on holds no connection."""

    def __repr__(self) -> str:
        return f"Gameball({self._account.alias}, {self._account.events_url})"

    def post(self, body: bytes, *, timeout_ms: int) -> Answer:
        """Post one call and return what came back within `timeout_ms`, or how it was lost."""
        if timeout_ms < 1:
            return Answer(lost=Loss.UNSENT, detail="no time was left")
        try:
            response = self._send(body, timeout_ms / 1000)
        except KeyUnreadableError as error:
            return Answer(lost=Loss.KEYS, detail=str(error))
        except LostError as error:
            return Answer(lost=_loss_of(error), status=error.status, detail=str(error))
        return _answer(response.reply, tuple(lines_of(response.request.headers)))

    def load(self, body: bytes, *, timeout_ms: int) -> Wire | Answer:
        """Return a wire that a fleet can post on, or why there is nothing to post."""
        if timeout_ms < 1:
            return Answer(lost=Loss.UNSENT, detail="no time was left")
        try:
            lines = self._lines()
        except KeyUnreadableError as error:
            return Answer(lost=Loss.KEYS, detail=str(error))
        wire = self._wires.pop() if self._wires else Wire()
        wire.aim(self._account.events_url, trust=self._verify, proxy=self._proxies.get("http", ""))
        wire.load(lines, body, connect_ms=min(self._connect_timeout_ms, timeout_ms), whole_ms=timeout_ms)
        return wire

    def unload(self, wire: Wire, lost: LostError | None) -> Answer:
        """Return what came back on a wire that a fleet has posted on, or how it was lost."""
        if lost is None:
            answer = _answer(wire.reply, wire.headers)
        else:
            answer = Answer(lost=_loss_of(lost), status=lost.status, detail=str(lost))
        self._wires.append(wire)
        return answer

    def close(self) -> None:
        """Close the idle connections of `post`; a fleet has its own."""
        self._adapter.close()

    def _send(self, body: bytes, timeout_s: float) -> CurlResponse:
        session: requests.Session | None = getattr(self._threads, "session", None)
        if session is None:
            session = self._threads.session = self._new_session()
        response = session.send(
            self._prepare(body),
            timeout=(min(self._connect_timeout_ms / 1000, timeout_s), timeout_s),
            verify=self._verify,
            proxies=self._proxies,
            allow_redirects=False,
        )
        return cast("CurlResponse", response)

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False  # no netrc, no proxies, no certificates from the environment
        session.headers.clear()
        session.adapters.clear()
        session.mount("https://", self._adapter)
        session.mount("http://", self._adapter)
        return session

    def _prepare(self, body: bytes) -> requests.PreparedRequest:
        """Copy what was prepared once, with this body and the keys as they are now."""
        request = self._prepared.copy()
        request.body = body
        request.headers.update(self._headers(self._keys()))
        return request

    def _keys(self) -> tuple[SecretStr, SecretStr | None]:
        """Return the keys as they are now; raise KeyUnreadableError."""
        secret = self._account.secret_key
        return self._account.api_key.read(), secret.read() if secret.is_configured else None

    def _headers(self, keys: tuple[SecretStr, SecretStr | None]) -> dict[str, str]:
        named = zip(("APIKey", "SecretKey"), keys, strict=True)
        return {name: _Hidden(key.get_secret_value()) for name, key in named if key is not None}

    def _lines(self) -> Sequence[str]:
        """Return the headers of a call as lines, the very same as long as the keys are."""
        keys = self._keys()
        if self._written is None or self._written[0] != keys:
            headers = {**self._prepared.headers, **self._headers(keys)}
            self._written = keys, _HiddenLines(lines_of(headers))
        return self._written[1]


def _request(account: Account) -> requests.Request:
    """Return what all calls have in common."""
    headers = {
        "User-Agent": "gameball-shipper",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
    }
    if account.lang:
        headers["lang"] = account.lang
    return requests.Request("POST", account.events_url, headers=headers, data=b"")


def _loss_of(error: LostError) -> Loss:
    if isinstance(error, UntrustedError):
        return Loss.TLS
    if not error.sent:
        return Loss.NOT_SENT
    return Loss.DEADLINE if isinstance(error, DeadlineError) else Loss.UNCLEAR


def _answer(reply: Reply, sent: Sequence[str]) -> Answer:
    """Read an answer to a call that had these lines of headers."""
    headers = reply.headers
    # Identity was asked for. What comes packed all the same is not unpacked, and counts as no body.
    readable = headers.get("content-encoding", "identity").lower() == "identity"
    return Answer(
        status=reply.status,
        body=_without_keys(reply.body, sent) if readable else b"",
        truncated=reply.truncated,
        content_type=headers.get("content-type", ""),
        retry_after=headers.get("retry-after", ""),
        date=headers.get("date", ""),
        received_at=now_ms(),
    )


def _without_keys(body: bytes, sent: Sequence[str]) -> bytes:
    """Blot out our own keys, should the answer quote them: parts of it are kept and shown."""
    pattern = _pattern_of(tuple(sent))
    return pattern.sub(_STARS.encode(), body) if pattern else body


@lru_cache(maxsize=32)
def _pattern_of(sent: tuple[str, ...]) -> re.Pattern[bytes] | None:
    r"""Match the keys, also where JSON writes a character as `\u002B` or `\/`."""
    named = dict(line.split(": ", 1) for line in sent if ": " in line)
    keys = (named.get(name, "") for name in ("APIKey", "SecretKey"))
    patterns = ["".join(map(_either, key)) for key in keys if len(key) >= _SHORTEST_SECRET]
    return re.compile("|".join(patterns).encode()) if patterns else None


def _either(char: str) -> str:
    return rf"(?:\\?{re.escape(char)}|\\u(?i:{ord(char):04x}))"
