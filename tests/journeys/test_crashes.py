"""Workers and Redis are killed, stopped and frozen in the middle of their work."""

from __future__ import annotations

from typing import Any, Final

from tests.support.proxy import Proxy
from tests.support.stage import Stage

LEASED: Final[dict[str, Any]] = {"timeout_ms": 3000, "connect_timeout_ms": 3000, "lease_ms": 8000}
"""For whom the end of a lease is awaited: the shortest with calls that outlast a stall of the machine."""


def test_an_event_whose_worker_was_killed_in_the_call_is_sent_again_with_the_cause_on_record(
    stage: Stage,
) -> None:
    stage.sandbox.add_fault({"delay_ms": 60_000, "when": "after"}, {"first": 1})
    victim = stage.worker(**LEASED)
    event_id = stage.enqueue("c-42")
    stage.until(lambda: len(stage.arrived()) == 1)

    victim.kill()
    stage.worker()
    other = stage.enqueue("c-other")

    stage.until_state(event_id, "delivered")
    stage.until_state(other, "delivered")
    assert sorted(stage.copies().values()) == [1, 2]
    assert (stage.count("causes"), stage.count("crashed")) == (1, 1)
    stage.assert_sound()


def test_a_parked_event_whose_worker_was_killed_in_the_call_is_unclear(stage: Stage) -> None:
    stage.sandbox.add_fault({"delay_ms": 60_000, "when": "after"}, {"first": 1})
    victim = stage.worker(pump_ms=100, **LEASED)
    event_id = stage.enqueue("c-42", on_unclear="park")
    stage.until(lambda: len(stage.arrived()) == 1 and stage.status().pumps == 0)

    victim.kill()
    stage.worker()

    shown = stage.until_state(event_id, "unclear")
    (line,) = shown.history
    assert (line["verdict"], line["outcome"]) == ("crashed", "unclear")
    assert list(stage.copies().values()) == [1]


def test_a_worker_frozen_beyond_its_lease_wakes_to_a_call_that_is_no_longer_its_own(stage: Stage) -> None:
    stage.sandbox.add_fault({"delay_ms": 2800, "when": "after"}, {"first": 1})
    zombie = stage.worker(pump_ms=100, **LEASED)
    event_id = stage.enqueue("c-42", hook="of-nobody")
    stage.until(lambda: len(stage.arrived()) == 1 and stage.status().pumps == 0)

    zombie.freeze()
    stage.worker(hook_tries=1)
    stage.until_state(event_id, "delivered")
    zombie.thaw()

    stage.until(lambda: zombie.told("delivery.settled"))
    assert zombie.told("delivery.settled")[0]["settled"] == ["gone"]
    assert list(stage.copies().values()) == [2]
    assert stage.count("causes") == 1
    stage.until(lambda: stage.status().sizes["hooks_failed"] == 1)
    stage.assert_sound()


def test_nothing_is_lost_when_redis_is_killed_twice_under_load(stage: Stage) -> None:
    stage.sandbox.add_fault({"delay_ms": 20, "when": "before"})
    workers = [stage.worker(), stage.worker()]
    ids = [stage.enqueue(f"c-{i % 300}", f"visit-{i // 300}") for i in range(300)]
    stage.until(lambda: stage.count("delivered") > 10)

    for more in ("second", "third"):
        stage.server.kill()
        stage.server.start()
        delivered = stage.count("delivered")
        ids += stage.enqueue_all((f"c-{i}" for i in range(150)), more)
        stage.until(lambda: stage.count("delivered") > delivered)  # noqa: B023 - called in this turn only

    counters = stage.until_at_rest()
    copies = stage.copies()
    assert (counters["accepted"], counters["delivered"]) == (600, 600)
    assert len(copies) == len(ids) == 600
    assert sum(copies.values()) - 600 <= counters.get("causes", 0)
    assert [worker.running for worker in workers] == [True, True]
    stage.assert_sound()


