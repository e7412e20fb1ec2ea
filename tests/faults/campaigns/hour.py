"""An hour without Gameball: the real scripts and policies with every default, and a clock that is moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from shipper.clock import now_ms
from shipper.envelope import seal
from shipper.ledger.audit import audit
from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Claim, ClaimedCall, SettledCall, claim, enqueue, settle, status, sweep
from shipper.ledger.pool import make_pool
from shipper.ledger.record import read_tried
from shipper.settings import Settings
from tests.faults.campaign import Campaign, Ground
from tests.faults.load import NAMES
from tests.faults.row import Row
from workers.flight import Landing
from workers.pump import new_tokens
from workers.report import settled_call
from workers.verdict import Answer, Loss, judge

SECOND_MS: Final = 1000
WORKERS: Final = 4
SLOTS: Final = 32
CALL_MS: Final = 50
"""How long a call takes, answered or refused a connection."""
TICK_MS: Final = 25
LOOK_MS: Final = 50
QUOTA_PER_MS: Final = 1200 / 30_000
DOWN: Final = Answer(lost=Loss.NOT_SENT, detail="connection refused")
UP: Final = Answer(status=200, body=b'{"success":true}', content_type="application/json")


@dataclass(slots=True, kw_only=True)
class Fleet:
    """Some workers, of whom all have the same time; `calls` have left and not landed, oldest first."""

    ledger: Ledger
    now: int
    settings: Settings = field(default_factory=Settings)
    down: bool = True
    flying: list[list[tuple[int, ClaimedCall]]] = field(default_factory=lambda: [[] for _ in range(WORKERS)])
    look_at: list[int] = field(default_factory=lambda: [0] * WORKERS)
    swept_at: int = 0
    made: int = 0
    """Calls that have left."""

    def pass_time(self, until: int) -> None:
        """Work until then, or until nothing waits."""
        while self.now < until:
            self._sweep()
            for number in range(WORKERS):
                self._land(number)
                self._claim(number)
            self.now += TICK_MS if any(self.flying) else self._idle_ms(until)

    def _idle_ms(self, until: int) -> int:
        """Return how long nothing happens, a sweep left out of nothing."""
        next_ = min(*self.look_at, self.swept_at + SECOND_MS, until)
        return max(TICK_MS, next_ - self.now)

    def _sweep(self) -> None:
        if self.now - self.swept_at >= SECOND_MS:
            self.ledger.run(sweep(self.settings, now=self.now))
            self.swept_at = self.now

    def _claim(self, number: int) -> None:
        free = SLOTS - len(self.flying[number])
        if self.now < self.look_at[number] or not free:
            return
        asked = claim(new_tokens(free), self.settings, worker=f"w:{number}", now=self.now)
        claimed = self.ledger.run(asked)
        self.flying[number] += [(self.now, call) for call in claimed.calls]
        self.made += len(claimed.calls)
        self.look_at[number] = self.now if claimed.word == "calls" else self._next_look(claimed)

    def _next_look(self, claimed: Claim) -> int:
        return max(self.now + LOOK_MS, min(claimed.at or 0, self.now + SECOND_MS))

    def _land(self, number: int) -> None:
        landed = [each for each in self.flying[number] if each[0] + CALL_MS <= self.now]
        if landed:
            self.flying[number] = self.flying[number][len(landed) :]
            self.ledger.run(
                settle([self._settled(number, *each) for each in landed], self.settings, now=self.now)
            )

    def _settled(self, number: int, left_at: int, call: ClaimedCall) -> SettledCall:
        answer = DOWN if self.down else UP
        landing = Landing(
            account="default",
            call=call,
            claimed_at=left_at,
            sent_at=left_at,
            took_ms=CALL_MS,
            answer=answer,
            judgement=judge(answer),
        )
        return settled_call(landing, self.settings, worker=f"w:{number}")


def hour(ground: Ground) -> Iterator[Row]:
    """Queue events, refuse every connection for an hour, and let the backlog drain at the limits' pace."""
    events, minutes = (4000, 10) if ground.quick else (100_000, 60)
    server = ground.server()
    server.start()
    try:
        pool = make_pool(server.url, budget_ms=20_000)
        fleet = Fleet(ledger=Ledger(pool, budget_ms=20_000), now=now_ms())
        fill(fleet, events)
        yield drive(ground, fleet, events, minutes)
        pool.disconnect()
    finally:
        server.kill()


