"""Durability: what this Redis promises to keep, as far as it tells.

The promise of the ledger holds as long as Redis keeps what it acknowledged. What cannot be read (managed
Redis hides CONFIG) is a warning, not a problem.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from redis.exceptions import ResponseError

from shipper.errors import LedgerUnavailableError
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations.operation import pairs
from shipper.ledger.pool import Pool

OLDEST: Final = (7, 0)
"""The first version whose scripts can be marked `allow-oom`."""

About = Literal["version", "persistence", "eviction", "replication", "memory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weakness:
    """One way in which Redis may break the promise: a problem if `grave`, else a warning."""

    about: About
    grave: bool
    told: str
    """What is wrong; the first step of the cure is in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Durability:
    """What was read. Texts are empty where they could not be read."""

    server: Literal["redis", "valkey"]
    version: str
    appendonly: str
    appendfsync: str
    eviction: str
    role: str
    replicas: int
    """Those that follow now: one that is still copying its first snapshot acknowledges nothing."""
    maxmemory: int
    file_failed: bool
    """The last write of the append-only file went wrong."""
    wait_replicas: int = 0
    """So many are waited for by an enqueue."""
    loads_torn: bool = False
    """It starts on a file that a power loss has torn, and mends that itself."""

    @property
    def weaknesses(self) -> tuple[Weakness, ...]:
        """List what weakens the promise."""
        return (
            *self._of_version(),
            *self._of_persistence(),
            *self._of_eviction(),
            *self._of_replication(),
            *self._of_memory(),
        )

    @property
    def problems(self) -> tuple[str, ...]:
        """List what loses, evicts or refuses events."""
        return tuple(weakness.told for weakness in self.weaknesses if weakness.grave)

    @property
    def warnings(self) -> tuple[str, ...]:
        """List what weakens the promise a little, or could not be read."""
        return tuple(weakness.told for weakness in self.weaknesses if not weakness.grave)

    @property
    def keeps_all(self) -> bool:
        """Tell whether every acknowledged event survives a crash of the machine."""
        return self.appendonly == "yes" and self.appendfsync == "always" and not self.problems

    def _of_version(self) -> Iterator[Weakness]:
        version = tuple(int(part) for part in self.version.split(".")[:2] if part.isdigit())
        if self.server == "redis" and version and version < OLDEST:
            told = f"Redis {self.version} is too old: 7.0 is the first that can run the ledger"
            yield Weakness(about="version", grave=True, told=told)
        yield from _unread("version", version=self.version)

    def _of_persistence(self) -> Iterator[Weakness]:
        if self.appendonly == "no":
            told = "the append-only file is off, so a restart loses events: CONFIG SET appendonly yes"
            yield Weakness(about="persistence", grave=True, told=told)
        elif self.file_failed:
            told = "the append-only file cannot be written: look at Redis' log and disk"
            yield Weakness(about="persistence", grave=True, told=told)
        elif self.appendonly and self.appendfsync not in {"", "always"}:
            lost = "the last two seconds" if self.appendfsync == "everysec" else "what was not yet on disk"
            told = f"appendfsync is {self.appendfsync}: a power loss may lose {lost}"
            yield Weakness(about="persistence", grave=False, told=told)
        elif self.loads_torn and self.server == "redis":
            # Measured of 7.0: MULTI stays in the file, and the next start runs it with what came later.
            told = (
                "after a power loss that tore its last write, the second restart brings half a transaction"
                " back: CONFIG SET aof-load-truncated no, and redis-check-aof --fix when it then refuses to"
                " start; or use Valkey 9.1"
            )
            yield Weakness(about="persistence", grave=False, told=told)
        yield from _unread("persistence", appendonly=self.appendonly, appendfsync=self.appendfsync)

    def _of_eviction(self) -> Iterator[Weakness]:
        if self.eviction not in {"", "noeviction"}:
            cure = "CONFIG SET maxmemory-policy noeviction"
            told = f"{self.eviction} evicts events when memory is full: {cure}"
            yield Weakness(about="eviction", grave=True, told=told)
        yield from _unread("eviction", eviction=self.eviction)

    def _of_replication(self) -> Iterator[Weakness]:
        if self.role in {"slave", "replica"}:
            told = "this is a read-only replica: point SHIPPER_REDIS_URL at its primary"
            yield Weakness(about="replication", grave=True, told=told)
        elif self.replicas < self.wait_replicas:
            told = (
                f"SHIPPER_WAIT_REPLICAS is {self.wait_replicas} and {self.replicas} replica(s) follow:"
                " every enqueue takes its whole budget and is unclear; connect more, or ask for fewer"
            )
            yield Weakness(about="replication", grave=True, told=told)
        elif self.replicas and not self.wait_replicas:
            told = f"a failover to one of {self.replicas} replicas may lose the last moment: audit after it"
            yield Weakness(about="replication", grave=False, told=told)

    def _of_memory(self) -> Iterator[Weakness]:
        if not self.maxmemory:
            told = "maxmemory is not set, so the backlog has no cap in bytes"
            yield Weakness(about="memory", grave=False, told=told)


def inspect_durability(pool: Pool, *, wait_replicas: int = 0) -> Durability:
    """Ask Redis by INFO and CONFIG GET; raise LedgerUnavailableError where it does not answer at all.

    `wait_replicas` is what producers wait for. Workers do not: too few of them never stop a delivery.
    """
    ledger = Ledger(pool)
    info = _info(ledger)
    config = {**_config(ledger, "a*"), **_config(ledger, "maxmemory*")}
    valkey = info.get("valkey_version", "")
    return Durability(
        server="valkey" if valkey else "redis",
        version=valkey or info.get("redis_version", ""),
        appendonly=config.get("appendonly") or {"1": "yes", "0": "no"}.get(info.get("aof_enabled", ""), ""),
        appendfsync=config.get("appendfsync", ""),
        eviction=config.get("maxmemory-policy") or info.get("maxmemory_policy", ""),
        role=info.get("role", ""),
        replicas=sum(name.startswith("slave") and "state=online" in fact for name, fact in info.items()),
        maxmemory=int(info.get("maxmemory", "0")),
        file_failed=info.get("aof_last_write_status", "ok") != "ok",
        wait_replicas=wait_replicas,
        loads_torn=config.get("aof-load-truncated") == "yes",
    )


def _unread(about: About, **facts: str) -> Iterator[Weakness]:
    unread = [name for name, value in facts.items() if not value]
    if unread:
        told = f"cannot read {', '.join(unread)}: ask whoever manages this Redis"
        yield Weakness(about=about, grave=False, told=told)


def _info(ledger: Ledger) -> dict[str, str]:
    text: bytes = _unless_refused(ledger, "INFO") or b""
    lines = [line.partition(":") for line in text.decode().splitlines() if ":" in line]
    return {name: value for name, _, value in lines}


def _config(ledger: Ledger, directives: str) -> dict[str, str]:
    return pairs(_unless_refused(ledger, "CONFIG", "GET", directives) or ())


def _unless_refused(ledger: Ledger, *command: str) -> Any:
    """Ask; None where the command is renamed, or forbidden by an ACL."""
    try:
        return ledger.ask(*command)
    except LedgerUnavailableError as error:
        if isinstance(error.__cause__, ResponseError):
            return None
        raise
