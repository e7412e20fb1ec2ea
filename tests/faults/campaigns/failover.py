"""Failover: a replica takes over that was behind, with its events waited for and without."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from typing import Any, Final

from tests.faults.campaign import ALWAYS, RETRY, Campaign, Ground
from tests.faults.failover import Fleet
from tests.faults.field import Field
from tests.faults.history import Tally
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
    """Measure what failovers lose; hold that it is reported and leaves no mess."""
    for policy in (RETRY, PEER):
        ground.say(f"failover to a replica that is behind: {policy}")
        row = together(fail_over(ground, policy, {}))
        yield replace(row, promised=False)
        if policy == RETRY:
            yield replace(row, fault="failover without WAIT: reported, and the rest adds up", tally=None)


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
            promote(there, fleet, there.random.uniform(1.0, 2.0))
            waits = " and waited for" if settings else ""
            row = there.row(f"failover to a replica that is behind{waits}", "1 failover")
            yield explained(there.side, row) if isinstance(there.side, Shipper) else row


def _start(ground: Ground, stack: ExitStack, options: Mapping[str, str]) -> RedisServer:
    server = ground.server(options)
    stack.callback(server.kill)
    server.start()
    return server


def promote(field: Field, fleet: Fleet, behind_s: float) -> None:
    """Send, cut the replica off, go on, and lose the primary."""
    for _ in range(2):
        field.side.worker()
    load = field.start_load(events=900, customers=200, per_second=150)
    field.until(lambda: load.acknowledged > 200)
    fleet.fall_behind()
    field.pass_time(behind_s)
    fleet.fail_over()
    field.healed()


def explained(side: Shipper, row: Row) -> Row:
    """Take the account-wide cause into account: what the ledger forgot, it sends again."""
    assert row.tally is not None
    if not int(side.stage.status().meta.get("rolled_back", 0)):
        return replace(row, problems=(*row.problems, "the ledger went back, and no roll-back is on record"))
    problems = tuple(problem for problem in row.problems if not problem.endswith("causes on record"))
    note = "duplicates have the account-wide cause *ledger rolled back*"
    return replace(row, tally=replace(row.tally, unexplained=0), note=note, problems=problems)


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
        " takes its place. What is lost is measured, and must be on record as *ledger rolled back*.",
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
