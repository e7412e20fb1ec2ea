"""Check: one line of `shipper doctor`; here those that the ledger's Redis answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from shipper.clock import now_ms
from shipper.errors import LedgerUnavailableError
from shipper.inspector.now import ledger_now
from shipper.inspector.standing import unserved_hooks
from shipper.ledger.durability import Durability, Weakness, inspect_durability
from shipper.ledger.failure import ForbiddenError
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import status
from shipper.settings import Settings

CLOCK_WARNS_MS: Final = 2_000
CLOCK_FAILS_MS: Final = 300_000
"""From there on the ledger refuses ids that this machine makes: they come from the future."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was looked at, how it is, and what to do about it."""

    about: str
    result: Literal["ok", "warning", "failed"]
    told: str
    """What was found, and the first step of the cure where one is needed."""


def check_redis(ledger: Ledger, settings: Settings) -> Iterator[Check]:
    """Look at Redis: does it answer, what is it, does it keep what it acknowledged, is its clock ours."""
    try:
        before = now_ms()
        theirs = ledger_now(ledger)
        after = now_ms()
        durability = inspect_durability(ledger.pool, wait_replicas=settings.wait_replicas)
    except LedgerUnavailableError as error:
        told = str(error)
        if not isinstance(error, ForbiddenError):
            told += ": start it, or correct SHIPPER_REDIS_URL"
        yield Check(about="redis", result="failed", told=told)
        return
    yield Check(about="redis", result="ok", told=f"answers in {after - before} ms")
    yield from _durability_checks(durability)
    yield _clock(theirs - (before + after) // 2, unsure_ms=(after - before) // 2)


def check_hooks(ledger: Ledger, settings: Settings) -> Check:
    """Look whether completion hooks that are due find a worker that tells them."""
    about = f"hooks {ledger.account}"
    try:
        told = unserved_hooks(ledger.run(status()), settings)
    except LedgerUnavailableError as error:
        return Check(about=about, result="warning", told=f"cannot look: {error}")
    if told:
        return Check(about=about, result="warning", told=told)
    return Check(about=about, result="ok", told="none waits for a worker")


def _durability_checks(durability: Durability) -> Iterator[Check]:
    sound = {
        "version": f"{durability.server} {durability.version}",
        "persistence": "an append-only file, synced before each acknowledgement",
        "eviction": "nothing is evicted (noeviction)",
        "replication": _replicas_of(durability),
        "memory": f"maxmemory is {durability.maxmemory}",
    }
    weak: defaultdict[str, list[Weakness]] = defaultdict(list)
    for weakness in durability.weaknesses:
        weak[weakness.about].append(weakness)
    for about, told in sound.items():
        if about not in weak:
            yield Check(about=about, result="ok", told=told)
        for weakness in weak[about]:
            yield Check(about=about, result="failed" if weakness.grave else "warning", told=weakness.told)


def _replicas_of(durability: Durability) -> str:
    if not durability.wait_replicas:
        return "a primary without replicas"
    return f"an enqueue waits for {durability.wait_replicas} of {durability.replicas} replicas"


def _clock(ahead_ms: int, *, unsure_ms: int) -> Check:
    """Judge what is sure: Redis looked at its clock at some moment of the round trip."""
    off = max(abs(ahead_ms) - unsure_ms, 0)
    told = f"Redis is {off} ms {'ahead of' if ahead_ms > 0 else 'behind'} this machine"
    if off < CLOCK_WARNS_MS:
        return Check(about="clock", result="ok", told=told)
    result: Literal["warning", "failed"] = "warning" if off < CLOCK_FAILS_MS else "failed"
    return Check(about="clock", result=result, told=f"{told}: synchronise both (NTP)")
