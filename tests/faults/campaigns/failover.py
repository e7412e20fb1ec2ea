"""Failover: a replica takes over that was behind, with its events waited for and without."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from typing import Any, Final

from tests.faults.campaign import ALL, ALWAYS, RETRY, Campaign, Ground
from tests.faults.failover import Fleet, acknowledges
from tests.faults.field import Field
from tests.faults.history import Tally
from tests.faults.rollback import Rollbacks, held, recorded
from tests.faults.row import PEER, Row
from tests.faults.side import Shipper
from tests.support.servers import RedisServer

SLOW: Final = {"latency_ms": 500}
"""So slow that something always waits: what Gameball has already cannot be lost."""
WAITING: Final = {"wait_replicas": 1}


class Address(RedisServer):
    """What clients see of a fleet: one port, whoever answers on it. It lives as long as its fleet."""

    def __init__(self, fleet: Fleet) -> None:
        super().__init__(fleet.primary.program, fleet.primary.folder)
        self.port = fleet.address.port

    @property
    def running(self) -> bool:
        return True

    def kill(self) -> None:
        """Leave it to the fleet."""


def without_waiting(ground: Ground) -> Iterator[Row]:
    """Measure what failovers lose; hold that it is reported, and all else of the promise."""
    for policy in ALL:
        ground.say(f"failover to a replica that is behind: {policy}")
        row = together(fail_over(ground, policy, {}))
        yield replace(row, promised=False)
        if policy != PEER:
            yield held(row, "failover without WAIT: reported, and the rest adds up")


def with_waiting(ground: Ground) -> Iterator[Row]:
    """Hold that nothing is lost that a replica was waited for."""
    ground.say("failover, with WAIT")
    yield together(fail_over(ground, RETRY, WAITING))


def fail_over(ground: Ground, policy: str, settings: Mapping[str, Any]) -> Iterator[Row]:
    """Yield a row for each of several fleets, one after another."""
    for _ in range(1 if ground.quick else 4):
        with ExitStack() as stack:
            fleet = stack.enter_context(Fleet(partial(_start, ground, stack), ALWAYS))
            address = Address(fleet)
            there = stack.enter_context(ground.field(policy, server=address, settings=settings, sandbox=SLOW))
            rollbacks = promote(there, fleet, there.random.uniform(1.0, 2.0))
            waits = " and waited for" if settings else ""
            row = there.row(f"failover to a replica that is behind{waits}", "1 failover")
            yield rollbacks.explained(row)


def _start(ground: Ground, stack: ExitStack, options: Mapping[str, str]) -> RedisServer:
    server = ground.server(options)
    stack.callback(server.kill)
    server.start()
    return server


def promote(field: Field, fleet: Fleet, behind_s: float) -> Rollbacks:
    """Send, cut the replica off, go on, and lose the primary."""
    for _ in range(2):
        field.side.worker()
    rollbacks = Rollbacks(field)
    field.check(lambda _: unrecorded(field))
    load = field.start_load(events=9000, customers=200, per_second=150)
    field.until(lambda: load.acknowledged > 200)
    rollbacks.look()
    field.until(lambda: acknowledges(fleet.primary), why="the replica keeps up")
    rollbacks.went_back(fleet.fall_behind())
    field.pass_time(behind_s)
    fleet.fail_over()
    field.healed()
    answered = load.acknowledged
    field.until(lambda: load.acknowledged > answered, why="the replica accepts events")
    field.pass_time(1.0)
    load.stop()
    return rollbacks


def unrecorded(field: Field) -> Iterator[str]:
    """Complain where the ledger does not know that it went back, whatever that cost."""
    if isinstance(field.side, Shipper) and not recorded(field.side):
        yield "the primary was lost, and no roll-back is on record"


def together(rows: Iterable[Row]) -> Row:
    """Add rows of one kind up; the longest recovery counts."""
    first, *others = several = list(rows)
    tallies = [asdict(row.tally) for row in several if row.tally is not None]
    kept = [name for name in tallies[0] if tallies[0][name] is not None]
    summed = {name: sum(each[name] for each in tallies) for name in kept}
    most = max(each["most_copies"] for each in tallies)
    return replace(
        first,
        injected=f"{len(several)} failovers, the replica 1 to 2 s behind",
        load=f"{first.load}, each time",
        tally=Tally(**{**tallies[0], **summed, "most_copies": most}),
        recovery_ms=max((row.recovery_ms for row in several if row.recovery_ms is not None), default=None),
        problems=(*first.problems, *(problem for row in others for problem in row.problems)),
    )


CAMPAIGNS: Final = (
    Campaign(
        name="failover",
        tells="A replica is cut off for a second or two under load; then the primary is lost and the replica"
        " takes its place. What is lost is measured, and must be on record as *ledger rolled back*; what had"
        " ended before the cut may not be sent again, and anything else once more at most.",
        run=without_waiting,
        minutes=2,
    ),
    Campaign(
        name="failover-wait",
        tells="The same with `SHIPPER_WAIT_REPLICAS=1`: nothing that was acknowledged may be lost.",
        run=with_waiting,
        minutes=2,
    ),
)