def fill(fleet: Fleet, events: int) -> None:
    """Enqueue four events for each of a quarter as many customers."""
    sealed = [
        seal({"customerId": f"c-{i // 4}", "events": {NAMES[i % 4]: {"n": i}}}, settings=fleet.settings)
        for i in range(events)
    ]
    for start in range(0, events, 100):
        fleet.ledger.run(enqueue(sealed[start : start + 100], fleet.settings, now=fleet.now))


def drive(ground: Ground, fleet: Fleet, events: int, minutes: int) -> Row:
    """Run the hour and what comes after it, and tell what it cost."""
    began = fleet.now
    fleet.pass_time(began + minutes * 60 * SECOND_MS)
    probes, charged = fleet.made, charges(fleet.ledger)
    ground.say(f"{probes} calls in {minutes} minutes, {len(charged):,} events charged")

    fleet.down, healed = False, fleet.now
    first_at = last_at = 0
    counters: Mapping[str, int] = {}
    while fleet.now < healed + 3600 * SECOND_MS:
        fleet.pass_time(fleet.now + SECOND_MS)
        counters = fleet.ledger.run(status(now=fleet.now)).counters
        first_at = first_at or (fleet.now if counters.get("delivered", 0) else 0)
        if counters.get("delivered", 0) == events:
            last_at = fleet.now
            break
    share = (fleet.made - probes) / ((last_at - first_at) * QUOTA_PER_MS) if last_at else 0.0
    wrongs = {
        f"{probes} calls in the outage": probes <= 100 + 2 * minutes,
        f"an event was charged {max(charged.values(), default=0)} attempts": max(charged.values(), default=0)
        <= 5,
        f"{counters.get('dead', 0)} events died": counters.get("dead", 0) == 0,
        "not all were delivered in an hour": counters.get("delivered", 0) == events,
        "no more was delivered for over 310 s": first_at - healed <= 310 * SECOND_MS,
        f"the drain used {share:.0%} of the quota": share >= 0.95 or ground.quick,
        **{str(finding): False for finding in audit(fleet.ledger).findings},
    }
    return Row(
        fault=f"Gameball away for {minutes} minutes",
        policy="retry",
        injected=f"1 outage of {minutes} minutes, simulated",
        load=f"{events:,} events of {events // 4:,} customers queued, {WORKERS} workers, every default",
        note=f"{probes} calls in the outage, {len(charged):,} events charged an attempt, none more than"
        f" {max(charged.values(), default=0)}; first delivery {(first_at - healed) / 1000:.0f} s after its"
        f" end, drained in {(last_at - first_at) / 60_000:.1f} minutes with {share:.0%} of the quota",
        problems=tuple(wrong for wrong, held in wrongs.items() if not held),
    )


def charges(ledger: Ledger) -> dict[str, int]:
    """Return how many attempts of its budget each event has used, where it has used any."""
    flat: list[bytes] = ledger.ask("HGETALL", key_of(ledger.account, "st"))
    used = {flat[i].decode(): read_tried(flat[i + 1]).charged for i in range(0, len(flat), 2)}
    return {event_id: count for event_id, count in used.items() if count}


CAMPAIGNS: Final = (
    Campaign(
        name="gameball-hour",
        tells="An hour without Gameball and 100,000 events queued, simulated with the real scripts, the"
        " real policies, every default and a moved clock: no more than 100 calls until the"
        " breaker holds and two probes a minute from then on, each charged to the events it carried and none"
        " to an event more than five times; then a drain at the pace of the limits.",
        run=hour,
        minutes=2,
    ),
)