def test_a_worker_cut_off_from_redis_in_the_middle_of_its_calls_goes_on_when_it_is_back(stage: Stage) -> None:
    stage.sandbox.add_fault({"delay_ms": 200, "when": "before"})
    with Proxy(stage.server.port) as line:
        worker = stage.worker(redis_url=line.url)
        stage.enqueue_all(f"c-{i}" for i in range(400))
        stage.until(lambda: stage.count("delivered") > 40)

        line.swallow_requests = line.swallow_replies = True
        stage.until(lambda: worker.told("settle.again") or worker.told("claim.failed"))
        line.heal()
        line.reset()

        counters = stage.until_at_rest()
    assert counters["delivered"] == 400
    assert sum(stage.copies().values()) - 400 <= counters.get("causes", 0)
    assert worker.running
    stage.assert_sound()


def test_a_worker_that_is_told_to_end_lets_its_calls_land_and_gives_its_lanes_back(stage: Stage) -> None:
    stage.sandbox.add_fault({"delay_ms": 2500, "when": "before"}, {"first": 32})
    ids = stage.enqueue_all(f"c-{i}" for i in range(60))
    leaving = stage.worker()
    stage.until(lambda: stage.count("in_flight") == 32)

    leaving.terminate()
    code = leaving.wait()

    left = stage.status()
    assert code == 0
    assert (left.counters["delivered"], left.counters["waiting"]) == (32, 28)
    assert left.sizes["lease"] == 0
    # Its Dispatcher may have given out a ticket after the pump gave its own up: that runs out by itself.
    stage.until(lambda: stage.status().pumps == 0)
    stage.worker()
    counters = stage.until_at_rest()
    assert counters["delivered"] == len(ids)
    assert set(stage.copies().values()) == {1}
    assert (counters.get("causes", 0), counters.get("crashed", 0)) == (0, 0)


def test_a_worker_that_runs_a_pump_itself_lets_its_calls_land_too(stage: Stage) -> None:
    stage.sandbox.add_fault({"delay_ms": 4500, "when": "before"})
    leaving = stage.worker(timeout_ms=10_000, lease_ms=16_000)
    with stage.server.client() as redis:
        event_id = stage.enqueue("c-1")
        redis.config_set("maxmemory", "1")
        stage.until_state(event_id, "in_flight")
        redis.config_set("maxmemory", "0")

    leaving.terminate()
    code = leaving.wait()

    assert code == 0
    assert stage.show(event_id).state.value == "delivered"
    assert stage.status().sizes["lease"] == 0


def test_rolling_restarts_make_no_duplicates(stage: Stage) -> None:
    stage.sandbox.add_fault({"delay_ms": 30, "when": "before"})
    stage.worker(calls_in_flight=4)
    stage.enqueue_all(f"c-{i}" for i in range(1000))

    for _ in range(2):
        leaving = stage.workers[-1]
        stage.worker(calls_in_flight=4)
        leaving.terminate()
        assert leaving.wait() == 0

    counters = stage.until_at_rest()
    assert counters["delivered"] == 1000
    assert (counters.get("causes", 0), counters.get("crashed", 0)) == (0, 0)
    assert set(stage.copies().values()) == {1}


def test_a_worker_waits_for_a_redis_that_is_not_there_yet(stage: Stage) -> None:
    event_id = stage.enqueue("c-42")
    stage.server.kill()
    worker = stage.worker(ready=False)
    stage.until(lambda: "refused" in worker.log or not worker.running)
    assert worker.running, worker.log[-2000:]

    stage.server.start()

    stage.until_state(event_id, "delivered")


def test_a_worker_outlives_a_redis_that_takes_no_writes_for_a_while(stage: Stage) -> None:
    worker = stage.worker()
    with stage.server.client() as redis:
        redis.execute_command("REPLICAOF 127.0.0.1 1")
        stage.until(lambda: worker.told("ledger.unavailable") or not worker.running)
        stage.until(lambda: "Connection to broker lost" in worker.log or not worker.running)
        alive = worker.running
        redis.execute_command("REPLICAOF NO ONE")

    event_id = stage.enqueue("c-42")

    assert alive, worker.log[-2000:]
    stage.until_state(event_id, "delivered")
    assert worker.running
