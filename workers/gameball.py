"""Post events to Gameball: the only place that speaks HTTP to it."""

from __future__ import annotations

import re
import threading
from functools import lru_cache
from typing import Final, cast

import requests

from shipper.clock import now_ms
from workers.curl import CurlAdapter
from workers.settings import Account, KeyUnreadableError
from workers.verdict import Answer, Loss
from workers.wire import CurlResponse, DeadlineError, LostError, UntrustedError

_STARS: Final = "**********"
_SHORTEST_SECRET: Final = 8
"""Anything shorter is no key but somebody's `test`, and may well be a word of the answer."""


class _Hidden(str):
    """Be a string that is sent as it is and shown as stars, in a dump of local variables too."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(_STARS)


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
        return _answer(response)

    def close(self) -> None:
        """Close the idle connections."""
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
        request.headers["APIKey"] = _Hidden(self._account.api_key.read().get_secret_value())
        if self._account.secret_key.is_configured:
            request.headers["SecretKey"] = _Hidden(self._account.secret_key.read().get_secret_value())
        return request


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


def _answer(response: CurlResponse) -> Answer:
    headers = response.headers
    # Identity was asked for. What comes packed all the same is not unpacked, and counts as no body.
    readable = headers.get("Content-Encoding", "identity").lower() == "identity"
    return Answer(
        status=response.status_code,
        body=_without_keys(response) if readable else b"",
        truncated=response.truncated,
        content_type=headers.get("Content-Type", ""),
        retry_after=headers.get("Retry-After", ""),
        date=headers.get("Date", ""),
        received_at=now_ms(),
    )


def _without_keys(response: CurlResponse) -> bytes:
    """Blot out our own keys, should the answer quote them: parts of it are kept and shown."""
    sent = response.request.headers
    secrets = tuple(
        str(sent[name]) for name in ("APIKey", "SecretKey") if len(sent.get(name, "")) >= _SHORTEST_SECRET
    )
    return _pattern_of(secrets).sub(_STARS.encode(), response.content) if secrets else response.content


@lru_cache(maxsize=32)
def _pattern_of(secrets: tuple[str, ...]) -> re.Pattern[bytes]:
    r"""Match the keys, also where JSON writes a character as `\u002B` or `\/`."""
    return re.compile("|".join("".join(map(_either, secret)) for secret in secrets).encode())


def _either(char: str) -> str:
    return rf"(?:\\?{re.escape(char)}|\\u(?i:{ord(char):04x}))"
