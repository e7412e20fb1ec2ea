"""A failover to a replica that is behind loses a moment, and says so; with WAIT it loses nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.failover import Fleet
from tests.faults.power.traffic import Traffic
from tests.support.servers import StartServer
from tests.support.waiting import until

ALWAYS = {"appendonly": "yes", "appendfsync": "always"}


@pytest.fixture
def fleet(private_server: StartServer) -> Iterator[Fleet]:
    with Fleet(lambda options: private_server(options=options), ALWAYS) as started:
        yield started


def test_a_failover_to_a_replica_that_is_behind_loses_what_came_since_and_reports_it(fleet: Fleet) -> None:
    with Traffic(fleet.url) as traffic:
        traffic.flow(more=100)
        behind_at = fleet.fall_behind()
        traffic.flow(more=100)

        fleet.fail_over()
        traffic.flow(more=200)

        judgement = traffic.judge()
        until(lambda: traffic.rolled_back)

    assert judgement.lost
    assert min(judgement.lost.values()) > behind_at
    assert judgement.unsound == ()


def test_an_event_that_a_replica_was_waited_for_survives_a_failover(fleet: Fleet) -> None:
    with Traffic(fleet.url, wait_replicas=1, enqueue_budget_ms=300) as traffic:
        traffic.flow(more=100)
        fleet.fall_behind()
        until(lambda: traffic.unclear >= 4)

        fleet.fail_over()
        traffic.flow(more=100)

        judgement = traffic.judge()

    assert judgement.lost == {}
    assert judgement.unsound == ()
    assert len(traffic.accepted) >= 200
