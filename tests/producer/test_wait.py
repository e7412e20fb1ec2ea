"""With SHIPPER_WAIT_REPLICAS an enqueue returns when replicas have the event, or says that they may not."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import pytest

import shipper
from shipper.admission import Answer
from shipper.errors import (
    EnqueueUnclearError,
    IdempotencyConflictError,
    LedgerFullError,
    LedgerUnavailableError,
    ShipperError,
)
from shipper.event_id import new_event_id
from shipper.inspector import open_inspectors
from shipper.settings import Settings
from tests.ledger.fake_redis import Command, fake_redis
from tests.producer.book import BUDGET_MS, PATIENT_MS, SLACK_S, Book, OpenBook, Produce
from tests.support.proxy import Proxy
from tests.support.servers import HOST, RedisServer, StartServer
from tests.support.waiting import until


def event(customer: str) -> dict[str, object]:
    return {"customerId": customer, "events": {"visit": {}}}


class Enqueue(Protocol):
    def __call__(self, *customers: str, **options: Any) -> Answer: ...


def one(*customers: str, **options: Any) -> Answer:
    return shipper.enqueue_event(event(customers[0]), **options)


def one_without_blocking(*customers: str, **options: Any) -> Answer:
    async def ask() -> Answer:
        try:
            return await shipper.aenqueue_event(event(customers[0]), **options)
        finally:
            await shipper.aclose()

    return asyncio.run(ask())


def in_bulk(*customers: str, event_id: str | None = None, **options: Any) -> Answer:
    (answer,) = shipper.enqueue_events([event(customers[0])], event_ids=[event_id], **options)
    return answer


def in_bulk_without_blocking(*customers: str, event_id: str | None = None, **options: Any) -> Answer:
    async def ask() -> Sequence[Answer]:
        try:
            return await shipper.aenqueue_events([event(customers[0])], event_ids=[event_id], **options)
        finally:
            await shipper.aclose()

    return asyncio.run(ask())[0]


EVERY_WAY = [one, one_without_blocking, in_bulk, in_bulk_without_blocking]


@pytest.fixture(params=EVERY_WAY, ids=lambda way: way.__name__)
def enqueue(request: pytest.FixtureRequest) -> Enqueue:
    """Enqueue one event, and give what was returned or raised."""

    def answered(*customers: str, **options: Any) -> Answer:
        try:
            return request.param(*customers, **options)  # type: ignore[no-any-return]
        except ShipperError as error:
            return error

    return answered


class Pair:
    """A primary, and a replica that follows it through a proxy."""

    def __init__(self, start: StartServer, on: str, line: Proxy, primary: RedisServer) -> None:
        self.primary = primary
        self.line = line
        self.replica = start(on=on, options={"replicaof": f"{HOST} {line.port}"})
        until(self.follows)

    def follows(self) -> bool:
        """Tell whether the replica acknowledges: on Valkey it is online for half a second before it does."""
        with self.primary.client() as client:
            client.publish("nobody", "is written for replicas all the same")
            return bool(client.wait(1, 100))

    def cut(self) -> None:
        """Let nothing through to the replica, with the connection open."""
        self.line.swallow_replies = True

    def mend(self) -> None:
        self.line.heal()
        self.line.reset()
        until(self.follows)


@pytest.fixture
def on() -> str:
    """On which server a test runs, unless it says otherwise."""
    return "redis7"


@pytest.fixture
def pair(on: str, private_server: StartServer) -> Iterator[Pair]:
    options = {"repl-diskless-sync-delay": "0", "repl-ping-replica-period": "1"}
    primary = private_server(on=on, options=options)
    with Proxy(primary.port) as line:
        yield Pair(private_server, on, line, primary)


def held_by(server: RedisServer) -> set[str]:
    with server.client() as client:
        return {name.decode() for name in client.hkeys("{shipper:default}:rec")}


# Waiting


@pytest.mark.parametrize("on", ["redis7", "valkey9"])
def test_an_event_is_on_the_replica_when_its_enqueue_returns(
    pair: Pair, produce: Produce, enqueue: Enqueue
) -> None:
    produce(pair.primary.url, wait_replicas=1)

    for i in range(20):
        receipt = enqueue(f"c-{i}")

        assert isinstance(receipt, shipper.Receipt)
        assert receipt.event_id in held_by(pair.replica)


def test_an_event_that_no_replica_has_is_unclear_and_on_the_primary_within_the_budget(
    pair: Pair, produce: Produce, open_book: OpenBook, enqueue: Enqueue
) -> None:
    produce(pair.primary.url, wait_replicas=1)
    enqueue("before")
    pair.cut()
    produce(pair.primary.url, wait_replicas=1, enqueue_budget_ms=BUDGET_MS)

    started = time.monotonic()
    answer = enqueue("c-1")
    took_s = time.monotonic() - started

    assert isinstance(answer, EnqueueUnclearError)
    assert "accepted on the primary" in str(answer)
    assert BUDGET_MS / 1000 * 0.6 < took_s < BUDGET_MS / 1000 + SLACK_S
    assert open_book(pair.primary).customers() == {"before": 1, "c-1": 1}
    assert answer.event_id not in held_by(pair.replica)


def test_enqueueing_again_waits_again_and_accepts_once(
    pair: Pair, produce: Produce, open_book: OpenBook, enqueue: Enqueue
) -> None:
    produce(pair.primary.url, wait_replicas=1)
    enqueue("before")
    pair.cut()
    produce(pair.primary.url, wait_replicas=1, enqueue_budget_ms=BUDGET_MS)
    first = enqueue("c-1")
    assert isinstance(first, EnqueueUnclearError)

    still = enqueue("c-1", event_id=first.event_id)
    pair.mend()
    produce(pair.primary.url, wait_replicas=1)
    again = enqueue("c-1", event_id=first.event_id)

    assert isinstance(still, EnqueueUnclearError)
    assert still.event_id == first.event_id
    assert again == shipper.Receipt(event_id=first.event_id, account="default", duplicate=True)
    assert first.event_id in held_by(pair.replica)
    book = open_book(pair.primary)
    assert book.customers() == {"before": 1, "c-1": 1}
    book.assert_sound()


def test_more_replicas_than_there_are_make_every_event_unclear(pair: Pair, produce: Produce) -> None:
    produce(pair.primary.url, wait_replicas=2, enqueue_budget_ms=BUDGET_MS)

    # Redis' word that one acknowledged may come a moment too late.
    with pytest.raises(EnqueueUnclearError, match=r"1 of 2 replica\(s\) ack|whether 2 replica\(s\) have it"):
        shipper.enqueue_event(event("c-1"))


def test_a_refusal_needs_no_replica(pair: Pair, produce: Produce, enqueue: Enqueue) -> None:
    produce(pair.primary.url, wait_replicas=1)
    receipt = enqueue("c-1")
    assert isinstance(receipt, shipper.Receipt)
    pair.cut()
    produce(pair.primary.url, wait_replicas=1, enqueue_budget_ms=BUDGET_MS)

    answer = enqueue("other", event_id=receipt.event_id)

    assert isinstance(answer, IdempotencyConflictError)


def test_a_bulk_stops_at_the_first_chunk_that_no_replica_has(
    pair: Pair, produce: Produce, open_book: OpenBook
) -> None:
    produce(pair.primary.url, wait_replicas=1)
    shipper.enqueue_event(event("before"))
    pair.cut()
    produce(pair.primary.url, wait_replicas=1, enqueue_budget_ms=BUDGET_MS)

    answers = shipper.enqueue_events([event(f"c-{i}") for i in range(201)])

    assert {type(answer) for answer in answers[:200]} == {EnqueueUnclearError}
    assert type(answers[200]) is LedgerUnavailableError
    assert open_book(pair.primary).count("accepted") == 201


def test_an_atomic_call_that_no_replica_has_is_unclear_with_all_its_ids(pair: Pair, produce: Produce) -> None:
    produce(pair.primary.url, wait_replicas=1)
    shipper.enqueue_event(event("before"))
    pair.cut()
    produce(pair.primary.url, wait_replicas=1, enqueue_budget_ms=BUDGET_MS)

    with pytest.raises(EnqueueUnclearError) as unclear:
        shipper.enqueue_events([event("c-1"), event("c-2")], atomic=True)

    assert set(unclear.value.event_ids) < held_by(pair.primary)


def test_a_full_redis_tells_of_an_earlier_event_only_what_a_replica_has(pair: Pair, produce: Produce) -> None:
    produce(pair.primary.url, wait_replicas=1)
    receipt = shipper.enqueue_event(event("c-1"))
    with pair.primary.client() as client:
        client.config_set("maxmemory", "1")

    known = shipper.enqueue_event(event("c-1"), event_id=receipt.event_id)
    pair.cut()
    produce(pair.primary.url, wait_replicas=1, enqueue_budget_ms=BUDGET_MS)
    with pytest.raises(EnqueueUnclearError, match="on the primary"):
        shipper.enqueue_event(event("c-1"), event_id=receipt.event_id)
    with pytest.raises(LedgerFullError):
        shipper.enqueue_event(event("c-2"), event_id=new_event_id())

    assert known.duplicate is True


def test_scripts_that_were_flushed_are_taught_again_though_no_replica_answers(
    pair: Pair, produce: Produce, enqueue: Enqueue
) -> None:
    produce(pair.primary.url, wait_replicas=1)
    enqueue("before")
    pair.cut()
    with pair.primary.client() as client:
        client.script_flush()
    produce(pair.primary.url, wait_replicas=1, enqueue_budget_ms=BUDGET_MS)

    answer = enqueue("c-1")

    assert isinstance(answer, EnqueueUnclearError)
    assert "accepted on the primary" in str(answer)


def test_a_wait_that_is_forbidden_is_unclear_and_says_so(
    pair: Pair, produce: Produce, enqueue: Enqueue
) -> None:
    with pair.primary.client() as admin:
        admin.execute_command("ACL", "SETUSER", "app", "on", ">secret", "~*", "+@all", "-wait")
    produce(f"redis://app:secret@{HOST}:{pair.primary.port}/0", wait_replicas=1)

    answer = enqueue("c-1")

    assert isinstance(answer, EnqueueUnclearError)
    assert "whether 1 replica(s) have it is not known" in str(answer)
    assert "wait" in str(answer)


def test_replies_that_break_off_before_the_replicas_answer_are_unclear(
    produce: Produce, enqueue: Enqueue
) -> None:
    def accept_and_hang_up(command: Command, connection: Any) -> None:
        if command[0] == b"EVALSHA":
            ids = command[-7]
            connection.sendall(b"*2\r\n$2\r\nok\r\n$%d\r\n%s\r\n" % (len(ids), ids))
        else:
            connection.shutdown(socket.SHUT_RDWR)

    with fake_redis(accept_and_hang_up) as url:
        produce(url, wait_replicas=1)
        answer = enqueue("c-1")

    assert isinstance(answer, EnqueueUnclearError)
    assert "accepted on the primary" in str(answer)


def test_who_is_told_of_too_few_replicas_is_told_what_to_do(produce: Produce, enqueue: Enqueue) -> None:
    wire = Wire(acknowledged=1)
    wire.together = True

    with fake_redis(wire) as url:
        produce(url, wait_replicas=2)
        answer = enqueue("c-1")

    assert isinstance(answer, EnqueueUnclearError)
    assert answer.event_id == "X"
    assert str(answer) == (
        "event X is accepted on the primary, where a failover may lose it: enqueue it again with this"
        " event_id, which is safe and waits again (1 of 2 replica(s) acknowledged it in time)"
    )


# On the wire


class Wire:
    """Answer an enqueue as Redis would, and remember what was asked."""

    def __init__(self, *, acknowledged: int = 1) -> None:
        self.commands: list[bytes] = []
        self.acknowledged = acknowledged
        self.milliseconds = 0
        self.together = False
        """Nothing is answered before both commands have come."""

    def __call__(self, command: Command, connection: Any) -> None:
        self.commands.append(command[0])
        if command[0] == b"WAIT":
            self.milliseconds = int(command[2])
            connection.sendall(b"*2\r\n$2\r\nok\r\n$1\r\nX\r\n:%d\r\n" % self.acknowledged)
        elif not self.together:
            connection.sendall(b"*2\r\n$2\r\nok\r\n$1\r\nX\r\n")


def test_the_wait_travels_with_the_script_in_one_round_trip(produce: Produce, enqueue: Enqueue) -> None:
    wire = Wire()
    wire.together = True

    with fake_redis(wire) as url:
        produce(url, wait_replicas=1)
        answer = enqueue("c-1")

    assert isinstance(answer, shipper.Receipt)
    assert wire.commands == [b"EVALSHA", b"WAIT"]
    assert PATIENT_MS // 2 <= wire.milliseconds <= PATIENT_MS - 120


def test_without_replicas_to_wait_for_nothing_more_is_sent(produce: Produce, enqueue: Enqueue) -> None:
    wire = Wire()

    with fake_redis(wire) as url:
        produce(url)
        answer = enqueue("c-1")

    assert isinstance(answer, shipper.Receipt)
    assert wire.commands == [b"EVALSHA"]


def test_a_redis_of_one_is_never_asked_to_wait(book: Book, server: RedisServer, produce: Produce) -> None:
    produce(server.url)
    with server.client() as client:
        client.config_resetstat()

        shipper.enqueue_event(event("c-1"))

        assert "cmdstat_wait" not in client.info("commandstats")


# The doctor


def replication_of(server: RedisServer, wait_replicas: int) -> tuple[str, str]:
    settings = Settings(redis_url=server.url, wait_replicas=wait_replicas)
    (inspector,) = open_inspectors(settings, ["default"])
    (check,) = [check for check in inspector.checks() if check.about == "replication"]
    return check.result, check.told


@pytest.mark.parametrize("on", ["redis7", "valkey9"])
def test_the_doctor_fails_where_more_replicas_are_waited_for_than_follow(pair: Pair) -> None:
    found = [replication_of(pair.primary, wanted) for wanted in (0, 1, 2)]

    assert [result for result, _ in found] == ["warning", "ok", "failed"]
    assert found[1][1] == "an enqueue waits for 1 of 1 replicas"
    assert found[2][1].startswith("SHIPPER_WAIT_REPLICAS is 2 and 1 replica(s) follow")
