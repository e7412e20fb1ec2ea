"""What only workers know: are they ours, have they their keys, does Gameball answer the door.

The one place of the command line that imports `workers`, and only when a command asks for it.
"""
# ruff: noqa: PLC0415, TID251 - a door: it imports workers in functions, since they bring requests and libcurl
# along, and it reads the environment

from __future__ import annotations

import importlib.util
import os
import socket
import ssl
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import shipper
from shipper.clock import monotonic_ms
from shipper.inspector import Check

Account = Any
"""`workers.settings.Account`, which cannot be named where nothing of workers may be imported."""
Key = Any

CONNECT_S: Final = 5.0
PORTS: Final = {"https": 443, "http": 80}


def check_workers() -> Check:
    """Tell whether `import workers` finds ours: the name is common, and the current folder may come first."""
    spec = importlib.util.find_spec("workers")
    if spec is None or not spec.submodule_search_locations:
        return Check(about="workers", result="failed", told="the package workers is not installed")
    found = Path(next(iter(spec.submodule_search_locations))).resolve()
    ours = Path(str(shipper.__file__)).resolve().parents[1] / "workers"
    if found != ours:
        told = f"import workers finds {found}, not {ours}: run from another folder, or shipper worker"
        return Check(about="workers", result="failed", told=told)
    return Check(about="workers", result="ok", told=f"import workers finds ours, in {ours.parent}")


def accounts_of(aliases: Iterable[str]) -> list[Account]:
    """Read the accounts as they are configured, good or not."""
    from workers.settings import account_of

    return [account_of(alias, os.environ) for alias in aliases]


def check_accounts(aliases: Iterable[str]) -> Iterator[Check]:
    """Look at each account's settings and keys, and knock at its door."""
    from workers.settings import problems_of

    for account in accounts_of(aliases):
        about = f"account {account.alias}"
        problems = problems_of(account)
        for problem in problems:
            yield Check(about=about, result="failed", told=str(problem))
        if not problems:
            keys = (account.api_key, account.secret_key)
            yield Check(
                about=about, result="ok", told=", ".join(f"{key.variable} {told(key)}" for key in keys)
            )
        yield _reach(account)


def told(key: Key) -> str:
    """Say whether a key is set, and where; never the key."""
    return f"set by {key.origin}" if key.is_configured else "not set"


def _reach(account: Account) -> Check:
    """Connect, with TLS where calls use it, and hang up: nothing is sent."""
    about = f"gameball {account.alias}"
    proxy = account.proxy.get_secret_value()
    address = urlsplit(proxy or account.base_url)
    place = f"{address.hostname}{' (the proxy)' if proxy else ''}"
    began = monotonic_ms()
    try:
        port = address.port or PORTS[address.scheme]
        with socket.create_connection((address.hostname or "", port), timeout=CONNECT_S) as plain:
            if address.scheme == "https":
                _trust(account).wrap_socket(plain, server_hostname=address.hostname).close()
    except (OSError, ValueError, KeyError) as error:
        return Check(about=about, result="failed", told=f"{place} cannot be reached: {error}")
    return Check(about=about, result="ok", told=f"{place} answers the door in {monotonic_ms() - began} ms")


def _trust(account: Account) -> ssl.SSLContext:
    """Trust what the worker's calls trust: the account's certificates, or those that requests brings."""
    import certifi

    return ssl.create_default_context(cafile=account.ca_bundle or certifi.where())
