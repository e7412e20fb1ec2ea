"""Celery's messages are wake-ups: losing, repeating or forging them changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

import shipper
from shipper.ledger.keys import key_of
from shipper.ledger.operations import pause, resume
from tests.journeys.forgeries import CANARY, forgeries
from tests.support.proxy import Proxy
from tests.support.stage import Stage


def test_forged_messages_do_not_end_a_worker_and_are_not_repeated_in_its_log(
    stage: Stage, tmp_path: Path
) -> None:
    worker = stage.worker()
    touched = tmp_path / "touched"
    with stage.server.client() as redis:
        for forged in forgeries(str(touched)):
            redis.lpush("shipper.deliver", forged)
            redis.lpush("shipper.hooks", forged)

        event_id = stage.enqueue("c-42")
        stage.until_state(event_id, "delivered")
        stage.until(lambda: not redis.exists("shipper.deliver", "shipper.hooks"))
        later = [stage.enqueue(f"c-{i}") for i in range(20)]
        for event_id in later:
            stage.until_state(event_id, "delivered")

    assert worker.running
    assert CANARY not in worker.log
    assert not touched.exists()
    assert stage.sandbox.stats()["calls"] == 21
    assert "Traceback" not in worker.log
    stage.assert_sound()


def test_events_arrive_though_every_message_is_lost(stage: Stage) -> None:
    with Proxy(stage.server.port) as broker:
        broker.rewrite = (b"LPUSH\r\n$15\r\nshipper.deliver", b"LPUSH\r\n$15\r\nshipper.nowhere")
        worker = stage.worker(broker_url=broker.url)

        ids = [stage.enqueue(f"c-{i}") for i in range(100)]

        for event_id in ids:
            stage.until_state(event_id, "delivered")
        assert set(stage.copies().values()) == {1}
        assert worker.running

        broker.heal()
        later = stage.enqueue("c-later")
        stage.until_state(later, "delivered")
    stage.assert_sound()


def test_events_arrive_once_while_every_message_is_lost_for_a_while(stage: Stage) -> None:
    with Proxy(stage.server.port) as broker:
        broker.rewrite = (b"LPUSH\r\n$15\r\nshipper.deliver", b"LPUSH\r\n$15\r\nshipper.nowhere")
        stage.worker(broker_url=broker.url)
        ids = [stage.enqueue(f"c-{i}") for i in range(100)]
        with stage.server.client() as redis:
            stage.until(lambda: redis.llen("shipper.nowhere"))

            broker.heal()

        for event_id in ids:
            stage.until_state(event_id, "delivered")
    assert set(stage.copies().values()) == {1}


def test_a_full_redis_takes_no_message_and_the_ledger_drains_all_the_same(stage: Stage) -> None:
    worker = stage.worker()
    stage.ledger.run(pause())
    ids = [stage.enqueue(f"c-{i}") for i in range(100)]
    with stage.server.client() as redis:
        redis.config_set("maxmemory", "1")
        with pytest.raises(shipper.LedgerFullError):
            stage.enqueue("c-too-late")

        stage.ledger.run(resume())

        for event_id in ids:
            stage.until_state(event_id, "delivered")
        assert worker.running
        stage.until(lambda: worker.told("pump.not_started"))

        redis.config_set("maxmemory", "0")
        later = stage.enqueue("c-later")
        stage.until_state(later, "delivered")
    assert set(stage.copies().values()) == {1}
    assert stage.count("causes") == 0


def test_a_worker_that_loses_its_connection_to_a_full_redis_comes_back_and_drains(stage: Stage) -> None:
    with Proxy(stage.server.port) as line, stage.server.client() as redis:
        worker = stage.worker(redis_url=line.url)
        stage.ledger.run(pause())
        ids = [stage.enqueue(f"c-{i}") for i in range(20)]
        redis.config_set("maxmemory", "1")

        line.reset()
        stage.ledger.run(resume())

        for event_id in ids:
            stage.until_state(event_id, "delivered")
        assert worker.running

        redis.config_set("maxmemory", "0")
        later = stage.enqueue("c-later")
        stage.until_state(later, "delivered")
    assert set(stage.copies().values()) == {1}


def test_a_worker_starts_on_a_full_redis_and_drains_it(stage: Stage) -> None:
    ids = [stage.enqueue(f"c-{i}") for i in range(20)]
    with stage.server.client() as redis:
        redis.config_set("maxmemory", "1")

        worker = stage.worker()

        for event_id in ids:
            stage.until_state(event_id, "delivered")
    assert worker.running
    assert set(stage.copies().values()) == {1}


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_hooks_that_waited_for_a_worker_until_redis_was_full_are_told_all_the_same(
    stage: Stage, pool: str
) -> None:
    delivering = stage.worker("-Q", "shipper.deliver")
    for i in range(40):
        stage.enqueue(f"c-{i}", hook="told")
    stage.until(lambda: stage.count("delivered") == 40)
    with stage.server.client() as redis:
        redis.config_set("maxmemory", "1")
        with pytest.raises(shipper.LedgerFullError):
            stage.enqueue("c-too-late")
        redis.delete("shipper.hooks")  # of the wake-ups until then each ticket runs out

        telling = stage.worker("-Q", "shipper.hooks", "-P", pool, hooks=TOLD)

        stage.until(lambda: stage.count("hooks_told") == 40)
        stage.until(lambda: telling.told("teller.not_started") and len(telling.told("hook.told")) == 40)
        assert (delivering.running, telling.running) == (True, True)
        assert delivering.told("hook.told") == []

        redis.config_set("maxmemory", "0")
        stage.enqueue("c-later", hook="told")
        stage.until(lambda: stage.count("hooks_told") == 41)
    stage.assert_sound()


def test_a_worker_for_hooks_alone_delivers_nothing(stage: Stage) -> None:
    stage.worker("-Q", "shipper.hooks", hooks=TOLD)
    event_id = stage.enqueue("c-1", hook="told")
    with stage.server.client() as redis:
        stage.until(lambda: redis.llen("shipper.deliver"))
        waiting = stage.show(event_id).state.value

        delivering = stage.worker("-Q", "shipper.deliver")

        stage.until(lambda: stage.count("hooks_told") == 1 and stage.workers[0].told("hook.told"))
    assert waiting == "waiting"
    assert stage.workers[0].told("delivery.settled") == []
    assert len(stage.workers[0].told("hook.told")) == 1
    assert delivering.told("hook.told") == []


TOLD = """
from shipper import completion_hook

@completion_hook("told")
def told(response, error):
    pass
"""


def test_a_forged_doorbell_does_not_stop_the_worker(stage: Stage) -> None:
    stage.worker()
    bell = key_of("default", "bell")
    with stage.server.client() as redis:
        redis.delete(bell)
        redis.set(bell, "not a list")

        first = stage.enqueue("c-1")
        stage.until_state(first, "delivered")
        redis.lpush(bell, *[b"\xff" * 1000] * 100)
        second = stage.enqueue("c-2")
        stage.until_state(second, "delivered")

    assert stage.arrived() == [("c-1", "write_review", {}), ("c-2", "write_review", {})]
