"""A process may give the connections of its own Redis clients, if their answers can be read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
import redis
import redis.asyncio

import shipper
from shipper.client import current
from shipper.errors import SettingsError
from shipper.settings import Settings
from tests.producer.book import PATIENT_MS, Book, OpenBook, Produce
from tests.support.servers import RedisServer, StartServer


def event(customer: str) -> dict[str, object]:
    return {"customerId": customer, "events": {"visit": {}}}


REPLACED: Final = """
import threading, time
import shipper, shipper.client
from shipper.settings import Settings

class Connection:
    def __del__(self):
        time.sleep(0.0005)  # others run while it is closed

def configure():
    shipper.configure(Settings(redis_url="redis://127.0.0.1:9/0"))
    shipper.client.current().connection = Connection()

def read():
    while not over.is_set():
        for _ in range(1000):
            shipper.client.current().settings

configure()
over = threading.Event()
threads = [threading.Thread(target=read) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(40):
    configure()
over.set()
for thread in threads:
    thread.join()
"""


def test_a_client_may_be_replaced_while_other_threads_enqueue() -> None:
    ended = subprocess.run([sys.executable, "-c", REPLACED], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_client_whose_answers_are_text_is_refused_and_what_was_configured_stays(produce: Produce) -> None:
    produce("redis://127.0.0.1:9/0")
    before = current()

    with pytest.raises(SettingsError) as refused:
        shipper.configure(Settings(), redis=redis.Redis(port=9, decode_responses=True))

    assert [str(problem) for problem in refused.value.problems] == [
        "redis decodes responses: give a client made without decode_responses=True"
    ]
    assert current() is before


def test_so_is_one_for_event_loops_and_both_are_told_together(produce: Produce) -> None:
    produce("redis://127.0.0.1:9/0")
    before = current()

    with pytest.raises(SettingsError) as refused:
        shipper.configure(
            Settings(),
            redis=redis.Redis(port=9, decode_responses=True),
            aredis=redis.asyncio.Redis(port=9, decode_responses=True),
        )

    assert [str(problem) for problem in refused.value.problems] == [
        "redis decodes responses: give a client made without decode_responses=True",
        "aredis decodes responses: give a client made without decode_responses=True",
    ]
    assert current() is before


@pytest.mark.parametrize(
    ("option", "problem"),
    [("decode_responses=true", "has decode_responses"), ("retry_harder=1", "redis-py does not know")],
)
async def test_a_url_whose_options_cannot_be_is_refused_before_anything_is_accepted(
    server: RedisServer, book: Book, produce: Produce, option: str, problem: str
) -> None:
    with pytest.raises(SettingsError, match=problem):
        produce(f"{server.url}?{option}")

    shipper.configure(Settings(redis_url=f"{server.url}?{option}"), redis=redis.Redis(port=server.port))
    with pytest.raises(SettingsError, match=problem):
        await shipper.aenqueue_event(event("c-1"))
    assert book.count("accepted") == 0


async def test_clients_of_ones_own_are_used(server: RedisServer, book: Book, produce: Produce) -> None:
    produce("redis://127.0.0.1:9/0")
    shipper.configure(
        Settings(redis_url="redis://127.0.0.1:9/0", enqueue_budget_ms=PATIENT_MS),
        redis=redis.Redis(port=server.port),
        aredis=(own := redis.asyncio.Redis(port=server.port)),
    )

    shipper.enqueue_event(event("c-1"))
    await shipper.aenqueue_event(event("c-2"))

    await own.aclose()
    assert book.customers() == {"c-1": 1, "c-2": 1}


async def test_redis_may_be_reached_by_a_socket_file(
    tmp_path: Path, private_server: StartServer, open_book: OpenBook, produce: Produce
) -> None:
    server = private_server(options={"unixsocket": str(tmp_path / "redis.sock")})
    produce(f"unix://{tmp_path}/redis.sock")

    shipper.enqueue_event(event("c-1"))
    await shipper.aenqueue_event(event("c-2"))

    await shipper.aclose()
    assert open_book(server).customers() == {"c-1": 1, "c-2": 1}
