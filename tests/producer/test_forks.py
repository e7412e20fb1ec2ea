"""Forked processes share no connection, and one killed at any moment leaves an event whole or absent."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from redis import Redis

import shipper
from shipper.event_id import new_event_id
from tests.producer.book import Book, Produce
from tests.support.servers import RedisServer
from tests.support.worker import ROOT

FORKS = """
import os, sys
import shipper
from shipper.settings import Settings
shipper.configure(Settings(redis_url=sys.argv[1], enqueue_budget_ms=15000))
shipper.enqueue_event({"customerId": "before", "events": {"e": {}}})
go, done = os.pipe(), os.pipe()
children = []
for i in range(4):
    if (child := os.fork()) == 0:
        for j in range(3):
            shipper.enqueue_event({"customerId": f"child-{i}-{j}", "events": {"e": {}}})
        os.write(done[1], b".")
        os.read(go[0], 1)  # with its connection open, until the parent has counted
        os._exit(0)
    children.append(child)
for _ in children:
    os.read(done[0], 1)
shipper.enqueue_event({"customerId": "after", "events": {"e": {}}})
print("enqueued", flush=True)
sys.stdin.readline()
os.write(go[1], b"." * 4)
sys.exit(any(os.waitpid(child, 0)[1] for child in children))
"""


def test_forked_processes_share_no_connection(server: RedisServer, redis: Redis, book: Book) -> None:
    book.count("accepted")
    before = {client["addr"] for client in redis.client_list()}
    with subprocess.Popen(
        [sys.executable, "-c", FORKS, server.url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as forks:
        assert forks.stdout is not None
        assert forks.stdin is not None
        said = forks.stdout.readline()

        theirs = [client for client in redis.client_list() if client["addr"] not in before]
        forks.stdin.write("go\n")
        forks.stdin.flush()
        ended = forks.wait(20)

    assert (said, ended) == ("enqueued\n", 0)
    assert len({client["addr"] for client in theirs}) == 5
    assert sum(book.customers().values()) == 14


HOLDS = """
import faulthandler, os, sys
from threading import Event, Thread
import shipper
from redis import Redis
from shipper.client import current
from shipper.settings import Settings

url, whose = sys.argv[1:]
shipper.configure(Settings(redis_url=url), redis=Redis.from_url(url) if whose == "given" else None)
shipper.enqueue_event({"customerId": "before", "events": {"e": {}}})
pool, held, forked = current()._pool, Event(), Event()

def hold():
    with pool._lock, pool._fork_lock:
        held.set()
        forked.wait()

holder = Thread(target=hold)
holder.start()
held.wait()
if (child := os.fork()) == 0:
    faulthandler.dump_traceback_later(20, exit=True)
    shipper.enqueue_event({"customerId": "child", "events": {"e": {}}})
    os._exit(0)
forked.set()
holder.join()
sys.exit(os.waitpid(child, 0)[1] != 0)
"""


@pytest.mark.parametrize("whose", ["own", "given"])
def test_a_child_enqueues_whatever_threads_of_its_parent_held_at_the_fork(
    server: RedisServer, book: Book, whose: str
) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", HOLDS, server.url, whose],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert book.customers().keys() == {"before", "child"}


# Kill points: before and after each time that bytes go out or come in, counted until a run ends untouched.
DIES = """
import json, os, socket, sys
import shipper
from shipper.settings import Settings

url, port, event_id, key, known = sys.argv[1:]
shipper.configure(Settings(redis_url=url, enqueue_budget_ms=15000))
steps = []

def forget_scripts():
    with socket.create_connection(("127.0.0.1", int(port))) as redis:
        redis.sendall(b"SCRIPT FLUSH\\r\\n")
        assert redis.recv(64) == b"+OK\\r\\n"

def killed_at(point, name):
    real = getattr(socket.socket, name)
    def step(self, *args, **kwargs):
        steps.append(f"before {name}")
        if len(steps) == point:
            os.kill(os.getpid(), 9)
        answer = real(self, *args, **kwargs)
        steps.append(f"after {name}")
        if len(steps) == point:
            os.kill(os.getpid(), 9)
        return answer
    setattr(socket.socket, name, step)

point, died = 0, 0
while True:
    point += 1
    if known == "no":
        forget_scripts()
    if (child := os.fork()) == 0:
        for name in ("connect", "sendall", "recv", "recv_into"):
            killed_at(point, name)
        event = {"customerId": f"c-{point}", "events": {"visit": {}}}
        shipper.enqueue_event(event, event_id=event_id[:-2] + f"{point:02}", idempotency_key=f"{key}{point}")
        print(json.dumps(steps), flush=True)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
    died += 1
print(died)
"""


@pytest.mark.parametrize(("known", "requests"), [("yes", 1), ("no", 2)], ids=["script known", "not known"])
def test_a_producer_killed_at_any_point_leaves_its_event_whole_or_absent(
    server: RedisServer, book: Book, produce: Produce, known: str, requests: int
) -> None:
    produce(server.url)
    event_id = new_event_id()
    enqueue_again(event_id, 99, "warm")

    ran = subprocess.run(
        [sys.executable, "-c", DIES, server.url, str(server.port), event_id, "key", known],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    steps, died = map(json.loads, ran.stdout.splitlines())
    there = [point for point in range(1, died + 1) if book.show(id_of(event_id, point))]
    book.assert_sound()
    again = [enqueue_again(event_id, point, "key") for point in range(1, died + 1)]

    # It is there from the moment at which the last request is out, and at no earlier one.
    sent = [point for point, step in enumerate(steps, 1) if step == "after sendall"]
    assert (len(steps), len(sent)) == (died, requests)
    assert there == list(range(sent[-1], died + 1))
    assert [receipt.duplicate for receipt in again] == [point in there for point in range(1, died + 1)]
    assert [receipt.event_id for receipt in again] == [id_of(event_id, point) for point in range(1, died + 1)]
    assert set(book.customers().values()) == {1}
    book.assert_sound()


def id_of(event_id: str, point: int) -> str:
    return event_id[:-2] + f"{point:02}"


def enqueue_again(event_id: str, point: int, key: str) -> shipper.Receipt:
    event = {"customerId": f"c-{point}", "events": {"visit": {}}}
    return shipper.enqueue_event(event, event_id=id_of(event_id, point), idempotency_key=f"{key}{point}")
