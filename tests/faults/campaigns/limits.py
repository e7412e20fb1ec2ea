"""Gameball's limits as they are: both rate windows enforced, never two calls of a customer at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from tests.faults.campaign import ALL, RETRY, Campaign, Ground
from tests.faults.campaigns.outages import queue
from tests.faults.expecting import expecting
from tests.faults.row import PEER, Row

PER_SECOND: Final = 100
PER_30_SECONDS: Final = 1200
LONG_MS: Final = 30_000
WORKERS: Final = 4
SHARE: Final = 0.95
"""Of the quota, at least: the windows are widened by 250 ms in 30 s, which costs less than a hundredth."""


def pace(ground: Ground) -> Iterator[Row]:
    """Let four workers drain a backlog against the real limits, enforced.

    Plain Celery has no `rate_limit` here: told 9.5 a second, each of four workers made about one.
    """
    events = 1500 if ground.quick else 4200
    for policy in (RETRY,) if ground.quick else (RETRY, PEER):
        ground.say(f"the real limits: {policy}")
        with ground.field(
            policy,
            settings={"pace_per_second": PER_SECOND, "pace_per_30_seconds": PER_30_SECONDS},
            sandbox={"per_second": PER_SECOND, "per_30_seconds": PER_30_SECONDS},
        ) as there:
            queue(there, events)
            for _ in range(WORKERS):
                there.side.worker()
            there.healed()
            row = there.row("The real limits, enforced", f"{events:,} calls against the quota", within_s=300)
            stats = there.sandbox.stats()
            refused = stats["by_status"].get("429", 0)
            share = used_share([call["at_ms"] for call in there.sandbox.accepted()])
            yield expecting(
                row,
                {
                    f"{refused} answers were 429": refused == 0,
                    f"{share:.1%} of the quota was used": share >= SHARE,
                },
                note=limited(policy) + f"{refused:,} answers 429; {share:.1%} of the quota used; at most"
                f" {stats['max_per_second']} calls in a second, {stats['max_per_30_seconds']:,} in 30 s",
            )


def limited(policy: str) -> str:
    """Say what Celery was not told; ours needs no more than the account's limits."""
    return (
        "without a `rate_limit`, which is for each worker and slowed all of them; " if policy == PEER else ""
    )


def used_share(accepted_ms: Sequence[int]) -> float:
    """Return the share of the quota of 30 s that was used, from the first call to the last full window's.

    Any 1,200 calls in a row take 30 s or more: how much more is what was left unused.
    """
    spans = [
        later - earlier for earlier, later in zip(accepted_ms, accepted_ms[PER_30_SECONDS:], strict=False)
    ]
    return LONG_MS * len(spans) / sum(spans) if spans else 0.0


def hot_customer(ground: Ground) -> Iterator[Row]:
    """Send one customer's events only, to four workers, and some of others between."""
    events = 300 if ground.quick else 1500
    for policy in (RETRY,) if ground.quick else ALL:
        ground.say(f"one hot customer: {policy}")
        with ground.field(policy, sandbox={"latency_ms": 3}) as there:
            for _ in range(WORKERS):
                there.side.worker()
            there.start_load(events=events, customers=1, per_second=200, threads=1)
            there.healed()
            row = there.row(
                "One hot customer, four workers", f"{events:,} events of one customer", within_s=240
            )
            overlaps = there.sandbox.stats()["overlaps"]
            yield expecting(
                row,
                {f"{overlaps} answers were 2001": overlaps == 0},
                note=f"{overlaps:,} answers 2001 (busy)",
            )


CAMPAIGNS: Final = (
    Campaign(
        name="gameball-limits",
        tells="Both windows of the real limits (100 calls in any 1 s, 1,200 in any 30 s) are enforced, four"
        " workers drain a backlog for minutes: no 429 at all, and at least 95 % of the quota used.",
        run=pace,
        minutes=5,
    ),
    Campaign(
        name="gameball-hot-customer",
        tells="One customer's events, four workers: never two calls of the customer at a time, hence no"
        " answer 2001, and the order kept.",
        run=hot_customer,
        minutes=1.5,
    ),
)
