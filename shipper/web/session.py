"""Session: the cookie that stands for a token after signing in; nothing is kept on the server.

It says who until when, signed with the hash of that person's token: withdrawing or changing a token ends its
sessions. Script cannot read it, and other sites' pages cannot send it.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from shipper.web.person import Token

COOKIE: Final = "shipper_session"
LIFE_MS: Final = 12 * 3_600_000


def write_session(token: Token, *, now: int) -> str:
    """Return the cookie's value for somebody who showed their token."""
    said = f"{token.person.name}/{now + LIFE_MS}"
    return f"{said}/{_signature(token, said)}"


def read_session(value: str, tokens: tuple[Token, ...], *, now: int) -> Token | None:
    """Return whose session it is; None for one that ran out or was not written by us."""
    said, _, signature = value.rpartition("/")
    name, _, until = said.partition("/")
    token = next((each for each in tokens if each.person.name == name), None)
    if token is None or not until.isascii() or not until.isdigit() or len(until) > 15 or int(until) <= now:
        return None
    right = hmac.compare_digest(_signature(token, said).encode(), signature.encode("utf-8", "replace"))
    return token if right else None


def _signature(token: Token, said: str) -> str:
    return hmac.new(token.digest, f"shipper session {said}".encode(), hashlib.sha256).hexdigest()
