"""Soak: a million events through two workers, whose memory must stay flat."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from benchmarks.contestants import OURS
from benchmarks.crew import Crew, commands_of, rss_bytes
from benchmarks.far_end import far_end
from benchmarks.finding import Finding, Goal, Table
from benchmarks.own_redis import own_redis
from benchmarks.part import Effort, Part
from benchmarks.race import await_arrivals, load

EVENTS: Final = 1_000_000
STEPS: Final = 10
WARM: Final = 2
"""Steps until every buffer has its size."""
PATIENCE_S: Final = 1800


def main(effort: Effort) -> Finding:
    """Deliver a tenth after another and weigh the workers after each. One round: it is a million events."""
    a_step = effort.scaled(EVENTS, 10_000) // STEPS
    weights = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        far = stack.enter_context(far_end(folder))
        url = stack.enter_context(own_redis())
        environment = OURS.environ(url, far.url)
        commands = commands_of(OURS.module, OURS.workers, environment)
        crew = stack.enter_context(Crew(commands, environment, folder))
        for step in range(1, STEPS + 1):
            effort.say(f"soak: {step * a_step:,} events")
            load(OURS, a_step, 1, environment)
            await_arrivals(far, step * a_step, crew, until=time.monotonic() + PATIENCE_S)
            weights.append(rss_bytes(crew.pids()) / 1_000_000)
    growth = weights[-1] / weights[WARM - 1]
    rows = tuple((f"{(step + 1) * a_step:,}", f"{weight:.0f}") for step, weight in enumerate(weights))
    table = Table(title="Memory of two workers", header=("events delivered", "MB"), rows=rows)
    name = f"Memory of the workers after {EVENTS:,} events beside {WARM * EVENTS // STEPS:,}"
    return Finding(tables=(table,), goals=(Goal(name=name, sign="≤", limit=1.05, found=growth, unit=" x"),))


PART: Final = Part(
    name="soak",
    title="A million events through two workers",
    about="Resident memory of both workers with all their children, while events pour in.",
    minutes=4,
    rounds=1,
    main=main,
)
