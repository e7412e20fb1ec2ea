"""Quota: how much of Gameball's limits two workers use, and that they never exceed them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.contestants import PACED
from benchmarks.crew import Crew, commands_of
from benchmarks.finding import NOTHING, Finding, Goal, Spread, Table, spread_of
from benchmarks.own_redis import own_redis
from benchmarks.own_sandbox import OwnSandbox, own_sandbox
from benchmarks.part import Effort, Part
from benchmarks.race import load
from benchmarks.text import figure

A_WINDOW: Final = 1200
WINDOW_S: Final = 30
WINDOWS: Final = 2
A_CUSTOMER: Final = 5
LATENCY_MS: Final = 50
LOOK_S: Final = 0.5
PATIENCE_S: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What arrived in whole windows: from the first call to the first one behind the last window."""

    share: float
    """Part of the calls that the limits would have let in meanwhile."""
    refused: int
    events_per_second: float
    events_a_call: float
    most_per_second: int
    most_per_30_seconds: int


def main(effort: Effort) -> Finding:
    """Give two workers more than the limits let through for some windows."""
    windows = effort.scaled(WINDOWS, 1)
    rounds = []
    for number in range(effort.rounds):
        effort.say(f"quota, round {number + 1}: {windows} windows of {WINDOW_S} s")
        rounds.append(_use(windows))
    share, rate, a_call = (
        spread_of([getattr(one, name) for one in rounds])
        for name in ("share", "events_per_second", "events_a_call")
    )
    refused = max(one.refused for one in rounds)
    full = A_WINDOW / WINDOW_S * a_call.middle
    rows = (
        ("calls, of what the limits let in", f"{share.middle:.1%}", _percent(share)),
        ("calls refused with 429", str(refused), NOTHING),
        ("events per second", figure(rate.middle), _percent(rate)),
        ("events a call", figure(a_call.middle), _percent(a_call)),
        ("most calls in any 1 s, of 100", str(max(one.most_per_second for one in rounds)), NOTHING),
        ("most calls in any 30 s, of 1200", str(max(one.most_per_30_seconds for one in rounds)), NOTHING),
    )
    goals = (
        Goal(name="Calls refused under Gameball's limits", sign="≤", limit=0, found=refused),
        Goal(name="Part of the quota used", sign="≥", limit=98, found=100 * share.middle, unit=" %"),
        Goal(
            name="Events per second, of quota x events a call",
            sign="≥",
            limit=98,
            found=100 * rate.middle / full,
            unit=" %",
        ),
    )
    table = Table(title=f"{windows} windows of {WINDOW_S} s", header=("", "found", "spread"), rows=rows)
    return Finding(tables=(table,), goals=goals)


def _use(windows: int) -> Used:
    wanted = windows * A_WINDOW + 1
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sandbox = stack.enter_context(own_sandbox(folder, latency_ms=LATENCY_MS))
        url = stack.enter_context(own_redis())
        environment = PACED.environ(url, sandbox.url)
        load(PACED, (wanted + A_WINDOW) * A_CUSTOMER, A_CUSTOMER, environment)
        commands = commands_of(PACED.module, PACED.workers, environment)
        crew = stack.enter_context(Crew(commands, environment, folder))
        until = time.monotonic() + windows * WINDOW_S + PATIENCE_S
        while (stats := sandbox.stats())["accepted"] < wanted:
            if time.monotonic() > until:
                raise TimeoutError(f"{stats} after {PATIENCE_S} s too long\n{crew.said()[-3000:]}")
            time.sleep(LOOK_S)
        return _used(sandbox, stats, wanted)


def _used(sandbox: OwnSandbox, stats: dict[str, Any], wanted: int) -> Used:
    calls: Sequence[dict[str, Any]] = sandbox.accepted()[:wanted]
    took_s = (calls[-1]["at_ms"] - calls[0]["at_ms"]) / 1000
    events = sum(len(call["events"]) for call in calls[:-1])
    return Used(
        share=(wanted - 1) / (took_s * A_WINDOW / WINDOW_S),
        refused=stats["by_status"].get("429", 0),
        events_per_second=events / took_s,
        events_a_call=events / (wanted - 1),
        most_per_second=stats["max_per_second"],
        most_per_30_seconds=stats["max_per_30_seconds"],
    )


def _percent(found: Spread) -> str:
    return f"{found.width:.1%}"


PART: Final = Part(
    name="quota",
    title="Under Gameball's real limits",
    about="A [sandbox](sandbox.md) that enforces both windows (100 calls in any second, 1200 in any 30 s) and"
    " takes 50 ms a call; two workers as they come, with more to do than the limits let through; five"
    " different events a customer. Measured over whole windows, to the first call behind them.",
    minutes=2.5,
    rounds=2,
    main=main,
)
