"""Latency: from `enqueue_event` to the far end, in a system that has nothing else to do."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from benchmarks.contestants import NAIVE, OURS, QUICK, ROOT, WELL, Contestant
from benchmarks.crew import Crew, commands_of
from benchmarks.far_end import far_end
from benchmarks.finding import Bar, Finding, Goal, Plot, Spread, Table, spread_of
from benchmarks.own_redis import own_redis
from benchmarks.part import Effort, Part
from benchmarks.text import figure

EVENTS: Final = 120
FEW: Final = 30
MEASURED: Final = (OURS, WELL, QUICK, NAIVE)


def main(effort: Effort) -> Finding:
    """Time single events of each contestant, round after round."""
    p50: dict[str, list[float]] = {each.name: [] for each in MEASURED}
    p99: dict[str, list[float]] = {each.name: [] for each in MEASURED}
    for number in range(effort.rounds):
        for each in MEASURED:
            effort.say(f"latency, round {number + 1}: {each.name}")
            took = _drip(each, effort.scaled(EVENTS, FEW))
            cuts = statistics.quantiles(took, n=100)
            p50[each.name].append(cuts[49])
            p99[each.name].append(cuts[98])
    middle = {name: spread_of(found) for name, found in p50.items()}
    tail = {name: spread_of(found) for name, found in p99.items()}
    rows = tuple(_row(each.name, middle, tail) for each in MEASURED)
    header = (
        "",
        "p50, x Celery done well",
        "p99, x Celery done well",
        "p50, ms",
        "p99, ms",
        "spread of p50, p99",
    )
    goals = tuple(
        Goal(
            name=f"Idle latency beside Celery's, {word}",
            sign="≤",
            limit=1,
            found=found[OURS.name].middle / found[WELL.name].middle,
            unit=" x",
        )
        for word, found in (("p50", middle), ("p99", tail))
    )
    bars = tuple(Bar(label=name, spread=found, ours=name == OURS.name) for name, found in middle.items())
    plot = Plot(name="latency", title="From enqueue to the far end, idle, p50", unit="ms", bars=bars)
    table = Table(title="From the call of enqueue to the far end", header=header, rows=rows)
    return Finding(tables=(table,), goals=goals, plots=(plot,))


def _drip(contestant: Contestant, count: int) -> list[float]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        far = stack.enter_context(far_end(folder))
        url = stack.enter_context(own_redis())
        environment = contestant.environ(url, far.url)
        commands = commands_of(contestant.module, contestant.workers, environment)
        stack.enter_context(Crew(commands, environment, folder))
        asked = [sys.executable, "-m", "benchmarks.drip", contestant.module, str(count)]
        printed = subprocess.run(  # noqa: S603 - our own module
            asked, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True
        ).stdout
    found: list[float] = json.loads(printed)
    return found


def _row(name: str, middle: dict[str, Spread], tail: dict[str, Spread]) -> tuple[str, ...]:
    p50, p99 = middle[name], tail[name]
    return (
        name,
        figure(p50.middle / middle[WELL.name].middle),
        figure(p99.middle / tail[WELL.name].middle),
        figure(p50.middle),
        figure(p99.middle),
        f"{p50.width:.0%}, {p99.width:.0%}",
    )


PART: Final = Part(
    name="latency",
    title="Latency of an idle system",
    about="Two worker processes with nothing to do; one event at a time, 50 to 150 ms after the last has"
    " arrived; timed from before the enqueue until the far end answers, by the machine's monotonic clock.",
    minutes=4,
    main=main,
)
