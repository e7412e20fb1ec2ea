"""Answers of Gameball that are lost, or hostile: dripping, endless, packed, cut off, redirected."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Final

from tests.faults.campaign import ALL, OURS, RETRY, Campaign, Ground
from tests.faults.expecting import expecting
from tests.faults.field import Field
from tests.faults.row import Row
from tests.faults.soak.memory import rss_of
from tests.support.hostile import HostileServer

Do = dict[str, Any]

LOST: Final[tuple[Do, ...]] = (
    {"delay_ms": 3000, "when": "after"},
    {"reset": True, "when": "after"},
    {"close": True, "when": "after"},
)
"""Applied, and then: no answer within the second that a call may take, a reset, the end of the connection."""

HOSTILE: Final[Mapping[str, Do]] = MappingProxyType(
    {
        "drip": {"drip": 2},
        "never end": {"oversize": 1 << 40},
        "unpack to a gigabyte": {"wrong_body": "gzip_bomb"},
        "are ten megabytes": {"oversize": 10_000_000},
        "are cut off": {"wrong_body": "short"},
        "are half a JSON": {"wrong_body": "truncated"},
        "deny themselves": {"wrong_body": "success_false"},
    }
)
GROWTH_MIB: Final = 48
"""Most that a worker may grow: every call in flight may hold 64 KiB of an answer, and the log grows."""
BIT_MS: Final = 200


def lost_answers(ground: Ground) -> Iterator[Row]:
    """Apply calls and lose their answers, a third each way, under load of which a third is struck."""
    wanted = 60 if ground.quick else 1002
    for policy in ALL:
        ground.say(f"answers lost: {policy}")
        with ground.field(policy) as there:
            for _ in range(2):
                there.side.worker()
            for do in LOST:
                there.sandbox.add_fault(do, {"share": 0.11, "first": wanted // len(LOST)})
            load = there.start_load(events=1_000_000, customers=400, per_second=300)
            there.until(lambda: struck(there) >= wanted, within_s=120, why="too few calls were struck")
            load.stop()
            there.healed()
            row = there.row("Applied, but the answer is lost", f"{wanted:,} lost answers")
            assert row.tally is not None
            parked = row.tally.unclear == wanted and row.tally.duplicated == 0
            doubled = row.tally.duplicated >= wanted
            yield expecting(
                row,
                {"lost answers and unclear events differ": parked}
                if policy == "park"
                else {f"{row.tally.duplicated} second copies of {wanted} calls struck": doubled},
            )


def closed_connections(ground: Ground) -> Iterator[Row]:
    """Apply every third call of a connection and close it: what libcurl would send again by itself."""
    wanted = 10 if ground.quick else 200
    for policy in ALL:
        ground.say(f"closed on a later call: {policy}")
        with ground.field(policy, settings={"calls_in_flight": 1, "coalesce_max": 1}) as there:
            there.side.worker()
            there.sandbox.add_fault({"close": True, "when": "after"}, {"every": 3, "first": wanted})
            load = there.start_load(events=1_000_000, customers=200, per_second=100)
            there.until(lambda: struck(there) >= wanted, within_s=120, why="too few calls were struck")
            load.stop()
            there.healed()
            row = there.row("Applied, then a kept-alive connection is closed", f"{wanted} closed connections")
            assert row.tally is not None
            copies = {"retry": wanted, "park": 0}.get(policy, row.tally.duplicated)
            yield expecting(row, {f"{row.tally.duplicated} second copies": row.tally.duplicated == copies})


def hostile_answers(ground: Ground) -> Iterator[Row]:
    """Answer a third of the calls so that a careless client hangs, or runs out of memory."""
    each = 4 if ground.quick else 50
    wanted = each * len(HOSTILE)
    for policy in OURS:
        ground.say(f"hostile answers: {policy}")
        with ground.field(policy) as there:
            worker = there.side.worker()
            load = there.start_load(events=1_000_000, customers=400, per_second=150)
            there.until(lambda: len(there.arrived()) > 300, why="no load")
            with resident(worker.pid) as memory:
                for do in HOSTILE.values():
                    there.sandbox.add_fault(do, {"share": 0.04, "first": each})
                there.until(lambda: struck(there) >= wanted, within_s=180, why="too few calls were struck")
                load.stop()
                there.healed()
                # One that denied itself three times is rightly dead: the golden table has it so.
                row = there.row(
                    "Hostile answers", f"{wanted} answers that {', '.join(HOSTILE)}", may_die=True
                )
            grown = memory.most_mib - memory.first_mib
            yield expecting(
                row,
                {f"the worker grew by {grown} MiB": grown < GROWTH_MIB, "the worker ended": there.exits == 0},
                note=f"the worker's memory: {memory.first_mib} MiB before, at most {memory.most_mib}",
            )


def redirects(ground: Ground) -> Iterator[Row]:
    """Redirect calls to another host, which must see neither a request nor a key."""
    wanted = 4 if ground.quick else 40
    with ground.field(RETRY) as there, HostileServer() as other:
        there.side.worker()
        for status in (301, 302, 307, 308):
            do = {"status": status, "headers": {"Location": f"{other.url}/api/v4.0/integrations/events"}}
            there.sandbox.add_fault(do, {"first": wanted // 4})
        load = there.start_load(events=1_000_000, customers=200, per_second=100)
        there.until(lambda: struck(there) >= wanted, within_s=120, why="too few calls were struck")
        load.stop()
        there.healed()
        row = there.row("Redirected to another host", f"{wanted} redirects")
        assert row.tally is not None
        yield expecting(
            row,
            {
                f"the other host saw {other.connections} connections": other.connections == 0,
                "a redirected event is dead": row.tally.dead == 0,
                "a redirect made a cause": there.side.causes() == 0,
            },
            note="the other host saw no connection",
        )


def struck(there: Field) -> int:
    """Count the calls that faults struck so far."""
    return sum(fault["struck"] for fault in there.sandbox.faults())


class Resident:
    """What a process holds in memory, in MiB: at first, and at most."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.first_mib = self.most_mib = self._look()

    def note(self) -> None:
        """Look again."""
        self.most_mib = max(self.most_mib, self._look())

    def _look(self) -> int:
        return rss_of(self._pid) // 1024


@contextmanager
def resident(pid: int) -> Iterator[Resident]:
    """Watch the memory of a process, from a thread, until the context ends."""
    memory, over = Resident(pid), threading.Event()

    def watch() -> None:
        while not over.wait(BIT_MS / 1000):
            memory.note()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield memory
    finally:
        over.set()
        thread.join()


CAMPAIGNS: Final = (
    Campaign(
        name="gameball-lost-answers",
        tells="Gameball applies a call, and its answer comes too late, or a reset or the end of"
        " the connection in its place: under `retry` each second copy has its cause on record, under `park`"
        " there is none.",
        run=lost_answers,
        minutes=1.5,
    ),
    Campaign(
        name="gameball-closes",
        tells="Gameball applies a later call of a kept-alive connection and closes it without an answer."
        " libcurl sends such a call again by itself, without a trace; the adapter must not let it.",
        run=closed_connections,
        minutes=1,
    ),
    Campaign(
        name="gameball-hostile",
        tells="Answers drip, never end, unpack to a gigabyte, are cut off, deny themselves: calls end at"
        " their deadline, and the worker's memory stays flat.",
        run=hostile_answers,
        minutes=2,
    ),
    Campaign(
        name="gameball-redirects",
        tells="Calls are redirected to another host: it sees no request and no key, nothing counts as"
        " delivered, the account pauses and resumes by itself.",
        run=redirects,
        minutes=0.5,
    ),
)
