"""Traffic: producers and a mill that go on while Redis is killed, and remember what Redis told them.

The producers call `enqueue_event`; the mill claims and settles by the ledger's own scripts, as workers do but
without Gameball, since what is judged here is what Redis keeps of what it acknowledged.
"""

from __future__ import annotations

import itertools
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import shipper
from shipper.client import _current
from shipper.errors import EnqueueUnclearError, LedgerUnavailableError
from shipper.ledger import operations
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import ClaimedCall, SettledCall, SettledEvent, claim, settle, sweep
from shipper.ledger.pool import make_pool
from shipper.outcome import DELIVERED, Dead, Outcome, Reason, Retry, State, Verdict
from shipper.settings import Settings
from tests.faults.sound import unsound
from tests.support.waiting import until

REST_S: Final = 0.01
LEASE_MS: Final = 30_000
SLOTS: Final = 8
JUDGES_MS: Final = 15_000
"""How long who judges waits for an answer: the mill tries again instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a ledger still has of what it acknowledged."""

    lost: dict[str, float]
    """Accepted events that it does not know: when each was accepted, in seconds of the monotonic clock."""
    undone: tuple[str, ...]
    """Events that are known, and whose acknowledged end is not."""
    unsound: tuple[str, ...]
    """What the audit found, or the check of the whole structure."""

    @property
    def keeps_all(self) -> bool:
        """Tell whether everything acknowledged is there, and adds up."""
        return not (self.lost or self.undone or self.unsound)


