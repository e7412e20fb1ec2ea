"""Producers: strike an enqueue before and after each of its commands to Redis, and lose each answer.

What must come of it is a rule: a chunk of events is there, whole, from the moment at which its script was
carried out, and not before; and enqueueing all again under the same ids or keys makes each of them one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import shipper
from shipper import bulk as bulk_module
from shipper.client import _current
from shipper.errors import EnqueueUnclearError, ShipperError
from shipper.event_id import new_event_id
from shipper.ledger.audit import audit
from shipper.ledger.operations import status
from shipper.settings import Settings
from tests.faults.boundaries import Deed, Strike
from tests.faults.enumeration import ALL, PRODUCER, Enumeration, Point, boundaries_of, missed_in, where
from tests.faults.forks import Fork

CHUNK: Final = 2
"""Events in one script call of a bulk; the product takes more."""
BUDGET_MS: Final = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A way to enqueue."""

    name: str
    enqueue: Callable[..., Any]
    chunks: tuple[int, ...]
    """Events in each script call."""
    by_key: bool = False
    """Known again by idempotency keys instead of ids."""
    atomic: bool = False
    replicas: int = 0
    unknown: bool = False
    """Redis does not know the script yet: each time it has to be sent whole."""

    @property
    def events(self) -> int:
        """Count all events."""
        return sum(self.chunks)


KINDS: Final = (
    Kind(name="one event", enqueue=shipper.enqueue_event, chunks=(1,)),
    Kind(name="one event by its key", enqueue=shipper.enqueue_event, chunks=(1,), by_key=True),
    Kind(name="one event, async", enqueue=shipper.aenqueue_event, chunks=(1,)),
    Kind(name="one event, script unknown", enqueue=shipper.enqueue_event, chunks=(1,), unknown=True),
    Kind(name="five events", enqueue=shipper.enqueue_events, chunks=(2, 2, 1)),
    Kind(name="five events by their keys", enqueue=shipper.enqueue_events, chunks=(2, 2, 1), by_key=True),
    Kind(name="five events, async", enqueue=shipper.aenqueue_events, chunks=(2, 2, 1)),
    Kind(name="five events, atomic", enqueue=shipper.enqueue_events, chunks=(5,), atomic=True),
    Kind(name="one event, on a replica too", enqueue=shipper.enqueue_event, chunks=(1,), replicas=1),
    Kind(name="one event, async, on a replica too", enqueue=shipper.aenqueue_event, chunks=(1,), replicas=1),
    Kind(name="five events, on a replica too", enqueue=shipper.enqueue_events, chunks=(2, 2, 1), replicas=1),
)
BY_NAME: Final = {kind.name: kind for kind in KINDS}


def walk(stage: Enumeration, kinds: Sequence[Kind], *, forget: Callable[[], object]) -> list[Point]:
    """Try every point of these kinds; `forget` makes Redis forget its scripts."""
    return [point for kind in kinds for point in _walk(stage, kind, forget)]


def _walk(stage: Enumeration, kind: Kind, forget: Callable[[], object]) -> Iterator[Point]:
    def started(*strikes: Strike) -> tuple[Fork, tuple[str, ...]]:
        account, ids = stage.next_account(), tuple(new_event_id() for _ in range(kind.events))
        if kind.unknown:
            stage.forks.wait()
            forget()
        return stage.forks.produce(account, kind.name, ids, *strikes), ids

    started()  # Redis knows the script from now on
    stage.forks.wait()
    untouched = started()
    stage.forks.wait()
    boundaries = boundaries_of(untouched[0])
    assert boundaries == len(kind.chunks) * (2 if kind.replicas else 1) + kind.unknown, untouched[0].trace
    strikes = [
        Strike(deed=deed, at=at)
        for deed in ALL
        for at in range(1, boundaries + 1 + (deed is Deed.KILL_BEFORE))
    ]
    struck = [(strike, *started(strike)) for strike in strikes]
    stage.forks.wait()
    lives = [(None, *untouched), *struck]
    there = [_accepted(stage, life.account) for _, life, _ in lives]
    again = [stage.forks.produce(life.account, kind.name, ids) for _, life, ids in lives]
    stage.forks.wait()
    for (strike, life, _), count, second in zip(lives, there, again, strict=True):
        yield _point(stage, kind, strike, life, there=count, again=second)


