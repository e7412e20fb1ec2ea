"""Know each Gameball account: where it is, and where its keys are read when they are needed.

The account `default` is configured by `GAMEBALL_BASE_URL`, `GAMEBALL_API_KEY` and so on; an account `shop-eu`
by `GAMEBALL_SHOP_EU_BASE_URL` and so on. A key is in its variable or in the file that `…_FILE` names.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from shipper.errors import Problem, SettingsError, ShipperError
from shipper.settings import Settings

DEFAULT_BASE_URL: Final = "https://api.gameball.co"
DEFAULT_VERSION: Final = "v4.0"

_VERSION: Final = re.compile(r"v\d{1,2}\.\d{1,2}")
_LANG: Final = re.compile(r"[a-z]{2}")
# Narrower than any URL parser: what two parsers could read differently is refused, not guessed.
_HOST: Final = r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?"
_BASE_URL: Final = re.compile(rf"(?P<scheme>https?)://{_HOST}(?:/[A-Za-z0-9._~-]+)*/?")
_PROXY: Final = re.compile(rf"https?://(?:[^\s/?#@]+@)?{_HOST}/?")
# What a header carries unharmed; a line break inside a key would add headers of its own.
_KEY: Final = re.compile(r"[\x21-\x7e]{1,1024}")


class KeyUnreadableError(ShipperError):
    """Say that a key is missing or cannot be used now; the message names its place, never its value."""


class Key:
    """Know where one key is and read it anew when asked, so that a rotated key needs no restart."""

    __slots__ = ("_environ", "_known", "_path", "_read", "file", "variable")

    def __init__(self, variable: str, environ: Mapping[str, str]) -> None:
        self.variable: Final = variable
        self.file: Final = environ.get(f"{variable}_FILE", "")
        self._path: Final = Path(self.file)
        self._environ = environ
        self._read: tuple[tuple[int, int, int], str] | None = None
        self._known: SecretStr | None = None

    def __repr__(self) -> str:
        return f"Key({self.origin})"

    @property
    def origin(self) -> str:
        """Name the place: the variable, or the variable of the file and its path."""
        return f"{self.variable}_FILE={self.file}" if self.file else self.variable

    @property
    def is_configured(self) -> bool:
        """Tell whether a place is given; whether it holds a key is told by `read`."""
        return bool(self.file or self._environ.get(self.variable))

    @property
    def is_ambiguous(self) -> bool:
        """Tell whether both places are given."""
        return bool(self.file and self._environ.get(self.variable))

    def read(self) -> SecretStr:
        """Return the key as it is now; raise KeyUnreadableError if no header could carry it."""
        text = self._from_file() if self.file else self._environ.get(self.variable, "")
        text = text.strip()
        if self._known is None or self._known.get_secret_value() != text:
            if not text:
                raise KeyUnreadableError(f"{self.origin} holds no key")
            if not _KEY.fullmatch(text):
                raise KeyUnreadableError(f"{self.origin} holds characters that no header may carry")
            self._known = SecretStr(text)
        return self._known

    def _from_file(self) -> str:
        """Read the file if it changed since the last look: a look costs a microsecond, reading it twenty."""
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            read = self._read
            if read is None or read[0] != seen:
                read = self._read = (seen, self._path.read_text(encoding="utf-8", errors="replace"))
            return read[1]
        except OSError as error:
            raise KeyUnreadableError(f"{self.origin} cannot be read: {error.strerror}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Say how one Gameball account is reached."""

    alias: str = "default"
    base_url: str = DEFAULT_BASE_URL
    version: str = DEFAULT_VERSION
    lang: str = ""
    """Two letters, or empty: no `lang` header."""
    proxy: SecretStr = field(default_factory=lambda: SecretStr(""))
    """Empty: none, whatever the environment says. May hold a user and a password."""
    ca_bundle: str = ""
    """A file of certificates to trust instead of certifi's."""
    api_key: Key
    secret_key: Key

    @property
    def events_url(self) -> str:
        """Return the address that events are posted to."""
        return f"{self.base_url}/api/{self.version}/integrations/events"


