"""Producers under fire: answers that get lost, a Redis that says nothing, and a crowd over its deaths."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import shipper
from shipper.errors import ShipperError
from tests.faults.campaign import RETRY, Campaign, Ground, beside
from tests.faults.field import Field
from tests.faults.history import Answer, Attempt
from tests.faults.load import Load, Wish
from tests.faults.row import PEER, Row
from tests.faults.side import Shipper
from tests.support.hostile import silent_listener
from tests.support.worker import ROOT

BUDGET_S: Final = 0.5
"""What an enqueue may take: the default."""
SLACK_S: Final = 0.4
"""What two busy cores may add to it."""
ASKING_S: Final = 10.0
PROCESSES, THREADS = 4, 8


# Answers that are lost


def lose_answers(field: Field) -> str:
    """Lose the answer of each enqueue, one after another; ours asks again under the id it was told."""
    times = 60 if field.quick else 200
    proxy = field.proxy()
    field.side.route(proxy.url)
    field.side.worker()
    if isinstance(field.side, Shipper):
        # Else Redis' first answer is that it does not know the script yet: losing that loses no event.
        shipper.enqueue_event({"customerId": "first", "events": {"first": {}}})
    told: dict[str, Wish] = {}

    def send(wish: Wish) -> tuple[Answer, str]:
        proxy.replies_to_lose = 1
        answer, event_id = field.side.send(wish)
        told[event_id] = wish
        return answer, event_id

    load = Load(send, events=times, customers=times, threads=1)
    field.send(load)
    load.finish()
    field.say(f"{proxy.replies_lost} answers lost, the slowest enqueue took {load.longest_s * 1000:.0f} ms")
    proxy.heal()
    if isinstance(field.side, Shipper):
        in_doubt = sum(1 for each in load.attempts if each.answer is Answer.UNCLEAR)
        if in_doubt != times:
            field.wrong(f"of {times} enqueues without an answer only {in_doubt} were said to be unclear")
        if load.longest_s > BUDGET_S + SLACK_S:
            field.wrong(f"an enqueue took {load.longest_s * 1000:.0f} ms")
        ask_again(field, told, field.side.policy)
    field.healed()
    return f"{proxy.replies_lost} answers lost, the slowest enqueue {load.longest_s * 1000:.0f} ms"


def ask_again(field: Field, told: dict[str, Wish], policy: str) -> None:
    """Enqueue each event again under its id: all had been accepted, and say so."""
    for event_id, wish in told.items():
        receipt = shipper.enqueue_event(wish.event, event_id=event_id, on_unclear=policy)
        if (receipt.event_id, receipt.duplicate) != (event_id, True):
            field.wrong(f"{wish.reference}, asked again, was accepted anew")


# A Redis that says nothing


def silence_redis(field: Field) -> str:
    """Take Redis away in every way that makes no answer, and see how long each enqueue takes."""
    times = 5 if field.quick else 20
    field.side.worker()
    took: dict[str, float] = {}
    numbers = iter(range(10**6))
    attempts: list[Attempt] = []

    def try_some(name: str) -> None:
        for _ in range(times):
            number = next(numbers)
            wish = Wish(reference=f"r-{number}", customer=f"c-{number}", name="view_product")
            began = time.monotonic()
            answer, event_id = field.side.send(wish)
            took[name] = max(took.get(name, 0.0), time.monotonic() - began)
            attempts.append(
                Attempt(reference=wish.reference, customer=wish.customer, answer=answer, event_id=event_id)
            )

    for name, silent in SILENCES.items():
        with silent(field):
            field.say(name)
            try_some(name)
        field.side.route(field.server.url)
        try_some("afterwards")
    field.send(Said(attempts))
    field.healed()
    slowest = max(took.values())
    if field.side.promised:
        late = [
            f"{name}: an enqueue took {s * 1000:.0f} ms" for name, s in took.items() if s > BUDGET_S + SLACK_S
        ]
        for complaint in late:
            field.wrong(complaint)
        told_yes = sum(1 for each in attempts if each.answer is Answer.YES)
        if told_yes != len(SILENCES) * times:
            field.wrong(
                f"{told_yes} enqueues were accepted, not the {len(SILENCES) * times} of a sound Redis"
            )
    each = ", ".join(f"{name} {s * 1000:.0f} ms" for name, s in took.items())
    return f"{len(SILENCES) * times} enqueues without an answer, the slowest {slowest * 1000:.0f} ms ({each})"


@contextmanager
def refused(field: Field) -> Iterator[None]:
    """Let nobody listen on Redis' port."""
    field.server.kill()
    try:
        yield
    finally:
        field.server.start()


@contextmanager
def unheard(field: Field) -> Iterator[None]:
    """Take what the shop says, and lose it."""
    proxy = field.proxy()
    proxy.swallow_requests = True
    field.side.route(proxy.url)
    yield


