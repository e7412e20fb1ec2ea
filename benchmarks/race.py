"""Race: let one contestant deliver what waits in its queue, and see at the far end how fast it was."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.contestants import ROOT, Contestant
from benchmarks.crew import Crew, commands_of, cpu_s
from benchmarks.far_end import FarEnd, Seen, far_end
from benchmarks.own_redis import own_redis, pid_of

WARM: Final = 0.1
"""The first tenth of the events is not timed: workers start at different moments."""
LOOK_S: Final = 0.05
"""How often the far end is asked. Its own clock times the end, so the question may be rare."""
FEWEST: Final = 500
LONGEST_S: Final = 5
"""A contestant is timed until all its events are there, and for no longer than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """How many events, of how many a customer, over which latency."""

    events: int
    per_customer: int = 1
    latency_ms: float = 0
    redis: tuple[str, ...] = ("--appendonly", "no")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one race came to."""

    events_per_second: float
    calls: int
    events: int
    most_in_flight: int
    cpu: Mapping[str, float]
    """Part of one core that workers, Redis and far end took while it was timed."""


def race(contestant: Contestant, track: Track, *, patience_s: float = 60) -> Result:
    """Load the queue, start the workers, and time what arrives behind the first tenth.

    Raise TimeoutError, with what the workers said, if not even that arrives.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        events = max(FEWEST, round(track.events * contestant.share))
        warm = round(events * WARM)
        far = stack.enter_context(far_end(folder, latency_ms=track.latency_ms, mark=warm))
        url = stack.enter_context(own_redis(*track.redis))
        environment = contestant.environ(url, far.url)
        load(contestant, events, track.per_customer, environment)
        commands = commands_of(contestant.module, contestant.workers, environment)
        crew = stack.enter_context(Crew(commands, environment, folder))
        return _timed(crew, far, (warm, events), patience_s, url)


def load(contestant: Contestant, events: int, per_customer: int, environment: Mapping[str, str]) -> None:
    """Fill a contestant's queue, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.load", contestant.module, str(events), str(per_customer)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)  # noqa: S603 - our own module


def await_arrivals(far: FarEnd, events: int, crew: Crew, *, until: float) -> Seen:
    """Return what the far end saw once so many events are answered; TimeoutError at `until` (monotonic s)."""
    while not _all_there(seen := far.seen(), events):
        if time.monotonic() > until:
            raise TimeoutError(f"{seen.events} of {events} events arrived\n{crew.said()[-3000:]}")
        time.sleep(LOOK_S)
    return seen


def _all_there(seen: Seen, events: int) -> bool:
    return seen.events > events or (seen.events == events and not seen.flying)


def _timed(crew: Crew, far: FarEnd, between: tuple[int, int], patience_s: float, url: str) -> Result:
    server = pid_of(url)
    groups: dict[str, Callable[[], list[int]]] = {
        "workers": crew.pids,
        "redis": lambda: [server],
        "far end": lambda: [far.pid],
    }
    until = time.monotonic() + patience_s
    warm, events = between
    await_arrivals(far, warm, crew, until=until)
    began, cpu = time.monotonic(), {name: cpu_s(pids()) for name, pids in groups.items()}
    while not (done := _all_there(seen := far.seen(), events)) and time.monotonic() < began + LONGEST_S:
        time.sleep(LOOK_S)
    took_s = time.monotonic() - began
    timed_ms = seen.last - seen.marked
    if not done:
        timed_ms = max(timed_ms, took_s * 1000)  # who stands still at the end is timed too
    return Result(
        events_per_second=(seen.events - seen.before) / max(timed_ms, 1) * 1000,
        calls=seen.calls,
        events=seen.events,
        most_in_flight=seen.most,
        cpu={name: (cpu_s(pids()) - cpu[name]) / took_s for name, pids in groups.items()},
    )
