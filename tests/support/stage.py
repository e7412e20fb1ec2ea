"""A stage for a journey: a Redis that keeps all, a sandbox, as many workers as wanted; and questions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import shipper
from shipper.ledger.audit import audit
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Shown, Status, show, status
from shipper.ledger.pool import make_pool
from tests.support.sandbox import Sandbox
from tests.support.servers import RedisServer
from tests.support.waiting import until
from tests.support.worker import CELERY, QUICK, Worker


class Stage:
    """Everything that one journey needs, and the questions that most of them ask.

    `environment` is what its workers have unless a test says otherwise.
    """

    def __init__(
        self,
        server: RedisServer,
        sandbox: Sandbox,
        folder: Path,
        stack: ExitStack,
        *,
        environment: Mapping[str, str] = QUICK,
    ) -> None:
        self.server = server
        self.sandbox = sandbox
        self.folder = folder
        self.workers: list[Worker] = []
        self._stack = stack
        self._environment = environment
        pool = make_pool(server.url, budget_ms=5000)
        stack.callback(pool.disconnect)
        self.ledger = Ledger(pool)

    def worker(
        self, *arguments: str, ready: bool = True, hooks: str = "", by: str = CELERY, **environment: object
    ) -> Worker:
        """Start a worker: `SHIPPER_…` as keywords in small letters, `hooks` the text of its hook module."""
        folder = self.folder / f"worker-{len(self.workers)}"
        folder.mkdir()
        given = {f"SHIPPER_{name.upper()}": str(value) for name, value in environment.items()}
        if hooks:
            (folder / "our_hooks.py").write_text(hooks)
            given["SHIPPER_HOOKS"] = "our_hooks"
        places = {"SHIPPER_REDIS_URL": self.server.url, "GAMEBALL_BASE_URL": self.sandbox.url}
        worker = Worker(folder, arguments, {**self._environment, **places, **given}, by=by)
        self._stack.callback(worker.kill)
        self.workers.append(worker)
        worker.start(ready=ready)
        return worker

    def enqueue(self, customer: str, name: str = "write_review", **more: Any) -> str:
        """Enqueue one event and return its id; `of` is its metadata."""
        events = {name: more.pop("of", {})}
        return shipper.enqueue_event({"customerId": customer, "events": events}, **more).event_id

    def enqueue_all(self, customers: Iterable[str], name: str = "write_review") -> list[str]:
        """Enqueue an event of each customer in few round trips, before a worker gets far with them."""
        events = [{"customerId": customer, "events": {name: {}}} for customer in customers]
        receipts = shipper.enqueue_events(events)
        return [receipt.event_id for receipt in receipts if isinstance(receipt, shipper.Receipt)]

    def show(self, event_id: str) -> Shown:
        (shown,) = self.ledger.run(show([event_id]))
        assert shown is not None, f"the ledger does not know {event_id}"
        return shown

    def status(self) -> Status:
        return self.ledger.run(status())

    def count(self, name: str) -> int:
        return self.status().counters.get(name, 0)

    def until(self, condition: Callable[[], object], *, within_s: float = 30) -> None:
        """Wait until the condition holds; fail with how things stand and what the workers logged."""
        until(condition, within_s=within_s, why=self._how_it_stands)

    def until_state(self, event_id: str, state: str, *, within_s: float = 30) -> Shown:
        """Wait until an event is in a state, and return all that the ledger holds of it."""
        self.until(lambda: self.show(event_id).state.value == state, within_s=within_s)
        return self.show(event_id)

    def until_at_rest(self, *, within_s: float = 30) -> dict[str, int]:
        """Wait until nothing waits or is in flight, and return the counters."""
        self.until(lambda: not self._active(), within_s=within_s)
        return self.status().counters

    def arrived(self) -> list[tuple[str, str, Any]]:
        """Return what Gameball accepted, in the order of arrival: customer, event name, metadata."""
        return [
            (call["customerId"], name, metadata)
            for call in self.sandbox.accepted()
            for name, metadata in call["events"].items()
        ]

    def copies(self) -> Counter[tuple[str, str, str]]:
        """Count how often Gameball accepted each event."""
        return Counter((customer, name, json.dumps(of)) for customer, name, of in self.arrived())

    def assert_sound(self) -> None:
        """Check that the accounting adds up, and that the structure is whole."""
        assert audit(self.ledger).findings == ()

    def _active(self) -> int:
        counters = self.status().counters
        return counters.get("waiting", 0) + counters.get("in_flight", 0)

    def _how_it_stands(self) -> str:
        logs = [f"{worker.folder.name}:\n{worker.log[-3000:]}" for worker in self.workers]
        return "\n".join([json.dumps(self.status().counters), *logs])
