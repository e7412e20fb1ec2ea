"""Porter: decides who a request comes from, and whether it came from our own page. Pure.

With tokens: a bearer token, or the cookie of somebody who signed in. Without (on loopback alone): whoever is
at this machine, but only under a loopback name: a name of the internet that leads to 127.0.0.1 opens nothing.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from shipper.web.person import Person, Role, Token, owner_of
from shipper.web.session import COOKIE, read_session

BEARER: Final = "bearer "


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the porter looks at: headers by their lower-case names, cookies, and whose request it is."""

    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    address: str = "?"

    @property
    def bearer(self) -> str | None:
        """Return the token that the request shows, if it shows one."""
        said = self.headers.get("authorization", "")
        return said[len(BEARER) :].strip() if said.lower().startswith(BEARER) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Porter:
    """Know the tokens; without any, the one person at this machine."""

    tokens: tuple[Token, ...]
    local: str

    @property
    def is_open(self) -> bool:
        """Tell whether no token is needed."""
        return not self.tokens

    def serves(self, asked: Asked) -> bool:
        """Tell whether the page is served under the name that was asked for."""
        return not self.is_open or is_loopback(_host_of(asked.headers.get("host", "")))

    def person(self, asked: Asked, *, now: int) -> Person | None:
        """Return who it is; None for a stranger."""
        if self.is_open:
            return Person(name=self.local, role=Role.OPERATOR)
        if asked.bearer is not None:
            token = owner_of(asked.bearer, self.tokens)
        else:
            token = read_session(asked.cookies.get(COOKIE, ""), self.tokens, now=now)
        return token.person if token else None

    def may_act(self, asked: Asked, *, api: bool) -> bool:
        """Tell whether a POST is its sender's own will, and not that of another site open in their browser.

        A browser says where it comes from. A program says nothing, which is enough with a bearer token,
        or for the API, whose JSON no form of another site can send.
        """
        own = _is_same_origin(asked.headers)
        if own is None:
            return asked.bearer is not None or (api and self.is_open)
        return own


def is_loopback(host: str) -> bool:
    """Tell whether a host's name or address is this machine's own."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_same_origin(headers: Mapping[str, str]) -> bool | None:
    """Read what a browser says of a request's origin; None where nothing is said."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site != "same-origin":
        return False
    if origin is not None:
        return _netloc_of(origin) == headers.get("host", "").lower()
    return None if site is None else True


def _netloc_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _host_of(netloc: str) -> str:
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""