class Traffic:
    """Enqueue and settle until stopped. Use as a context, around any number of kills of the server.

    `customers` share the events; every 5th is `park`, every 7th fails at first, every 11th is refused.
    """

    def __init__(self, url: str, *, producers: int = 2, customers: int = 50, **settings: object) -> None:
        self.settings = Settings(redis_url=url, pace_per_second=0, pace_per_30_seconds=0, **settings)  # type: ignore[arg-type]
        self.accepted: dict[str, float] = {}
        self.ended: dict[str, State] = {}
        self.rolled_back = 0
        """Sweeps that noticed that the ledger had lost something; as the ledger has counted them."""
        self.unclear = 0
        """Answers of which a producer could only tell that it must ask again."""
        self._customers = customers
        self._pool = make_pool(url, budget_ms=2000)
        self._ledger = Ledger(self._pool, budget_ms=2000)
        self._judges = make_pool(url, budget_ms=JUDGES_MS)
        self._seen = self._swept_at = 0
        self._numbers = itertools.count()
        self._stopping = threading.Event()
        self._judged = threading.Event()
        self._judged.set()
        self._failures: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._guard, args=(self._produce,)) for _ in range(producers)
        ]
        self._threads.append(threading.Thread(target=self._guard, args=(self._mill,)))

    def __enter__(self) -> Self:
        shipper.configure(self.settings)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shipper.close()
        _current.client = None
        self._pool.disconnect()
        self._judges.disconnect()

    def stop(self) -> None:
        """Send nothing more; raise what went wrong in a thread."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._raise()

    def flow(self, *, more: int) -> None:
        """Wait until so many more events were accepted, some have ended, and the mill has swept since.

        Raise what went wrong. Only a sweep can witness that what came before it was lost.
        """
        accepted, ended, swept = len(self.accepted) + more, len(self.ended), self._swept_at

        def flowed() -> bool:
            self._raise()
            return len(self.accepted) >= accepted and len(self.ended) > ended and self._swept_at > swept

        until(flowed)

    def judge(self) -> Judgement:
        """Compare what the ledger holds with what it acknowledged until a moment ago; traffic waits.

        An audit of a ledger that grows as fast as it reads would take ever longer.
        """
        self._judged.clear()
        try:
            return self._judge(self.accepted.copy(), self.ended.copy())
        finally:
            self._judged.set()

    def _judge(self, accepted: dict[str, float], ended: dict[str, State]) -> Judgement:
        states = dict(self._states(list(accepted)))
        return Judgement(
            lost={event_id: at for event_id, at in accepted.items() if states[event_id] is None},
            undone=tuple(i for i, state in ended.items() if i in states and states[i] not in {None, state}),
            unsound=tuple(unsound(Ledger(self._judges, budget_ms=JUDGES_MS))),
        )

    def _states(self, ids: list[str]) -> Iterator[tuple[str, State | None]]:
        ledger = Ledger(self._judges, budget_ms=JUDGES_MS)
        for first in range(0, len(ids), 500):
            some = ids[first : first + 500]
            found = ledger.run(operations.show(some))
            for event_id, shown in zip(some, found, strict=True):
                yield event_id, shown.state if shown else None

    def _produce(self) -> None:
        while not self._stopping.is_set():
            self._judged.wait()
            number = next(self._numbers)
            event = {
                "customerId": f"c-{number % self._customers}",
                "events": {f"visit-{number}": {"n": number}},
            }
            event_id: str | None = None
            accepted = False
            while not accepted and not self._stopping.is_set():
                try:
                    policy = "park" if number % 5 == 0 else "retry"
                    receipt = shipper.enqueue_event(event, event_id=event_id, on_unclear=policy, hook="told")
                except EnqueueUnclearError as unclear:
                    event_id = unclear.event_id
                    self.unclear += 1
                    self._stopping.wait(REST_S)
                except LedgerUnavailableError:
                    self._stopping.wait(REST_S)
                else:
                    self.accepted[receipt.event_id] = time.monotonic()
                    accepted = True

    def _mill(self) -> None:
        beat = 0.0
        while not self._stopping.wait(REST_S):
            self._judged.wait()
            with suppress(LedgerUnavailableError):
                if time.monotonic() > beat:
                    self._sweep()
                    beat = time.monotonic() + 0.1
                tokens = [os.urandom(8).hex() for _ in range(SLOTS)]
                calls = self._ledger.run(claim(tokens, self.settings, worker="mill")).calls
                if calls:
                    self._settle([_settled(call) for call in calls])

    def _sweep(self) -> None:
        operation = sweep(self.settings, worker="mill", seen=self._seen, swept_at=self._swept_at)
        swept = self._ledger.run(operation)
        self._seen, self._swept_at = swept.turn, swept.now
        self.rolled_back = int(self._ledger.run(operations.status()).meta.get("rolled_back", 0))

    def _settle(self, calls: list[SettledCall]) -> None:
        """Settle until it is answered, as a worker does while its lease holds."""
        until = time.monotonic() + LEASE_MS / 1000
        while time.monotonic() < until:
            try:
                words = self._ledger.run(settle(calls, self.settings))
            except LedgerUnavailableError:
                self._stopping.wait(REST_S)
                continue
            events = [event for call in calls for event in call.events]
            for event, word in zip(events, words, strict=True):
                if word in {"ok", "adopted", "already"} and (state := _end_of(event.outcome)):
                    self.ended[event.event_id] = state
            return

    def _raise(self) -> None:
        if self._failures:
            raise self._failures[0]

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again where the traffic is stopped
            self._failures.append(error)
            self._stopping.set()


def _settled(call: ClaimedCall) -> SettledCall:
    verdict, outcome = _answer_to(call)
    line = json.dumps({"number": call.events[0].number, "verdict": verdict.value}).encode()
    events = tuple(SettledEvent(event_id=e.event_id, outcome=outcome, line=line) for e in call.events)
    return SettledCall(lane=call.lane, token=call.token, verdict=verdict, events=events)


def _answer_to(call: ClaimedCall) -> tuple[Verdict, Outcome]:
    """Choose what came of a call by the number of its first event, so that a run can be read."""
    number = _number_of(call)
    if number % 11 == 0 and len(call.events) == 1:
        return Verdict.PERMANENT, Dead(reason=Reason.REFUSED)
    if number % 7 == 0 and not call.events[0].tried.charged:
        return Verdict.REFUSED_FOR_NOW, Retry(delay_ms=200)
    return Verdict.ACCEPTED, DELIVERED


def _number_of(call: ClaimedCall) -> int:
    (name,) = call.events[0].record.event["events"]
    return int(name.removeprefix("visit-"))


def _end_of(outcome: Outcome) -> State | None:
    if isinstance(outcome, Dead):
        return State.DEAD
    return State.DELIVERED if outcome == DELIVERED else None
