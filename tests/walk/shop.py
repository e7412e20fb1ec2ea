"""Shop: a queue of dead letters of three causes, made as they are made in life.

Events are enqueued, a real worker posts them, Gameball's stand-in refuses them: none is put there by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import shipper
from shipper import Receipt
from tests.support.stage import Stage
from tests.support.worker import Worker

OPERATOR: Final = "mona"
BATCH: Final = 500
DELIVERED: Final = "view_product"
"""What goes well meanwhile: live events, of which none may be lost either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why so many of every hundred letters died: events of this name are refused so."""

    event: str
    share: int
    code: int
    status: int
    message: str


RENAMED: Final = Cause(
    event="purchase_made", share=45, code=3017, status=404, message="Event 'purchase_made' does not exist"
)
"""A deploy gave an event another name, and wrote its total as a text: cured by an edit."""
INACTIVE: Final = Cause(
    event="write_review", share=30, code=3009, status=422, message="Customer '{customer}' is inactive"
)
"""Customers who were inactive: cured at Gameball, then sent again."""
TEST_SHOP: Final = Cause(
    event="test_order", share=25, code=3004, status=422, message="Shop 'test-shop' has no reward program"
)
"""A test shop that shipped to the wrong account: to be discarded."""
CAUSES: Final = (RENAMED, INACTIVE, TEST_SHOP)


@dataclass(slots=True)
class Shop:
    """A shop whose `letters` died, at a stage; `pace` are the settings that its workers and people go by."""

    stage: Stage
    letters: int
    pace: dict[str, int]
    ids: dict[str, list[str]] = field(default_factory=dict)
    """By the name of the event, in the order of acceptance."""
    numbers: dict[str, int] = field(default_factory=dict)
    """By event id: what tells each event from all others at Gameball."""
    tried: str = ""
    """The letter on which the cure was tried first: it overtakes its customer's others."""
    _faults: dict[str, int] = field(default_factory=dict)
    _number: int = 0

    def count(self, cause: Cause) -> int:
        return len(self.ids[cause.event])

    def fall(self, *, within_s: float, **settings: Any) -> Worker:
        """Let the letters die at the hands of a worker, which goes on; return it. Some events arrive."""
        for cause in CAUSES:
            body = {"code": cause.code, "message": cause.message.replace("{customer}", "c-1")}
            fault = self.stage.sandbox.add_fault(
                {"status": cause.status, "body": body}, {"event": cause.event}
            )
            self._faults[cause.event] = fault
        # A burst of refusals would pause the account: in life these came over days, not in a minute.
        worker = self.worker(refusal_burst=0, **settings)
        self.enqueue(self._mixed())
        self.stage.until(lambda: self.stage.count("dead") == self.letters, within_s=within_s)
        self.stage.until_at_rest(within_s=within_s)
        return worker

    def worker(self, **settings: Any) -> Worker:
        return self.stage.worker(operator=OPERATOR, **settings)

    def activate(self) -> None:
        """Activate the customers in Gameball's dashboard."""
        self.stage.sandbox.remove_fault(self._faults[INACTIVE.event])

    def live(self, events: int) -> None:
        """Let customers of today do something, while the letters are put right."""
        self.enqueue((DELIVERED, f"today-{i}") for i in range(events))

    def enqueue(self, wanted: Iterator[tuple[str, str]]) -> None:
        while some := list(islice(wanted, BATCH)):
            events = [self._event(name, customer) for name, customer in some]
            receipts = shipper.enqueue_events(events)
            for (name, _), event, receipt in zip(some, events, receipts, strict=True):
                assert isinstance(receipt, Receipt), receipt
                self.ids.setdefault(name, []).append(receipt.event_id)
                self.numbers[receipt.event_id] = event["events"][name]["n"]

    def _event(self, name: str, customer: str) -> dict[str, Any]:
        self._number += 1
        said: dict[str, Any] = {"n": self._number}
        if name == RENAMED.event:
            said |= {"total": f"{self._number % 900}.50", "currency": "EGP"}
        contact = {"email": f"{customer}@example.com"} if self._number % 3 else {}
        return {"customerId": customer, "events": {name: said}, **contact}

    def _mixed(self) -> Iterator[tuple[str, str]]:
        """Yield name and customer of each, mixed as they come in life: some customers have several."""
        names = [cause.event for cause in CAUSES for _ in range(cause.share)]
        customers = max(self.letters * 3 // 5, 1)
        for i in range(self.letters):
            name = names[i * 37 % 100]
            of = "test" if name == TEST_SHOP.event else "c"
            yield name, f"{of}-{i * 7 % customers}"
            if i % 20 == 0:
                yield DELIVERED, f"c-{i % customers}"
