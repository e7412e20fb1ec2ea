"""A ledger whose answers get lost: between the worker and a Redis that is well."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from shipper.errors import LedgerUnavailableError
from shipper.ledger.failure import ReplyLostError
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Operation

T = TypeVar("T")


class FaultyLedger(Ledger):
    """Count every script; refuse the next runs of one, or carry them out and lose the answer."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger.pool, ledger.account, budget_ms=ledger.budget_ms)
        self.ran: list[str] = []
        self.to_refuse: list[str] = []
        self.to_lose: list[str] = []
        self.before: Callable[[str], None] = lambda script: None

    def run(self, operation: Operation[T], *, until: int | None = None) -> T:
        self.ran.append(operation.script)
        self.before(operation.script)
        if operation.script in self.to_refuse:
            self.to_refuse.remove(operation.script)
            raise LedgerUnavailableError("Redis did not take the request: refused by the test")
        answer = super().run(operation, until=until)
        if operation.script in self.to_lose:
            self.to_lose.remove(operation.script)
            raise ReplyLostError("Redis took the request, and its answer did not come: lost by the test")
        return answer
