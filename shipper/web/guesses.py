"""Guesses: wrong tokens, counted by the address they came from: the more there were, the longer it waits.

Sessions are never held up, nor is any other address. The same wrong token again is no guess: a program whose
token was withdrawn slows nobody down. A right one forgets nothing, or it would buy more guesses.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from threading import Lock
from typing import Final

from shipper.web.person import digest_of

FREE: Final = 5
"""Wrong tokens that cost nothing: a person pastes the wrong one."""
FIRST_MS: Final = 1_000
LONGEST_MS: Final = 60_000
FORGET_MS: Final = 15 * 60_000
"""After so long without another one all is forgotten."""
MOST: Final = 1_024
"""Addresses remembered; beyond them the one that was quiet longest is forgotten."""
MOST_HOPS: Final = 20

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


@dataclass(slots=True, kw_only=True)
class _Address:
    wrong: int
    last: bytes
    at: int


class Guesses:
    """Remember wrong tokens. Moments are ms of a clock that never steps."""

    def __init__(self, *, most: int = MOST) -> None:
        self._most = most
        self._seen: OrderedDict[str, _Address] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._seen)

    def wait_ms(self, address: str, *, now: int) -> int:
        """Return how long an address must wait before a token of its is looked at again; 0: not at all."""
        with self._lock:
            seen = self._seen.get(address)
            return max(seen.at + _penalty(seen.wrong) - now, 0) if seen else 0

    def wrong(self, address: str, token: str, *, now: int) -> bool:
        """Note a wrong token; return whether it was another one than the last."""
        digest = digest_of(token)
        with self._lock:
            seen = self._seen.get(address)
            if seen and hmac.compare_digest(seen.last, digest):
                return False
            before = seen.wrong if seen and now - seen.at < FORGET_MS else 0
            self._seen[address] = _Address(wrong=before + 1, last=digest, at=now)
            self._seen.move_to_end(address)
            while len(self._seen) > self._most:
                self._seen.popitem(last=False)
            return True


def _penalty(wrong: int) -> int:
    return min(FIRST_MS << min(wrong - FREE, 20), LONGEST_MS) if wrong >= FREE else 0


def address_of(peer: str, forwarded: str, proxies: Sequence[Network]) -> str:
    """Return where a request comes from: the nearest address that is no proxy of ours.

    `forwarded` is `X-Forwarded-For`, to which each proxy adds whom it heard from: before the first that is
    not ours anybody may have written anything. Of IPv6 it is the network: one person has all its addresses.
    """
    found: Address | None = None
    for text in reversed([*forwarded.split(",")[-MOST_HOPS:], peer]):
        address = _read_address(text.strip())
        found = address or found
        if address is None or not any(address in network for network in proxies):
            break
    return _grouped(found)


@lru_cache(maxsize=8)
def read_networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """Read addresses and networks; raise ValueError for what is none."""
    return tuple(ip_network(text, strict=False) for text in texts)


def _read_address(text: str) -> Address | None:
    host = text[1:].partition("]")[0] if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _grouped(address: Address | None) -> str:
    if isinstance(address, IPv6Address) and not address.is_loopback:
        return str(ip_network((address, 64), strict=False))
    return str(address or "?")
