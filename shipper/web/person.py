"""Person: who looks at the page, what they may do, and the tokens by which they are known.

Tokens come from `SHIPPER_WEB_TOKENS` as `name:role:token,…` and are kept as hashes alone.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from shipper.errors import Problem, SettingsError

SETTING: Final = "SHIPPER_WEB_TOKENS"
SHORTEST: Final = 20
"""Characters of a token: what a person makes up is guessed, `openssl rand -hex 20` is not."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_TOKEN: Final = re.compile(rf"[!-~]{{{SHORTEST},256}}")


class Role(StrEnum):
    """What a person may do: look, with personal data masked; or everything."""

    VIEWER = "viewer"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who was let in."""

    name: str
    role: Role

    def may(self, needs: Role) -> bool:
        """Tell whether this role is enough."""
        return self.role is Role.OPERATOR or needs is Role.VIEWER


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A person's token, as its hash; the hash signs their sessions, so a token withdrawn ends them."""

    person: Person
    digest: bytes = field(repr=False)


def read_tokens(text: str) -> tuple[Token, ...]:
    """Read the setting; raise SettingsError naming every problem, and no token."""
    found, problems = [], []
    for number, entry in enumerate(filter(None, (part.strip() for part in text.split(","))), start=1):
        name, _, rest = entry.partition(":")
        role, _, token = rest.partition(":")
        wrong = list(_wrong(name, role, token))
        problems += [Problem(SETTING, f"entry {number} {what}") for what in wrong]
        if not wrong:
            found.append(Token(person=Person(name=name, role=Role(role)), digest=digest_of(token)))
    names = [token.person.name for token in found]
    problems += [
        Problem(SETTING, f"names {name} twice") for name in sorted({n for n in names if names.count(n) > 1})
    ]
    if len({token.digest for token in found}) < len(found):
        problems.append(Problem(SETTING, "gives two people the same token"))
    if problems:
        raise SettingsError(problems)
    return tuple(found)


def owner_of(token: str, tokens: tuple[Token, ...]) -> Token | None:
    """Return whose token it is; all are compared, each in constant time."""
    digest = digest_of(token)
    matches = [each for each in tokens if hmac.compare_digest(each.digest, digest)]
    return matches[0] if matches else None


def digest_of(token: str) -> bytes:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _wrong(name: str, role: str, token: str) -> Iterator[str]:
    if not _NAME.fullmatch(name):
        yield "has no usable name: 1 to 64 letters, digits, . _ @ -, as in ann:operator:TOKEN"
    if role not in set(Role):
        yield "has no role: viewer or operator, between two colons"
    if not _TOKEN.fullmatch(token):
        yield f"has no usable token: at least {SHORTEST} printable ASCII characters without a comma"
