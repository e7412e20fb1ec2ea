"""A ledger in use: what producers, workers and operators would do, at the times a test says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from redis import Redis

from shipper.envelope import Envelope, seal
from shipper.ledger import operations as ask
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Claim, ClaimedCall, SettledCall, Sweep
from shipper.outcome import DELIVERED, Outcome, Verdict
from shipper.settings import Settings
from tests.ledger.book import Book, read
from tests.ledger.builders import NOW, envelope, settings_of, settled


@dataclass(slots=True, kw_only=True)
class Scene:
    """One account and its time."""

    ledger: Ledger
    redis: Redis
    settings: Settings = field(default_factory=settings_of)
    now: int = NOW
    _tokens: int = 0

    @property
    def book(self) -> Book:
        return read(self.redis, self.ledger.account)

    def enqueue(self, *envelopes: Envelope) -> list[str]:
        """Accept events; return the words."""
        return [a.word for a in self.ledger.run(ask.enqueue(envelopes, self.settings, now=self.now))]

    def seal(self, customer_id: str = "c", events: Mapping[str, Any] | None = None, **given: Any) -> Envelope:
        """Seal an event as the client does."""
        event = {"customerId": customer_id, "events": events or {"view": {}}}
        return seal(event, settings=self.settings, **given)

    def many(self, count: int, **given: Any) -> list[str]:
        """Accept an event E<i> of each of so many customers c<i>; return the ids."""
        ids = [f"E{i}" for i in range(count)]
        for start in range(0, count, 100):
            self.enqueue(*(envelope(i, f"c{i[1:]}", **given) for i in ids[start : start + 100]))
        return ids

    def tokens(self, count: int) -> list[str]:
        """Mint tokens that nobody had before."""
        self._tokens += count
        return [f"t{i}" for i in range(self._tokens - count, self._tokens)]

    def claim(
        self, slots: int = 1, *, tokens: Sequence[str] = (), void: Sequence[str] = (), **given: Any
    ) -> Claim:
        """Claim with fresh tokens, or with these."""
        chosen = tokens or self.tokens(slots)
        return self.ledger.run(
            ask.claim(chosen, self.settings, **{"worker": "w1", "void": void, "now": self.now, **given})
        )

    def only_call(self) -> ClaimedCall:
        """Claim the one lane that is due."""
        (call,) = self.claim(8).calls
        return call

    def settle(self, *calls: SettledCall) -> list[str]:
        """Settle calls."""
        return self.ledger.run(ask.settle(calls, self.settings, now=self.now))

    def accept(self, *calls: ClaimedCall) -> list[str]:
        """Settle calls that Gameball accepted."""
        return self.end(Verdict.ACCEPTED, DELIVERED, *calls)

    def end(self, verdict: Verdict, outcome: Outcome, *calls: ClaimedCall, **given: Any) -> list[str]:
        """Settle calls, all of their events alike."""
        return self.settle(
            *(
                settled(call.lane, call.token, verdict, {e.event_id: outcome for e in call.events}, **given)
                for call in calls
            )
        )

    def sweep(self, **given: Any) -> Sweep:
        """Sweep."""
        return self.ledger.run(ask.sweep(self.settings, now=self.now, **given))

    def run_out(self) -> None:
        """Let every lease run out, with a sweep each second as in life."""
        for _ in range(31):
            self.now += 1000
            self.sweep()

    def drain(self) -> None:
        """Deliver what is due until nothing is."""
        for _ in range(1000):
            answer = self.claim(32)
            if answer.word == "idle" and not (answer.at and answer.at <= self.now):
                return
            self.accept(*answer.calls)
            self.now = max(self.now + 50, answer.at or 0)
        raise AssertionError("it never came to rest")


def structure_of(book: Book) -> list[str]:
    """Return what is wrong with a ledger's structure and accounting."""
    flying = {lane: [i for i in call.numbers if i in book.rec] for lane, call in book.calls.items()}
    wrong = [f"{lane}: {problem}" for lane in _lanes_of(book) for problem in _misplaced(lane, book, flying)]
    if book.calls.keys() != book.lease.keys():
        wrong.append("calls and leases differ")
    return wrong + _miscounted(book, in_flight=sum(map(len, flying.values())))


def _lanes_of(book: Book) -> set[str]:
    return {*book.lanes, *book.due, *book.lease, *book.broken}


def _misplaced(lane: str, book: Book, flying: Mapping[str, list[str]]) -> Iterator[str]:
    ids, run = book.lanes.get(lane, []), flying.get(lane, [])
    places = (lane in book.due) + (lane in book.lease) + (lane in book.broken)
    if places > 1 or (ids and places == 0):
        yield f"in {places} places"
    if lane in book.due and not ids:
        yield "due and empty"
    if ids[: len(run)] != run:
        yield "what flies is not its head"


def _miscounted(book: Book, *, in_flight: int) -> list[str]:
    count = book.n.get
    states = {
        "waiting": sum(map(len, book.lanes.values())) - in_flight,
        "in_flight": in_flight,
        "dead": len(book.dead),
        "unclear": len(book.uncl),
    }
    ends = {end: count(end, 0) for end in ("delivered", "discarded", "expunged")}
    kept = Counter(str(fate.state) for fate in book.fate.values())
    sums = {
        "accepted": (count("accepted", 0), sum(states.values()) + sum(ends.values())),
        "records": (len(book.rec), sum(states.values())),
        **{name: (count(name, 0), found) for name, found in states.items()},
        **{end: (told, kept[end] + count(f"forgotten_{end}", 0)) for end, told in ends.items()},
    }
    return [f"{name} is {told}, found {found}" for name, (told, found) in sums.items() if told != found]