def _point(
    stage: Enumeration, kind: Kind, strike: Strike | None, life: Fork, *, there: int, again: Fork
) -> Point:
    trace = life.trace
    done = sum(1 for line in trace if line == "<enqueue")
    held = sum(kind.chunks[:done])
    known = said_by(again).count("duplicate")
    complaints = [str(finding) for finding in audit(stage.ledger(life.account)).findings]
    if not life.killed:
        complaints += _lies(said_by(life), held)
    struck = any(line.startswith(("killed", "lost")) for line in trace)
    if strike is not None and not struck and missed_in(trace, strike):
        complaints.append(f"never came about: {strike.deed} boundary {strike.at}")
    return Point(
        scene=f"producer, {kind.name}",
        struck=where(trace) if struck else "untouched",
        expected=(f"{held} there; again: {held} known, {kind.events} in all",),
        found=f"{there} there; again: {known} known, {_accepted(stage, life.account)} in all",
        complaints=tuple(complaints),
    )


def _lies(said: Sequence[str], held: int) -> Iterator[str]:
    """Name what a producer was told that is not so; the events that are there are the first ones."""
    for number, word in enumerate(said):
        if word == "accepted" and number >= held:
            yield f"event {number} is accepted, and not there"
        if word == "no" and number < held:
            yield f"event {number} is not accepted, and there"
    if "unclear" not in said and len(said) == 1 and held and said[0] not in {"accepted", "duplicate"}:
        yield f"told {said[0]}"


def _accepted(stage: Enumeration, account: str) -> int:
    return int(stage.ledger(account).run(status()).counters.get("accepted", 0))


def said_by(life: Fork) -> list[str]:
    """Return what a producer was told of each event: accepted, duplicate, unclear or no."""
    found: list[str] = json.loads(life.path.with_suffix(".said").read_text())
    return found


# In the producer's process


def produce(name: str, account: str, ids: Sequence[str], redis_url: str, said: Path) -> None:
    """Enqueue as the kind says, and write down what was told."""
    kind = BY_NAME[name]
    patch.object(bulk_module, "BATCH", CHUNK).start()
    shipper.configure(
        Settings(
            redis_url=redis_url,
            accounts=PRODUCER.accounts,
            enqueue_budget_ms=BUDGET_MS,
            wait_replicas=kind.replicas,
        )
    )
    said.write_text(json.dumps(list(_told(kind, account, ids))))
    shipper.close()
    _current.client = None


def _told(kind: Kind, account: str, ids: Sequence[str]) -> Iterator[str]:
    events = [{"customerId": f"c-{i}", "events": {"visit": {}}} for i in range(len(ids))]
    many = len(ids) > 1
    word = "idempotency_key" if kind.by_key else "event_id"
    known: dict[str, Any] = {f"{word}s": ids} if many else {word: ids[0]}
    if kind.atomic:
        known["atomic"] = True
    try:
        answers = kind.enqueue(events if many else events[0], account=account, **known)
        if asyncio.iscoroutine(answers):
            answers = asyncio.run(answers)
    except EnqueueUnclearError:
        answers = ["unclear"] * len(ids)
    except ShipperError:
        answers = ["no"] * len(ids)
    for answer in answers if isinstance(answers, list) else [answers]:
        yield answer if isinstance(answer, str) else _word(answer)


def _word(answer: shipper.Receipt | ShipperError) -> str:
    if isinstance(answer, shipper.Receipt):
        return "duplicate" if answer.duplicate else "accepted"
    return "unclear" if isinstance(answer, EnqueueUnclearError) else "no"
