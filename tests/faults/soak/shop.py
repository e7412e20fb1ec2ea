"""Shop: producers of every kind at once, both policies mixed; what each event was told is remembered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import shipper
from shipper.enqueue import Options
from shipper.errors import EnqueueUnclearError, LedgerFullError, LedgerUnavailableError, ShipperError
from tests.faults.history import Answer
from tests.faults.load import NAMES, Senders, Wish
from tests.faults.soak.hooks import FAILS, HANGS, LEAVES, NOTED

ASKING_S: Final = 30.0
"""For so long a producer asks again what became of an event."""
BETWEEN_S: Final = 0.02

MISBEHAVING: Final = {10: FAILS, 30: LEAVES, 50: HANGS, 138: FAILS, 266: FAILS, 286: LEAVES, 394: FAILS}
"""By turns: each try of one that leaves costs a pool child its life, of one that hangs some seconds of it."""


def hook_of(turn: int, *, alone: bool) -> str:
    """Choose a hook by turns: half of the events have one; those of events sent alone do not all behave."""
    misbehaving = MISBEHAVING.get(turn % 512) if alone else None
    return misbehaving or (NOTED if turn % 2 else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A wish with what goes with it."""

    wish: Wish
    park: bool
    hook: str

    @property
    def options(self) -> Options:
        """Return the keywords of an enqueue."""
        return Options(on_unclear="park" if self.park else "retry", hook=self.hook or None)


Told = tuple[Answer, str]
Way = Callable[["Shop", Sequence[Order]], Iterable[Told]]


class Shop(Senders):
    """Send events in four ways, a thread each: alone, in bulk, at once from an event loop, and under keys.

    Whatever was unclear is asked for again under its id until somebody knows, but for every fifth event sent
    alone, which stays in doubt.
    """

    def __init__(self, *, events: int, customers: int, per_second: float) -> None:
        super().__init__(events=events, customers=customers, per_second=per_second, threads=len(WAYS))
        self.orders: dict[str, Order] = {}
        """By reference."""
        self.wrongs: list[str] = []
        """What a producer was told that cannot be."""
        self.asked_again = 0

    @property
    def ids(self) -> dict[str, str]:
        """Return the reference of each event by its id."""
        return {each.event_id: each.reference for each in self.attempts if each.event_id}

    def _send_all(self, number: int) -> None:
        try:
            self._send_in_its_way(number)
        except Exception as error:  # noqa: BLE001 - the row says it, and all else that the run has shown
            self.wrongs.append(f"a producer ended early: {error!r}")

    def _send_in_its_way(self, number: int) -> None:
        size, way = WAYS[number]
        orders = self._orders(number)
        started, sent = time.monotonic(), 0
        while (some := list(islice(orders, size))) and self._await_turn(started, sent):
            self.orders.update((order.wish.reference, order) for order in some)
            for order, (answer, event_id) in zip(some, way(self, some), strict=True):
                self._note(number, order.wish, answer, event_id)
            sent += len(some)

    def _orders(self, number: int) -> Iterator[Order]:
        theirs = self.customers // len(WAYS)
        size, _ = WAYS[number]
        for i in range(self.events // len(WAYS)):
            customer = f"c-{number}-{i % theirs}"
            wish = Wish(reference=f"r-{number}-{i}", customer=customer, name=NAMES[i // theirs % len(NAMES)])
            turn = i // size  # a bulk has one policy and one hook
            yield Order(wish=wish, park=turn % 3 == 2, hook=hook_of(turn, alone=size == 1))

    def ask_again(self, order: Order, event_id: str, *, key: str | None = None) -> Told:
        """Enqueue an event of unclear fate again under its id, until that is known or patience is over."""
        deadline = time.monotonic() + ASKING_S
        while time.monotonic() < deadline:
            self.asked_again += 1
            try:
                receipt = shipper.enqueue_event(
                    order.wish.event, event_id=event_id, idempotency_key=key, **order.options
                )
            except (EnqueueUnclearError, LedgerUnavailableError, LedgerFullError):
                time.sleep(BETWEEN_S)
                continue
            if receipt.event_id != event_id:
                self.wrongs.append(f"{order.wish.reference}: asked for {event_id}, told {receipt.event_id}")
            return Answer.YES, receipt.event_id
        return Answer.UNCLEAR, event_id


def _alone(shop: Shop, orders: Sequence[Order]) -> Iterator[Told]:
    for order in orders:
        answer, event_id = _told(_try(order))
        leaves_it = order.wish.reference.endswith(("0", "5"))
        asks = answer is Answer.UNCLEAR and not leaves_it
        yield shop.ask_again(order, event_id) if asks else (answer, event_id)


def _bulk(shop: Shop, orders: Sequence[Order]) -> Iterator[Told]:
    answers = shipper.enqueue_events([order.wish.event for order in orders], **orders[0].options)
    for order, said in zip(orders, answers, strict=True):
        answer, event_id = _told(said)
        yield shop.ask_again(order, event_id) if answer is Answer.UNCLEAR else (answer, event_id)


def _at_once(shop: Shop, orders: Sequence[Order]) -> Iterator[Told]:
    async def all_of_them() -> list[shipper.Receipt | BaseException]:
        enqueues = (shipper.aenqueue_event(order.wish.event, **order.options) for order in orders)
        said = await asyncio.gather(*enqueues, return_exceptions=True)
        await shipper.aclose()
        return said

    for order, said in zip(orders, asyncio.run(all_of_them()), strict=True):
        answer, event_id = _told(said)
        yield shop.ask_again(order, event_id) if answer is Answer.UNCLEAR else (answer, event_id)


def _keyed(shop: Shop, orders: Sequence[Order]) -> Iterator[Told]:
    for order in orders:
        key = order.wish.reference
        answer, event_id = _told(_try(order, key=key))
        if answer is Answer.UNCLEAR:
            answer, event_id = shop.ask_again(order, event_id, key=key)
        if answer is Answer.YES:
            once_more = _try(order, key=key)
            if isinstance(once_more, shipper.Receipt) and once_more.event_id != event_id:
                shop.wrongs.append(f"{key}: its key answers {once_more.event_id}, not {event_id}")
        yield answer, event_id


def _try(order: Order, *, key: str | None = None) -> shipper.Receipt | ShipperError:
    try:
        return shipper.enqueue_event(order.wish.event, idempotency_key=key, **order.options)
    except ShipperError as error:
        return error


def _told(said: shipper.Receipt | BaseException) -> Told:
    match said:
        case shipper.Receipt():
            return Answer.YES, said.event_id
        case EnqueueUnclearError():
            return Answer.UNCLEAR, said.event_id
        case LedgerUnavailableError() | LedgerFullError():
            return Answer.NO, ""
        case _:
            raise said


WAYS: Final[tuple[tuple[int, Way], ...]] = ((1, _alone), (8, _bulk), (4, _at_once), (1, _keyed))
"""How many events go at a time, and how."""