@contextmanager
def unanswered(field: Field) -> Iterator[None]:
    """Lose what Redis says."""
    proxy = field.proxy()
    proxy.swallow_replies = True
    field.side.route(proxy.url)
    yield


@contextmanager
def unreachable(field: Field) -> Iterator[None]:
    """Swallow every SYN."""
    with ExitStack() as stack:
        field.side.route(stack.enter_context(silent_listener()).replace("http", "redis") + "/0")
        yield


@contextmanager
def stopped(field: Field) -> Iterator[None]:
    """Stop Redis with its connections open."""
    field.server.freeze()
    try:
        yield
    finally:
        field.server.thaw()


SILENCES: Final[dict[str, Callable[[Field], Any]]] = {
    "connections refused": refused,
    "requests lost": unheard,
    "answers lost": unanswered,
    "SYNs swallowed": unreachable,
    "stopped": stopped,
}


class Said:
    """A load that was sent already, by whoever knows what was said."""

    def __init__(self, attempts: list[Attempt]) -> None:
        self.attempts = attempts
        self.events = self.sent = len(attempts)
        self.customers = len({each.customer for each in attempts})

    def start(self) -> None:
        """Do nothing: it was sent."""

    def finish(self) -> None:
        """Return at once."""


# A crowd


def crowd(ground: Ground) -> Iterator[Row]:
    """Enqueue from eight threads of each of four forked processes while Redis is killed again and again."""
    share, kills = (160, 4) if ground.quick else (1000, 20)
    with ground.field(RETRY) as field:
        field.side.worker()
        folder = ground.place("crowd")
        arguments = (field.server.url, str(folder), str(PROCESSES), str(THREADS), str(share))
        enqueued = PROCESSES * THREADS * share
        # A session of its own: its forks must end with it.
        crowd = subprocess.Popen(
            [sys.executable, "-m", "tests.producer.crowd", *arguments], cwd=ROOT, start_new_session=True
        )
        done = 0
        try:
            while crowd.poll() is None and done < kills:
                goal = enqueued * (done + 1) // (kills + 2)
                field.until(lambda: crowd.poll() is not None or accepted(field) > goal)  # noqa: B023
                field.server.kill()
                field.server.start()
                done += 1
            code = crowd.wait(300)
        finally:
            with suppress(ProcessLookupError):  # nobody is left of it
                os.killpg(crowd.pid, signal.SIGKILL)
            crowd.wait()
        field.healed()
        said = list(lines_of(folder))
        field.send(Said([attempt_of(line) for line in said]))
        unclear = sum(1 for line in said if line["unclear"])
        if code or len(said) != enqueued:
            field.wrong(f"the crowd ended with {code}, and told of {len(said)} of {enqueued} events")
        ids = [line["accepted"] for line in said if "accepted" in line]
        if len(set(ids)) != len(ids):
            field.wrong("two events have one id")
        yield field.row(
            f"{THREADS} threads in each of {PROCESSES} forked processes, Redis killed",
            f"{done} kills",
            note=f"{unclear:,} enqueues were unclear, and asked again until it was known",
        )


def accepted(field: Field) -> int:
    """Count the events that the ledger has accepted; nothing while Redis is away."""
    assert isinstance(field.side, Shipper)
    try:
        return field.side.stage.count("accepted")
    except ShipperError:
        return 0


def lines_of(folder: Path) -> Iterator[dict[str, Any]]:
    """Read what each process of the crowd was told."""
    for path in sorted(folder.glob("process-*.jsonl")):
        yield from map(json.loads, path.read_text().splitlines())


def attempt_of(line: dict[str, Any]) -> Attempt:
    """Say it as a history has it; a customer of the crowd has one event, which bears its name."""
    event_id = line.get("accepted", "")
    answer = Answer.YES if event_id else Answer.NO
    return Attempt(reference=line["customer"], customer=line["customer"], answer=answer, event_id=event_id)


CAMPAIGNS: Final = (
    Campaign(
        name="producer-lost-answers",
        tells="Redis' answer to each enqueue is lost with its connection. Ours must say so within its"
        " budget of 500 ms, naming the id, and enqueueing again under it must find the event accepted,"
        " once. Celery publishes again by itself, and cannot know that the first was taken.",
        run=beside("the answer of each enqueue lost", lose_answers, sides=(RETRY, PEER)),
        minutes=1.5,
    ),
    Campaign(
        name="producer-silence",
        tells="Redis refuses connections, never gets what it is asked, loses its answers, swallows SYNs, is"
        " stopped. An enqueue must end within its budget, and what it refused must not be accepted.",
        run=beside("a Redis that says nothing", silence_redis, sides=(RETRY, PEER)),
        minutes=5,
    ),
    Campaign(
        name="producer-crowd",
        tells="Eight threads in each of four forked processes enqueue tens of thousands of events while"
        " Redis is killed and restarted; what is unclear is asked again under its id. All accepted"
        " once, ids unique.",
        run=crowd,
        minutes=3,
    ),
)
