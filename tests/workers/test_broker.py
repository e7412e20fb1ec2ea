"""Of a message only task, id, account and ticket are believed."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from kombu.entity import Queue
from redis import Redis
from redis.exceptions import OutOfMemoryError

from shipper.errors import ShipperError
from tests.support.servers import RedisServer
from workers.broker import MOST_WAITING, NONSENSE, Messenger, wake_up_of

ID = "0a2ea3d4-2d9a-4b6e-9e39-0e1bb3a51f5b"
TICKET = "AbCd-_0123456789"


def message(
    task: Any = "shipper.deliver", id_: Any = ID, args: Any = ("default", TICKET), **more: Any
) -> dict[str, Any]:
    body = b64encode(json.dumps([args, {"evil": 1}, {"callbacks": ["evil"]}]).encode()).decode()
    headers = {"task": task, "id": id_, "timelimit": ["evil"], "eta": "evil", "shadow": "evil"}
    return {"body": body, "headers": headers, "properties": {"reply_to": "evil"}, **more}


@pytest.mark.parametrize("task", ["shipper.deliver", "shipper.complete"])
def test_a_wake_up_is_built_anew_from_what_it_says(task: str) -> None:
    wake_up = wake_up_of(message(task))

    assert json.loads(b64decode(wake_up["body"])) == [["default", TICKET], {}, {}]
    assert wake_up["headers"] == {"lang": "py", "task": task, "id": ID, "root_id": ID}
    assert "evil" not in json.dumps(wake_up)


def test_each_wake_up_has_a_tag_of_its_own() -> None:
    tags = {wake_up_of(message())["properties"]["delivery_tag"] for _ in range(10)}

    assert len(tags) == 10


@pytest.mark.parametrize(
    "forged",
    [
        None,
        5,
        "text",
        [],
        {},
        {"headers": None, "body": ""},
        {"headers": {}, "body": ""},
        message(body="%%%"),
        message(body=b64encode(b"no json").decode()),
        message(body=b64encode(b"5").decode()),
        message(body=b64encode(b"[" * 100_000).decode()),
        message(body=None),
        message("celery.backend_cleanup"),
        message("shipper.deliver\n"),
        message(["shipper.deliver"]),
        message(id_=None),
        message(id_="x" * 36),
        message(id_=ID + "\n"),
        message(id_="\u0660" * 36),
        message(args=[]),
        message(args=["default"]),
        message(args=["default", TICKET, "more"]),
        message(args={"default": 1, TICKET: 2, "more": 3}),
        message(args=["Default", TICKET]),
        message(args=["", TICKET]),
        message(args=["default", ""]),
        message(args=["default", TICKET + "="]),
        message(args=["default", None]),
        message(args=[["default"], TICKET]),
    ],
    ids=lambda value: None,
)
def test_whatever_is_no_wake_up_is_refused(forged: Any) -> None:
    with pytest.raises(NONSENSE):
        wake_up_of(forged)


def publish(server: RedisServer, count: int) -> None:
    """Publish numbered messages as Celery does, through our transport."""
    options = {"priority_steps": [0], "ack_emulation": False}
    app = Celery(broker=server.url, set_as_current=False)
    app.conf.update(broker_transport="workers.broker:Transport", broker_transport_options=options)
    with app.connection_for_write() as to:
        queue: Any = Queue  # kombu has no types
        queue("shipper.hooks", routing_key="shipper.hooks")(to.default_channel).declare()
        with to.Producer() as producer:
            for number in range(count):
                producer.publish({"number": number}, routing_key="shipper.hooks")


def test_wake_ups_that_nobody_takes_do_not_pile_up_and_the_newest_stay(
    server: RedisServer, redis: Redis
) -> None:
    redis.rpush("shipper.hooks", *range(MOST_WAITING - 1))

    publish(server, 50)

    waiting = redis.lrange("shipper.hooks", 0, -1)
    newest = [json.loads(b64decode(json.loads(each)["body"]))["number"] for each in waiting[:50]]
    assert newest == list(range(49, -1, -1))
    assert waiting[50:] == [str(number).encode() for number in range(MOST_WAITING - 50)]


def test_a_messenger_sends_what_a_worker_reads(server: RedisServer, redis: Redis) -> None:
    Messenger(server.url).send("shipper.complete", "shipper.hooks", "default", TICKET)

    (sent,) = redis.lrange("shipper.hooks", 0, -1)
    wake_up = wake_up_of(json.loads(sent))
    assert wake_up["headers"]["task"] == "shipper.complete"
    assert json.loads(b64decode(wake_up["body"])) == [["default", TICKET], {}, {}]


def test_a_messenger_forgets_the_oldest_of_what_nobody_takes(server: RedisServer, redis: Redis) -> None:
    redis.rpush("shipper.hooks", *range(MOST_WAITING))

    Messenger(server.url).send("shipper.complete", "shipper.hooks", "default", TICKET)

    waiting = redis.lrange("shipper.hooks", 0, -1)
    assert len(waiting) == MOST_WAITING
    assert waiting[-1] == str(MOST_WAITING - 2).encode()


@pytest.fixture
def full_redis(redis: Redis) -> Iterator[Redis]:
    """A Redis that takes nothing more, for as long as a test: others share the server."""
    redis.config_set("maxmemory", "1")
    yield redis
    redis.config_set("maxmemory", "0")


def test_a_messenger_tells_that_a_full_redis_took_nothing(server: RedisServer, full_redis: Redis) -> None:
    with pytest.raises(ShipperError):
        Messenger(server.url).send("shipper.deliver", "shipper.deliver", "default", TICKET)

    assert not full_redis.exists("shipper.deliver")


@pytest.mark.usefixtures("full_redis")
def test_a_wake_up_that_a_full_redis_refuses_is_an_error(server: RedisServer) -> None:
    with pytest.raises(OutOfMemoryError):
        publish(server, 1)
