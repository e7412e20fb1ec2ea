"""Recovery: a real outage. Real workers meet a sandbox that answers 503, then enforces both windows."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.contestants import PACED
from benchmarks.crew import Crew, commands_of
from benchmarks.finding import NOTHING, Finding, Goal, Table, spread_of
from benchmarks.outage import A_SECOND, THE_SHOP, figures
from benchmarks.own_redis import own_redis
from benchmarks.own_sandbox import OwnSandbox, own_sandbox
from benchmarks.part import Effort, Part
from shipper import configure, enqueue_event
from shipper.local.shop import Done, what_happens
from shipper.settings import Settings

OUTAGE_S: Final = 60
LATENCY_MS: Final = 50
LOOK_S: Final = 0.5
PATIENCE: Final = 6
"""A drain is given up after so many times the outage's length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What came after a real outage, in seconds from its end."""

    first_s: float
    """Until Gameball accepted anything: the breaker's probe."""
    last_s: float
    """Until the last event of the outage was accepted."""
    events_a_call: float
    refused: int
    doubled: int


def main(effort: Effort) -> Finding:
    """Let real workers meet a real, shorter outage."""
    outage_s = effort.scaled(OUTAGE_S, 15)
    rounds = []
    for number in range(effort.rounds):
        effort.say(f"outage of {outage_s} s, round {number + 1}")
        rounds.append(_suffer(outage_s))
    last = spread_of([one.last_s for one in rounds])
    rows = (
        (
            "seconds until Gameball accepted the first event again",
            *figures(spread_of([one.first_s for one in rounds])),
        ),
        ("seconds until it had the last event of the outage", *figures(last)),
        (
            "the same from the first accepted call",
            *figures(spread_of([one.last_s - one.first_s for one in rounds])),
        ),
        ("events a call meanwhile", *figures(spread_of([one.events_a_call for one in rounds]))),
        ("calls refused with 429", str(max(one.refused for one in rounds)), NOTHING),
        ("events accepted twice", str(max(one.doubled for one in rounds)), NOTHING),
    )
    drained = spread_of([(one.last_s - one.first_s) / outage_s for one in rounds])
    goals = (
        Goal(
            name="A real outage drains, of its length",
            sign="≤",
            limit=75,
            found=100 * drained.middle,
            unit=" %",
        ),
        Goal(
            name="Calls refused while it drains", sign="≤", limit=0, found=max(one.refused for one in rounds)
        ),
    )
    table = Table(title=f"An outage of {outage_s} s, real", header=("", "found", "spread"), rows=rows)
    return Finding(tables=(table,), goals=goals)


def _suffer(outage_s: int) -> Recovered:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sandbox = stack.enter_context(own_sandbox(folder, latency_ms=LATENCY_MS))
        url = stack.enter_context(own_redis())
        environment = PACED.environ(url, sandbox.url)
        sandbox.add_fault({"do": {"status": 503}})
        stack.enter_context(Crew(commands_of(PACED.module, PACED.workers, environment), environment, folder))
        configure(Settings(redis_url=url))
        happened = stack.enter_context(_happening())
        time.sleep(outage_s)
        sandbox.clear_faults()
        ended_ms, wanted = time.time() * 1000, {done.reference for done in tuple(happened)}
        until = time.monotonic() + PATIENCE * outage_s + 60
        while wanted - (there := {_reference(event) for event in _events(sandbox)}):
            if time.monotonic() > until:
                raise TimeoutError(
                    f"{len(wanted - there)} of {len(wanted)} events of the outage did not arrive"
                )
            time.sleep(LOOK_S)
        return _recovered(sandbox, wanted, ended_ms)


@contextmanager
def _happening() -> Iterator[list[Done]]:
    """Enqueue thirty events a second until the end, in a thread; give the growing list of them."""
    happened: list[Done] = []
    over = threading.Event()

    def happen() -> None:
        for done in what_happens(1_000_000, seed=1):
            if over.wait(1 / A_SECOND):
                return
            enqueue_event(done.event)
            happened.append(done)

    thread = threading.Thread(target=happen)
    thread.start()
    try:
        yield happened
    finally:
        over.set()
        thread.join()


def _recovered(sandbox: OwnSandbox, wanted: set[str], ended_ms: float) -> Recovered:
    calls, events = sandbox.accepted(), _events(sandbox)
    mine = [call for call in calls if any(_reference(event) in wanted for event in call["events"].values())]
    references = [_reference(event) for event in events]
    return Recovered(
        first_s=(mine[0]["at_ms"] - ended_ms) / 1000,
        last_s=(mine[-1]["at_ms"] - ended_ms) / 1000,
        events_a_call=sum(len(call["events"]) for call in mine) / len(mine),
        refused=sandbox.stats()["by_status"].get("429", 0),
        doubled=len(references) - len(set(references)),
    )


def _events(sandbox: OwnSandbox) -> list[dict[str, Any]]:
    return [event for call in sandbox.accepted() for event in call["events"].values()]


def _reference(event: dict[str, Any]) -> str:
    return str(event["reference"])


PART: Final = Part(
    name="outage-real",
    title="A shorter outage, real",
    about=f"{THE_SHOP} The sandbox answers 503 for a while and the breaker opens; then the sandbox recovers,"
    " and enforces both windows.",
    minutes=2.5,
    rounds=1,
    main=main,
)
