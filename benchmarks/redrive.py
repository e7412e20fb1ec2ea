"""Redrive: what a redrive job does to live events that share Gameball's limits with it."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import shipper
from benchmarks.contestants import PACED
from benchmarks.crew import Crew, commands_of
from benchmarks.finding import NOTHING, Finding, Goal, Table, spread_of
from benchmarks.own_redis import own_redis
from benchmarks.own_sandbox import OwnSandbox, own_sandbox
from benchmarks.part import Effort, Part
from benchmarks.text import figure
from shipper.inspector import Filter, Inspector
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import show, status
from shipper.ledger.pool import make_pool
from shipper.settings import Settings

LIVE_PER_S: Final = (10, 30)
"""Beside the job's 20 a second the first fits into the 40 calls a second of the long run, the second not."""
LATENCY_MS: Final = 50
SECONDS: Final = 45
FEW_SECONDS: Final = 10
PATIENCE_S: Final = 120
REFUSAL: Final = {"match": {}, "do": {"status": 422, "body": {"code": 3009, "message": "inactive"}}}


def main(effort: Effort) -> Finding:
    """Time live events alone, then beside a job at its usual rate."""
    seconds = effort.scaled(SECONDS, FEW_SECONDS)
    rows, goals = [], []
    for per_s in LIVE_PER_S:
        found = []
        for number in range(effort.rounds):
            effort.say(f"redrive, round {number + 1}: {per_s} live events a second")
            found.append(_measure(per_s, seconds))
        alone, beside, sent = (spread_of([one[i] for one in found]) for i in range(3))
        rows += [
            (f"p99 of {per_s}/s live events alone, ms", figure(alone.middle), f"{alone.width:.0%}"),
            ("the same beside a redrive job, ms", figure(beside.middle), f"{beside.width:.0%}"),
            ("redriven meanwhile, a second", figure(sent.middle), NOTHING),
        ]
        name = f"p99 of {per_s}/s live events beside a redrive job"
        goals.append(Goal(name=name, sign="≤", limit=2, found=beside.middle / alone.middle, unit=" x"))
    table = Table(title=f"{seconds} s each", header=("", "found", "spread"), rows=tuple(rows))
    return Finding(tables=(table,), goals=tuple(goals))


def _measure(per_s: int, seconds: int) -> tuple[float, float, float]:
    """Return the p99 alone and beside a job, in ms, and how many events a second the job sent."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sandbox = stack.enter_context(own_sandbox(folder, latency_ms=LATENCY_MS))
        url = stack.enter_context(own_redis())
        environment = {**PACED.environ(url, sandbox.url), "SHIPPER_REFUSAL_BURST": "0"}
        stack.enter_context(Crew(commands_of(PACED.module, PACED.workers, environment), environment, folder))
        pool = make_pool(url, budget_ms=5000)
        stack.callback(pool.disconnect)
        ledger, settings = Ledger(pool), Settings(redis_url=url)
        shipper.configure(settings)
        stack.callback(shipper.close)
        _kill(ledger, sandbox, 20 * seconds)
        alone = _p99(ledger, _live(per_s, seconds, "alone"))
        desk = Inspector(ledger, settings, operator="benchmark")
        job = desk.jobs.start(Filter()).job
        ids = _live(per_s, seconds, "beside")
        sent = desk.jobs.find(job).sent
        return alone, _p99(ledger, ids), sent / seconds


def _kill(ledger: Ledger, sandbox: OwnSandbox, count: int) -> None:
    """Let Gameball refuse so many events, and the windows be empty again."""
    sandbox.add_fault(REFUSAL)
    for i in range(count):
        shipper.enqueue_event({"customerId": f"dead-{i}", "events": {"visit": {}}})
    _until(ledger, lambda counters: counters.get("dead", 0) >= count)
    sandbox.clear_faults()
    time.sleep(31)


def _live(per_s: int, seconds: int, name: str) -> list[str]:
    """Enqueue events of many customers, evenly."""
    began, ids = time.monotonic(), []
    for i in range(per_s * seconds):
        time.sleep(max(began + i / per_s - time.monotonic(), 0))
        event = {"customerId": f"{name}-{i}", "events": {"visit": {}}}
        ids.append(shipper.enqueue_event(event).event_id)
    return ids


def _p99(ledger: Ledger, ids: Sequence[str]) -> float:
    """Return how long all but a hundredth took from their acceptance to their settling, by Redis' clock."""
    took: list[float] = []
    until = time.monotonic() + PATIENCE_S
    while len(took) < len(ids):
        fates = [
            seen.fate for i in range(0, len(ids), 200) for seen in ledger.run(show(ids[i : i + 200])) if seen
        ]
        took = [fate.ended_at - fate.accepted_at for fate in fates if fate]
        if time.monotonic() > until:
            raise TimeoutError(f"{len(took)} of {len(ids)} live events have ended")
    return statistics.quantiles(took, n=100)[98]


def _until(ledger: Ledger, enough: Callable[[dict[str, int]], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not enough(ledger.run(status()).counters):
        if time.monotonic() > until:
            raise TimeoutError(f"{ledger.run(status()).counters}")
        time.sleep(0.1)


PART: Final = Part(
    name="redrive",
    title="Live events beside a redrive",
    about="A [sandbox](sandbox.md) that enforces both windows and takes 50 ms a call; two workers as they"
    " come; live events of many customers, evenly, first alone, then beside a redrive job at its usual rate"
    " (20 a second, half of the pace). Timed from acceptance to the settling, by Redis' clock.",
    minutes=9,
    rounds=2,
    main=main,
)
