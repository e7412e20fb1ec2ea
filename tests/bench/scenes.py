"""Scenes whose system calls are counted, each marked by a call of sched_yield before and after it.

`python -m tests.bench.scenes SCENE REDIS_URL COUNT [FAR_END_URL]`, in a process of its own.
"""

from __future__ import annotations

import os
import sys
from threading import Event as Flag
from typing import Any, Final

from shipper import configure, enqueue_event, enqueue_events
from shipper.ledger.ledger import Ledger
from shipper.ledger.pool import make_pool
from shipper.settings import Settings
from workers.fleet import Fleet
from workers.gameball import Gameball
from workers.pump import Pump, Station
from workers.settings import account_of
from workers.sky import FleetSky
from workers.slots import Slots

WARM: Final = 40
LONG_MS: Final = 40_000
"""No scene may end early: under a tracer, on a busy machine, it takes ten times as long as usual."""


def main(scene: str, url: str, count: str, far_end: str = "") -> None:
    settings = Settings(
        redis_url=url, pace_per_second=0, pace_per_30_seconds=0, enqueue_budget_ms=LONG_MS, pump_ms=LONG_MS
    )
    configure(settings)
    SCENES[scene](settings, int(count), far_end)


def enqueue_one_by_one(settings: Settings, count: int, _: str) -> None:
    for number in range(WARM):
        enqueue_event(event(number))
    os.sched_yield()
    for number in range(count):
        enqueue_event(event(number))
    os.sched_yield()


def enqueue_in_bulk(settings: Settings, count: int, _: str) -> None:
    enqueue_events([event(number) for number in range(WARM)])
    os.sched_yield()
    enqueue_events([event(number) for number in range(count)])
    os.sched_yield()


def deliver(settings: Settings, count: int, far_end: str) -> None:
    account = account_of("default", {"GAMEBALL_BASE_URL": far_end, "GAMEBALL_API_KEY": "bench"})
    station = Station(
        ledger=Ledger(make_pool(settings.redis_url, budget_ms=LONG_MS), budget_ms=LONG_MS),
        sky=FleetSky(Gameball(account), Fleet(settings.calls_in_flight)),
        settings=settings,
        worker="w:1",
        stopping=Flag(),
        slots=Slots(1000),
    )
    enqueue_events([event(number) for number in range(WARM)])
    assert Pump(station).run() == WARM
    enqueue_events([event(number) for number in range(count)])
    os.sched_yield()
    assert Pump(station).run() == count
    os.sched_yield()


def event(number: int) -> dict[str, Any]:
    return {"customerId": f"c-{number}", "events": {"write_review": {"stars": 5}}}


SCENES: Final = {"enqueue": enqueue_one_by_one, "bulk": enqueue_in_bulk, "deliver": deliver}

if __name__ == "__main__":
    main(*sys.argv[1:])
