"""Drip: enqueue one event after another into an idle system, and time each until it is at the far end.

`python -m benchmarks.drip MODULE EVENTS` prints a JSON list of milliseconds. A process of its own, since a
contestant configures its library when it is imported.
"""

from __future__ import annotations

import importlib
import json
import random
import sys
import time
from typing import Final

from benchmarks.far_end import FarEnd
from benchmarks.load import events
from benchmarks.peers.place import FAR_END

WARM: Final = 20
PAUSE_S: Final = (0.05, 0.15)
"""Between an arrival and the next event; drawn, so that no poller's beat is met."""
PATIENCE_S: Final = 30
LOOK_S: Final = 0.002


def main(module: str, count: int) -> list[float]:
    """Return the milliseconds of each event but for the first, which find everything cold."""
    contestant, far = importlib.import_module(f"benchmarks.peers.{module}"), FarEnd(url=FAR_END, pid=0)
    took = []
    draw = random.Random(count)  # noqa: S311 - the same pauses for all
    for number, event in enumerate(events(WARM + count, 1), start=1):
        time.sleep(draw.uniform(*PAUSE_S))
        began_ms = time.monotonic() * 1000
        contestant.send(event)
        took.append(_arrival_ms(far, number) - began_ms)
    return took[WARM:]


def _arrival_ms(far: FarEnd, number: int) -> float:
    """Return when the far end answered its latest event, by the clock that all processes share."""
    until = time.monotonic() + PATIENCE_S
    while (seen := far.seen()).events < number:
        if time.monotonic() > until:
            raise TimeoutError(f"event {number} did not arrive within {PATIENCE_S} s")
        time.sleep(LOOK_S)
    return seen.last


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
