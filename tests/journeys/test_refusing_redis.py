"""A Redis that runs, and refuses what its workers ask: they wait until it takes it again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis import Redis

from tests.support.stage import Stage
from tests.support.waiting import until
from workers.app import DELIVER_QUEUE


def asks_for_replicas(client: Redis) -> Callable[[], object]:
    client.config_set("min-replicas-to-write", 1)
    return lambda: client.config_set("min-replicas-to-write", 0)


def forbids_to_pop(client: Redis) -> Callable[[], object]:
    client.execute_command("ACL", "SETUSER", "default", "-brpop", "-blpop")
    return lambda: client.execute_command("ACL", "SETUSER", "default", "+brpop", "+blpop")


def has_another_type(client: Redis) -> Callable[[], object]:
    client.set(DELIVER_QUEUE, "no list")
    return lambda: client.delete(DELIVER_QUEUE)


@pytest.mark.parametrize("refuse", [asks_for_replicas, forbids_to_pop, has_another_type])
def test_a_worker_goes_on_when_redis_takes_requests_again(
    stage: Stage, refuse: Callable[[Redis], Callable[[], object]]
) -> None:
    worker = stage.worker()
    with stage.server.client(timeout_s=60) as client:
        heal = refuse(client)
        until(lambda: len(worker.told("broker.refused")) > 1 or not worker.running)
        heal()

        event_id = stage.enqueue("c-1")
        stage.until_state(event_id, "delivered")
        client.lpush(DELIVER_QUEUE, "no wake-up")
        stage.until(lambda: client.llen(DELIVER_QUEUE) == 0)

    assert worker.running
    assert set(stage.copies().values()) == {1}
