"""Check: one line of `shipper doctor`; here those that the ledger's Redis answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from shipper.clock import now_ms
from shipper.errors import LedgerUnavailableError
from shipper.inspector.now import ledger_now
from shipper.ledger.durability import Durability, Weakness, inspect_durability
from shipper.ledger.ledger import Ledger

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


def check_redis(ledger: Ledger) -> Iterator[Check]:
    """Look at Redis: does it answer, what is it, does it keep what it acknowledged, is its clock ours."""
    try:
        before = now_ms()
        theirs = ledger_now(ledger)
        after = now_ms()
        durability = inspect_durability(ledger.pool)
    except LedgerUnavailableError as error:
        told = f"{error}: start it, or correct SHIPPER_REDIS_URL"
        yield Check(about="redis", result="failed", told=told)
        return
    yield Check(about="redis", result="ok", told=f"answers in {after - before} ms")
    yield from _durability_checks(durability)
    yield _clock(theirs - (before + after) // 2)


def _durability_checks(durability: Durability) -> Iterator[Check]:
    sound = {
        "version": f"{durability.server} {durability.version}",
        "persistence": "an append-only file, synced before each acknowledgement",
        "eviction": "nothing is evicted (noeviction)",
        "replication": "a primary without replicas",
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


def _clock(ahead_ms: int) -> Check:
    off = abs(ahead_ms)
    told = f"Redis is {off} ms {'ahead of' if ahead_ms > 0 else 'behind'} this machine"
    if off < CLOCK_WARNS_MS:
        return Check(about="clock", result="ok", told=told)
    result: Literal["warning", "failed"] = "warning" if off < CLOCK_FAILS_MS else "failed"
    return Check(about="clock", result=result, told=f"{told}: synchronise both (NTP)")
