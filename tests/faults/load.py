"""Load: a shop that goes on sending while things break, and remembers what it was told of each event."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tests.faults.history import Answer, Attempt

NAMES = ("view_product", "add_to_cart", "sign_in", "write_review")
"""Event names in turn, so that some events of a customer may share a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One event that the shop wants shipped."""

    reference: str
    customer: str
    name: str

    @property
    def event(self) -> dict[str, object]:
        """Return the event as the SDK has it; its metadata holds the reference."""
        return {"customerId": self.customer, "events": {self.name: {"reference": self.reference}}}


Send = Callable[[Wish], tuple[Answer, str]]
"""Enqueue one event; return what was told, and the event's id where there is one."""


class Sending(Protocol):
    """What a field needs of whatever sends."""

    @property
    def events(self) -> int:
        """Tell how many there are to be sent."""
        ...

    @property
    def customers(self) -> int:
        """Tell of how many customers."""
        ...

    @property
    def sent(self) -> int:
        """Tell how many were answered so far."""
        ...

    @property
    def attempts(self) -> list[Attempt]:
        """Return every attempt; those of one customer are in order."""
        ...

    def start(self) -> None:
        """Begin to send, in threads."""
        ...

    def finish(self) -> None:
        """Return when everything was sent; raise what a send raised that it should not."""
        ...


class Senders(ABC):
    """Send from some threads, at most `per_second`, and remember what was told of each event.

    A customer belongs to one thread, so that the order of its events is known.
    """

    def __init__(self, *, events: int, customers: int, per_second: float, threads: int) -> None:
        self.events = events
        self.customers = customers
        self._per_second = per_second / threads
        self._stopping = threading.Event()
        self._attempts: list[list[Attempt]] = [[] for _ in range(threads)]
        self._failures: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(threads)
        ]

    def start(self) -> None:
        """Begin to send, in threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send nothing more, and return when what is under way was answered."""
        self._stopping.set()
        self.finish()

    def finish(self) -> None:
        """Return when everything was sent; raise what a send raised that it should not."""
        for thread in self._threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    @property
    def sent(self) -> int:
        """Tell how many were answered so far."""
        return sum(len(theirs) for theirs in self._attempts)

    @property
    def acknowledged(self) -> int:
        """Tell how many were accepted so far."""
        return sum(1 for each in self.attempts if each.answer is Answer.YES)

    @property
    def attempts(self) -> list[Attempt]:
        """Return every attempt; those of one customer are in order."""
        return [each for theirs in self._attempts for each in theirs.copy()]

    @abstractmethod
    def _send_all(self, number: int) -> None:
        """Send everything of one thread."""

    def _run(self, number: int) -> None:
        try:
            self._send_all(number)
        except BaseException as error:  # noqa: BLE001 - told by whoever waits for the threads
            self._failures.append(error)

    def _await_turn(self, started: float, sent: int) -> bool:
        """Wait until a thread may send after so many; False when nothing more is to be sent."""
        due = started + sent / self._per_second
        return not self._stopping.wait(max(0.0, due - time.monotonic()))

    def _note(self, number: int, wish: Wish, answer: Answer, event_id: str) -> None:
        self._attempts[number].append(
            Attempt(reference=wish.reference, customer=wish.customer, answer=answer, event_id=event_id)
        )


class Load(Senders):
    """Send one event after another. Nothing is tried again: what was refused or is in doubt stays so."""

    def __init__(
        self, send: Send, *, events: int, customers: int, per_second: float = 1000.0, threads: int = 4
    ) -> None:
        super().__init__(events=events, customers=customers, per_second=per_second, threads=threads)
        self.longest_s = 0.0
        """The longest time that one send took."""
        self._send = send

    def _send_all(self, number: int) -> None:
        started, threads = time.monotonic(), len(self._threads)
        for count, i in enumerate(range(number, self.events, threads)):
            if not self._await_turn(started, count):
                return
            wish = self._wish(i, threads)
            began = time.monotonic()
            answer, event_id = self._send(wish)
            self.longest_s = max(self.longest_s, time.monotonic() - began)
            self._note(number, wish, answer, event_id)

    def _wish(self, i: int, threads: int) -> Wish:
        # Customers in turn within each thread: i and its customer agree modulo `threads`.
        of_thread = max(1, self.customers // threads)
        customer = (i // threads) % of_thread * threads + i % threads
        name = NAMES[i // max(1, self.customers) % len(NAMES)]
        return Wish(reference=f"r-{i}", customer=f"c-{customer}", name=name)
