"""Durability: what this Redis promises to keep, as far as it tells.

The promise of the ledger holds as long as Redis keeps what it acknowledged. What cannot be read (managed
Redis hides CONFIG) is a warning, not a problem.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from shipper.errors import LedgerUnavailableError
from shipper.ledger.ledger import Ledger
from shipper.ledger.pool import Pool

OLDEST: Final = (7, 0)
"""The first version whose scripts can be marked `allow-oom`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Durability:
    """What was read, and what it means. Values are empty where they could not be read."""

    version: str
    appendonly: str
    appendfsync: str
    eviction: str
    role: str
    maxmemory: int
    problems: tuple[str, ...]
    """What loses, evicts or refuses events; the first step of the cure is in each."""
    warnings: tuple[str, ...]
    """What weakens the promise, or could not be read."""

    @property
    def keeps_all(self) -> bool:
        """Tell whether every acknowledged event survives a crash of the machine."""
        return self.appendonly == "yes" and self.appendfsync == "always" and not self.problems


def inspect_durability(pool: Pool) -> Durability:
    """Ask Redis by INFO and CONFIG GET; raise LedgerUnavailableError if not even INFO is answered."""
    ledger = Ledger(pool)
    info = _info(ledger)
    config = _config(ledger)
    appendonly = config.get("appendonly") or {"1": "yes", "0": "no"}.get(info.get("aof_enabled", ""), "")
    facts = {
        "version": info.get("redis_version", ""),
        "appendonly": appendonly,
        "appendfsync": config.get("appendfsync", ""),
        "eviction": config.get("maxmemory-policy") or info.get("maxmemory_policy", ""),
        "role": info.get("role", ""),
    }
    maxmemory = int(info.get("maxmemory", "0"))
    return Durability(
        **facts,
        maxmemory=maxmemory,
        problems=tuple(_problems(facts)),
        warnings=tuple(_warnings(facts, maxmemory)),
    )


def _problems(facts: dict[str, str]) -> list[str]:
    problems = []
    version = tuple(int(part) for part in facts["version"].split(".")[:2] if part.isdigit())
    if version and version < OLDEST:
        problems.append(f"Redis {facts['version']} is too old: 7.0 is the first that can run the ledger")
    if facts["appendonly"] == "no":
        problems.append("the append-only file is off, so a restart loses events: CONFIG SET appendonly yes")
    if facts["eviction"] and facts["eviction"] != "noeviction":
        problems.append(
            f"{facts['eviction']} evicts events when memory is full: CONFIG SET maxmemory-policy noeviction"
        )
    if facts["role"] in {"slave", "replica"}:
        problems.append("this is a read-only replica: point SHIPPER_REDIS_URL at its primary")
    return problems


def _warnings(facts: dict[str, str], maxmemory: int) -> list[str]:
    warnings = []
    if facts["appendonly"] == "yes" and facts["appendfsync"] not in {"", "always"}:
        warnings.append(f"appendfsync is {facts['appendfsync']}: a power loss may lose the last two seconds")
    unread = [name for name in ("appendonly", "appendfsync", "eviction") if not facts[name]]
    if unread:
        warnings.append(f"cannot read {', '.join(unread)}: ask whoever manages this Redis")
    if not maxmemory:
        warnings.append("maxmemory is not set, so the backlog has no cap in bytes")
    return warnings


def _info(ledger: Ledger) -> dict[str, str]:
    text = ledger.ask("INFO").decode()
    lines = [line.partition(":") for line in text.splitlines() if ":" in line]
    return {name: value for name, _, value in lines}


def _config(ledger: Ledger) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ("appendonly", "appendfsync", "maxmemory-policy"):
        try:
            reply: list[Any] = ledger.ask("CONFIG", "GET", name)
        except LedgerUnavailableError:
            continue  # renamed, or forbidden by an ACL
        texts = [part.decode() for part in reply]
        found |= dict(zip(texts[::2], texts[1::2], strict=True))
    return found
