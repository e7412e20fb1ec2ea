"""Shop: producers of every kind at once, both policies mixed; what each event was told is remembered."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import shipper
from shipper.enqueue import Options
from shipper.errors import EnqueueUnclearError, LedgerFullError, LedgerUnavailableError, ShipperError
from tests.faults.history import Answer, Attempt
from tests.faults.load import NAMES, Wish
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


class Shop:
    """Send events in four ways, a thread each: alone, in bulk, at once from an event loop, and under keys.

    A customer belongs to one thread, so that the order of its events is known. Whatever was unclear is asked
    for again under its id until somebody knows, but for every fifth event sent alone, which stays in doubt.
    """

    def __init__(self, *, events: int, customers: int, per_second: float) -> None:
        self.events = events
        self.customers = customers
        self.orders: dict[str, Order] = {}
        """By reference."""
        self.wrongs: list[str] = []
        """What a producer was told that cannot be."""
        self.asked_again = 0
        self._per_second = per_second / len(WAYS)
        self._stopping = threading.Event()
        self._attempts: list[list[Attempt]] = [[] for _ in WAYS]
        self._failures: list[BaseException] = []
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(len(WAYS))]

    def start(self) -> None:
        """Begin to send, in threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send nothing more, and return when what is under way was answered."""
        self._stopping.set()
        self.finish()

    def finish(self) -> None:
        """Return when everything was sent; raise what an enqueue raised that it should not."""
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

    @property
    def ids(self) -> dict[str, str]:
        """Return the reference of each event by its id."""
        return {each.event_id: each.reference for each in self.attempts if each.event_id}

    def _run(self, number: int) -> None:
        size, way = WAYS[number]
        orders = self._orders(number)
        started, sent = time.monotonic(), 0
        try:
            while some := list(islice(orders, size)):
                due = started + sent / self._per_second
                if self._stopping.wait(max(0.0, due - time.monotonic())):
                    return
                self.orders.update((order.wish.reference, order) for order in some)
                self._note(number, some, way(self, some))
                sent += len(some)
        except BaseException as error:  # noqa: BLE001 - told by whoever waits for the shop
            self._failures.append(error)

    def _orders(self, number: int) -> Iterator[Order]:
        theirs = self.customers // len(WAYS)
        size, _ = WAYS[number]
        for i in range(self.events // len(WAYS)):
            customer = f"c-{number}-{i % theirs}"
            wish = Wish(reference=f"r-{number}-{i}", customer=customer, name=NAMES[i // theirs % len(NAMES)])
            turn = i // size  # a bulk has one policy and one hook
            yield Order(wish=wish, park=turn % 3 == 2, hook=hook_of(turn, alone=size == 1))

    def _note(self, number: int, orders: Sequence[Order], told: Iterable[Told]) -> None:
        for order, (answer, event_id) in zip(orders, told, strict=True):
            wish = order.wish
            self._attempts[number].append(
                Attempt(reference=wish.reference, customer=wish.customer, answer=answer, event_id=event_id)
            )

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
