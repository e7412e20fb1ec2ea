"""A Redis that answers slowly: the pace is counted where it is claimed, and the call leaves later."""

from __future__ import annotations

from tests.support.proxy import Proxy
from tests.support.stage import Stage


def test_a_redis_slower_than_the_margin_of_the_pace_delays_calls_and_stops_none(stage: Stage) -> None:
    with Proxy(stage.server.port) as line:
        line.latency_s = 0.2
        worker = stage.worker(
            redis_url=line.url, pace_per_second=100, pace_per_30_seconds=1200, pace_margin_ms=250
        )
        ids = [stage.enqueue(f"c-{i}") for i in range(3)]

        for event_id in ids:
            stage.until_state(event_id, "delivered")

        worker.kill()
    assert set(stage.copies().values()) == {1}
