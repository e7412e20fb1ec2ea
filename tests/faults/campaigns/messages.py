"""Celery's messages deleted, forged and repeated, and doorbells with them: wake-ups, and nothing more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import Final

from redis import Redis

from shipper.ledger.keys import key_of
from tests.faults.campaign import ALL, RETRY, Campaign, Ground
from tests.faults.expecting import expecting
from tests.faults.field import Field
from tests.faults.peer.app import QUEUE
from tests.faults.row import Row
from tests.journeys.forgeries import CANARY, forgeries

QUEUES: Final = ("shipper.deliver", "shipper.hooks", QUEUE)
BELL: Final = key_of("default", "bell")
NOWHERE: Final = "shipper.nowhere"
LOST_ON_ITS_WAY: Final = (
    b"LPUSH\r\n$15\r\nshipper.deliver",
    b"LPUSH\r\n$15\r\nshipper.nowhere",
)
DELETE_EVERY_S: Final = 0.002
FORGE_EVERY_S: Final = 0.01
LEAST_A_SECOND: Final = 20
"""Forgeries: a twentieth of what an idle machine would make."""

Do = Callable[[Redis], int]
"""Does its worst once, and returns how often it struck."""


def deleted(ground: Ground) -> Iterator[Row]:
    """Delete the queues again and again, under a load for which every slot is busy, so that messages wait.

    Our messages never wait: a pump runs, or one takes them up at once. So each is lost on its way as well.
    """
    seconds = 5 if ground.quick else 25
    for policy in ALL:
        ground.say(f"messages deleted: {policy}")
        with ground.field(policy, sandbox={"latency_ms": 200}) as there:
            broker = there.proxy()
            broker.rewrite = LOST_ON_ITS_WAY
            for _ in range(2):
                there.side.worker(broker_url=broker.url)
            with again_and_again(there, delete, DELETE_EVERY_S) as struck:
                load = there.start_load(events=1_000_000, customers=5000, per_second=400)
                there.pass_time(seconds)
                load.stop()
                there.until(lambda: there.side.active() == 0, within_s=180, why="events still wait")
            there.healed()
            with there.server.client() as redis:
                lost = struck[0] + redis.llen(NOWHERE)
            row = there.row("Celery's messages deleted", f"{lost:,} messages deleted")
            yield expecting(row, {"no message was lost": lost > 0})


def delete(redis: Redis) -> int:
    """Delete every queue, and count the messages that were in them."""
    with redis.pipeline() as pipe:
        for queue in QUEUES:
            pipe.llen(queue)
        pipe.delete(*QUEUES)
        *counts, _ = pipe.execute()
    return sum(counts)


def forged(ground: Ground) -> Iterator[Row]:
    """Push forged, repeated and garbled messages and doorbells under load."""
    seconds = 5 if ground.quick else 30
    touched = ground.place("forged") / "touched"
    kinds = list(forgeries(str(touched)))
    with ground.field(RETRY) as there:
        workers = [there.side.worker() for _ in range(2)]
        with again_and_again(there, forge(kinds), FORGE_EVERY_S) as struck:
            load = there.start_load(events=1_000_000, customers=2000, per_second=150)
            there.pass_time(seconds)
            load.stop()
        there.healed()
        row = there.row(
            "Messages and doorbells forged, repeated, garbled",
            f"{struck[0]:,} messages and doorbells of {len(kinds)} kinds",
        )
        stats = there.sandbox.stats()
        logs = [worker.log for worker in workers]
        yield expecting(
            row,
            {
                f"{there.exits} workers ended": there.exits == 0,
                "what came from outside is in a log": not any(CANARY in log for log in logs),
                "a traceback is in a log": not any("Traceback" in log for log in logs),
                "something was unpickled": not touched.exists(),
                f"{stats['calls']} calls, {stats['accepted']} of them accepted": stats["calls"]
                == stats["accepted"],
                "a copy was made": row.tally is not None and row.tally.duplicated == 0,
                f"only {struck[0]} were forged": struck[0] >= seconds * LEAST_A_SECOND,
            },
            note="no call more than events needed, nothing imported, unpickled or printed",
        )


def forge(kinds: list[bytes]) -> Do:
    """Return what pushes a forgery of each kind in turn, twice, into both queues, and rings false bells."""
    turn = cycle(range(len(kinds)))

    def push(redis: Redis) -> int:
        number = next(turn)
        for queue in QUEUES[:2]:
            redis.lpush(queue, kinds[number], kinds[number])
        if number % 5 == 0:
            redis.delete(BELL)
        if number % 10 == 0:
            redis.set(BELL, CANARY)
        elif number % 10 == 5:
            redis.lpush(BELL, *[b"\xff" * 100] * 10)
        return 5 if number % 5 == 0 else 4

    return push


@contextmanager
def again_and_again(there: Field, do: Do, every_s: float) -> Iterator[list[int]]:
    """Do something to Redis in a thread until the context ends; give its count, which grows.

    Whatever ends the thread before is a wrong of the row: nothing was struck any more.
    """
    over, struck = threading.Event(), [0]

    def work() -> None:
        try:
            with there.server.client() as redis:
                while not over.wait(every_s):
                    struck[0] += do(redis)
        except Exception as error:  # noqa: BLE001 - told in the row, whatever it was
            there.wrong(f"the fault ended before its time: {error!r}")

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield struck
    finally:
        over.set()
        thread.join()


CAMPAIGNS: Final = (
    Campaign(
        name="messages-deleted",
        tells="A thread deletes Celery's queues every 2 ms while all slots are busy: for us a message is a"
        " wake-up, and for plain Celery it is the event.",
        run=deleted,
        minutes=2.5,
    ),
    Campaign(
        name="messages-forged",
        tells="Messages and doorbells are forged, repeated and garbled in every way that has a shape of its"
        " own: nothing from outside is imported, unpickled or printed, and no call is made for them.",
        run=forged,
        minutes=1,
    ),
)
