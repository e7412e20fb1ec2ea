"""Idle: what a worker with nothing to do asks of Redis and of its machine."""

from __future__ import annotations

import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import redis

from benchmarks.contestants import OURS, PACED, WELL, Contestant
from benchmarks.crew import Crew, commands_of, cpu_s
from benchmarks.far_end import far_end
from benchmarks.finding import Finding, Goal, Table, spread_of
from benchmarks.own_redis import own_redis, pid_of
from benchmarks.part import Effort, Part
from benchmarks.race import await_arrivals, load
from benchmarks.text import figure

WATCHED_S: Final = 20
CALM_S: Final = 12
"""After its first events a worker is left alone for so long: a pump must have ended."""
OWN: Final = {"INFO", "MONITOR", "PING", "CONFIG RESETSTAT"}
"""What this measurement itself asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What one worker did in a second."""

    sent: float
    """Commands that it sent."""
    run: float
    """Commands that Redis ran for it, those inside scripts too (INFO commandstats)."""
    worker_cpu: float
    redis_cpu: float
    most: str
    """The commands that it sent most."""


def main(effort: Effort) -> Finding:
    """Watch one worker of each contestant."""
    rows, goals = [], []
    for each in (PACED, WELL):
        rounds = []
        for number in range(effort.rounds):
            effort.say(f"idle, round {number + 1}: {each.name}")
            rounds.append(_watch(each, effort.scaled(WATCHED_S, 5)))
        sent = spread_of([one.sent for one in rounds])
        if each is PACED:
            goals.append(
                Goal(name="Redis commands a second of an idle worker", sign="≤", limit=6, found=sent.middle)
            )
        rows.append(
            (
                OURS.name if each is PACED else each.name,
                figure(sent.middle),
                f"{sent.width:.0%}",
                figure(spread_of([one.run for one in rounds]).middle),
                f"{spread_of([one.worker_cpu for one in rounds]).middle:.2%}",
                f"{spread_of([one.redis_cpu for one in rounds]).middle:.2%}",
                rounds[0].most,
            )
        )
    header = (
        "",
        "commands/s sent",
        "spread",
        "commands/s run",
        "CPU of the worker",
        "CPU of Redis",
        "sent most",
    )
    note = "*Sent* is counted by `MONITOR`, *run* by `INFO commandstats`: what scripts call counts there too."
    table = Table(title="One worker, nothing to do", header=header, rows=tuple(rows), note=note)
    return Finding(tables=(table,), goals=tuple(goals))


def _watch(contestant: Contestant, seconds: int) -> Watched:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        far = stack.enter_context(far_end(folder))
        url = stack.enter_context(own_redis())
        environment = contestant.environ(url, far.url)
        load(contestant, 10, 1, environment)
        commands = commands_of(contestant.module, contestant.workers, environment)[:1]
        crew = stack.enter_context(Crew(commands, environment, folder))
        await_arrivals(far, 10, crew, until=time.monotonic() + 60)
        time.sleep(CALM_S)
        client = stack.enter_context(redis.Redis.from_url(url))
        cpu, server_cpu, server = cpu_s(crew.pids()), cpu_s([pid_of(url)]), pid_of(url)
        client.config_resetstat()
        run = _run(client)
        sent = _sent(url, seconds)
        return Watched(
            sent=sum(sent.values()) / seconds,
            run=(_run(client) - run) / seconds,
            worker_cpu=(cpu_s(crew.pids()) - cpu) / seconds,
            redis_cpu=(cpu_s([server]) - server_cpu) / seconds,
            most=", ".join(f"{name} {count / seconds:.1f}/s" for name, count in sent.most_common(3)),
        )


def _run(client: redis.Redis) -> int:
    """Return how many commands Redis has run, ours left out."""
    ours = {f"cmdstat_{name.lower().replace(' ', '|')}" for name in OWN}
    stats: dict[str, Any] = client.info("commandstats")
    return sum(int(found["calls"]) for name, found in stats.items() if name not in ours)


def _sent(url: str, seconds: int) -> Counter[str]:
    """Count the commands that arrive within so many seconds; those that a script calls do not."""
    counts: Counter[str] = Counter()
    with redis.Redis.from_url(url) as client, client.monitor() as monitor:
        until = time.monotonic() + seconds
        with redis.Redis.from_url(url) as waker:
            ending = threading.Timer(seconds, waker.ping)  # something to hear, so that the wait ends
            ending.start()
            while time.monotonic() < until:
                heard = monitor.next_command()
                if (
                    heard["client_type"] != "lua"
                    and (name := heard["command"].split(" ")[0].upper()) not in OWN
                ):
                    counts[name] += 1
            ending.join()
    return counts


PART: Final = Part(
    name="idle",
    title="A worker with nothing to do",
    about="One worker process as it comes, which has delivered a few events and been left alone for a while."
    " Celery's own commands are in both rows.",
    minutes=2.5,
    rounds=2,
    main=main,
)