def load_accounts(
    settings: Settings, environ: Mapping[str, str], *, need_keys: bool = True
) -> dict[str, Account]:
    """Read every account that `settings.accounts` names; raise SettingsError naming every problem.

    Who only tells hooks needs no keys, and is better off without them.
    """
    problems: list[Problem] = []
    accounts: dict[str, Account] = {}
    prefixes: dict[str, str] = {}
    for alias in settings.accounts:
        prefix = _prefix(alias)
        if (other := prefixes.setdefault(prefix, alias)) != alias:
            both = f"names {other!r} and {alias!r}: both would read {prefix}…"
            problems.append(Problem("SHIPPER_ACCOUNTS", both))
            continue
        accounts[alias] = account_of(alias, environ)
        problems += problems_of(accounts[alias], need_keys=need_keys)
    if problems:
        raise SettingsError(problems)
    return accounts


def _prefix(alias: str) -> str:
    return "GAMEBALL_" if alias == "default" else f"GAMEBALL_{alias.upper().replace('-', '_')}_"


def account_of(alias: str, environ: Mapping[str, str]) -> Account:
    """Read one account as it is configured, good or not: `problems_of` tells."""
    prefix = _prefix(alias)
    return Account(
        alias=alias,
        base_url=(environ.get(f"{prefix}BASE_URL") or DEFAULT_BASE_URL).rstrip("/"),
        version=environ.get(f"{prefix}API_VERSION") or DEFAULT_VERSION,
        lang=environ.get(f"{prefix}LANG", ""),
        proxy=SecretStr(environ.get(f"{prefix}PROXY", "")),
        ca_bundle=environ.get(f"{prefix}CA_BUNDLE", ""),
        api_key=Key(f"{prefix}API_KEY", environ),
        secret_key=Key(f"{prefix}SECRET_KEY", environ),
    )


def problems_of(account: Account, *, need_keys: bool = True) -> list[Problem]:
    """Name everything that keeps an account from being used."""
    prefix = _prefix(account.alias)
    problems = [*_url_problems(f"{prefix}BASE_URL", account.base_url)]
    problems += _key_problems(account, need_keys=need_keys)
    if not _VERSION.fullmatch(account.version):
        problems.append(Problem(f"{prefix}API_VERSION", f"is {account.version[:80]!r}: it looks like v4.0"))
    if account.lang and not _LANG.fullmatch(account.lang):
        problems.append(Problem(f"{prefix}LANG", f"is {account.lang[:80]!r}: it has two small letters"))
    if account.ca_bundle and not Path(account.ca_bundle).is_file():
        problems.append(Problem(f"{prefix}CA_BUNDLE", f"is {account.ca_bundle[:200]!r}: no such file"))
    if (proxy := account.proxy.get_secret_value()) and not _PROXY.fullmatch(proxy):
        # The value is not repeated: it may hold a password.
        problems.append(Problem(f"{prefix}PROXY", "is not of the form http://[user:password@]host[:port]"))
    return problems


def _url_problems(name: str, url: str) -> list[Problem]:
    parts = _BASE_URL.fullmatch(url)
    if parts is None:
        return [Problem(name, "is not a plain URL: https://host[:port][/path], no user, query or fragment")]
    if parts["scheme"] == "http" and not _is_loopback(parts["host"]):
        why = "the keys go with every call, so only a loopback address may do without https"
        return [Problem(name, f"is {url[:200]!r}: {why}")]
    return []


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _key_problems(account: Account, *, need_keys: bool) -> list[Problem]:
    problems: list[Problem] = []
    required = {account.api_key.variable: True, account.secret_key.variable: account.version == "v4.1"}
    for key in (account.api_key, account.secret_key):
        if key.is_ambiguous:
            problems.append(Problem(key.variable, f"is set, and {key.variable}_FILE too: set one of them"))
        elif key.is_configured:
            try:
                key.read()
            except KeyUnreadableError as error:
                problems.append(Problem("", str(error)))
        elif need_keys and required[key.variable]:
            problems.append(Problem(key.variable, f"is not set: set it, or {key.variable}_FILE"))
    return problems
