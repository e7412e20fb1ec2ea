"""Batch: wishes that a campaign wrote itself, each customer's in one thread."""

from __future__ import annotations

from collections.abc import Sequence

from tests.faults.load import Load, Send, Wish


class Batch(Load):
    """Send these wishes. A customer's order holds only within one thread: with more, one event a customer."""

    def __init__(
        self, send: Send, wishes: Sequence[Wish], *, per_second: float = 10_000.0, threads: int = 4
    ) -> None:
        customers = len({wish.customer for wish in wishes})
        super().__init__(
            send, events=len(wishes), customers=customers, per_second=per_second, threads=threads
        )
        self._wishes = wishes

    def _wish(self, i: int, threads: int) -> Wish:
        del threads
        return self._wishes[i]
