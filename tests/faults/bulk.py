"""Bulk: a large backlog of ours, enqueued by the hundred before anything else happens."""

from __future__ import annotations

import shipper
from tests.faults.history import Answer, Attempt
from tests.faults.load import NAMES, Wish

AT_ONCE = 500


class Bulk:
    """Send so many events of so many customers, each customer's in order; done when `start` returns."""

    def __init__(self, *, events: int, customers: int, policy: str) -> None:
        self.events = events
        self.customers = customers
        self.attempts: list[Attempt] = []
        self._policy = policy

    @property
    def sent(self) -> int:
        """Tell how many were answered so far."""
        return len(self.attempts)

    def start(self) -> None:
        """Enqueue everything; raise what an event was refused with."""
        for begin in range(0, self.events, AT_ONCE):
            wishes = [self._wish(i) for i in range(begin, min(begin + AT_ONCE, self.events))]
            told = shipper.enqueue_events([wish.event for wish in wishes], on_unclear=self._policy)
            self.attempts += [_attempt(wish, each) for wish, each in zip(wishes, told, strict=True)]

    def finish(self) -> None:
        """Return at once: everything was sent."""

    def _wish(self, i: int) -> Wish:
        customer, name = i % self.customers, NAMES[i // self.customers % len(NAMES)]
        return Wish(reference=f"r-{i}", customer=f"c-{customer}", name=name)


def _attempt(wish: Wish, told: shipper.Receipt | shipper.ShipperError) -> Attempt:
    if isinstance(told, shipper.ShipperError):
        raise told
    return Attempt(
        reference=wish.reference, customer=wish.customer, answer=Answer.YES, event_id=told.event_id
    )
