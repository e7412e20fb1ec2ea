"""A walk through the ledger that runs every script, and most branches of each."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TypeVar

from redis import Redis

from shipper.ledger import operations as ask
from shipper.ledger.deed import Deed
from shipper.ledger.keys import lane_key_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Operation, SettledCall
from shipper.outcome import DELIVERED, SOLO, UNCLEAR, Dead, Free, Reason, Retry, Verdict
from tests.ledger.builders import HOUR, NOW, SECOND, accepted, envelope, settings_of, settled

SETTINGS = settings_of()
DEED = Deed(by="ann", did="redrive", name="D1")
T = TypeVar("T")


class Tour:
    """Runs operations at growing times, and remembers which scripts it ran."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.now = NOW
        self.scripts: set[str] = set()
        self._tokens = 0

    def run(self, operation: Operation[T]) -> T:
        self.scripts.add(operation.script)
        return self.ledger.run(operation)

    def claim(self, *void: str) -> dict[str, str]:
        """Claim every due lane; return the token of each."""
        self._tokens += 1
        tokens = [f"t{self._tokens}-{i}" for i in range(9)]
        operation = ask.claim(tokens, SETTINGS, worker="w1", void=void, now=self.now)
        self.run(operation)
        claimed = self.run(operation)  # asked again, as after a lost reply
        return {call.lane: call.token for call in claimed.calls}

    def settle(self, *calls: SettledCall) -> None:
        self.run(ask.settle(calls, SETTINGS, now=self.now))

    def sweep(self) -> None:
        tickets = ["p1", "p2"], ["k1", "k2"]
        self.run(
            ask.sweep(
                SETTINGS,
                tickets=tickets[0],
                teller_tickets=tickets[1],
                most_pumps=2,
                most_tellers=2,
                worker="w1",
                hold_ms=1,
                seen=1,
                now=self.now,
            )
        )


def walk(ledger: Ledger, redis: Redis) -> set[str]:
    """Run every script on an empty ledger; return their names."""
    tour = stroll(ledger)
    _quarantine(tour, redis)
    return tour.scripts


def stroll(ledger: Ledger) -> Tour:
    """Run every script that a ledger sees in good days: none of its keys is damaged."""
    tour = Tour(ledger)
    _enqueue(tour)
    _deliver(tour)
    _tell(tour)
    _operate(tour)
    before = tour.now
    tour.now += 200 * HOUR
    tour.run(ask.forget(SETTINGS, now=tour.now))
    tour.now = before
    return tour


def _enqueue(tour: Tour) -> None:
    events = [envelope(f"E{i}", f"lane{i}", hook="sent", key=f"K{i}") for i in range(8)]
    parked = envelope("E8", "lane8", park=True, hook="sent")
    again = replace(events[0], explicit=True)
    tour.run(ask.enqueue([*events, parked, envelope("E9", "lane0")], SETTINGS, now=tour.now))
    tour.run(
        ask.enqueue([again, envelope("E1", explicit=True, fp="other")], SETTINGS, atomic=True, now=tour.now)
    )
    tour.run(ask.peek(events[0], now=tour.now))
    tour.sweep()
    tour.run(ask.show([f"E{i}" for i in range(12)], now=tour.now))


def _deliver(tour: Tour) -> None:
    first = tour.claim()
    token = tour.claim(*first.values())
    retry, dead = Retry(delay_ms=9, vague=True, solo=True), Dead(reason=Reason.REFUSED)
    tour.settle(
        settled("lane0", token["lane0"], Verdict.VAGUE, E0=DELIVERED, E9=retry),
        accepted("lane1", token["lane1"], "E1"),
        settled(
            "lane2",
            token["lane2"],
            Verdict.PERMANENT,
            code=3009,
            refused="total",
            kind="inactive",
            line=b'{"number":1}',
            E2=dead,
        ),
        settled("lane3", token["lane3"], Verdict.UNCLEAR, E3=UNCLEAR),
        settled("lane4", token["lane4"], Verdict.BUSY, E4=Free(delay_ms=1)),
        settled("lane5", token["lane5"], Verdict.UNSENT, E5=SOLO),
        settled("lane6", token["lane6"], Verdict.NOT_SENT),
    )
    tour.settle(
        accepted("lane2", "late", "E2"), settled("lane3", "late", Verdict.NOT_SENT, line=b"{}", E3=retry)
    )
    tour.sweep()
    tour.now += 31 * SECOND
    tour.sweep()
    tour.now += 9 * SECOND
    tour.sweep()
    tour.settle(settled("lane0", tour.claim()["lane0"], Verdict.CREDENTIALS, E9=Free(delay_ms=1)))
    tour.run(ask.status(now=tour.now))
    tour.run(ask.alarm({"dead": 9}, {"dead": 9}, {"dead"}, held=True, seen_at=tour.now, now=tour.now))
    tour.run(ask.observe({"call 100": 1}, now=tour.now))


def _tell(tour: Tour) -> None:
    tour.run(ask.hook_claim("h1", SETTINGS, most=9, ticket="k1", now=tour.now))
    tour.sweep()
    tour.run(ask.hook_claim("h1", SETTINGS, most=9, now=tour.now))
    tour.run(ask.hook_settle("E1:0", "h1", "told", now=tour.now))
    tour.run(ask.hook_settle("E0:0", "h1", "again", delay_ms=5, error="no", now=tour.now))
    tour.run(ask.hook_settle("E2:1", "h1", "failed", error="no", now=tour.now))
    tour.run(ask.hook_redo("retry", ["E2:1", "E9:0"], now=tour.now))
    tour.run(ask.retire("k1", now=tour.now))


def _operate(tour: Tour) -> None:
    tour.run(ask.note(DEED, count=1, ids=["E1"], now=tour.now))
    tour.run(ask.pause(deed=DEED, now=tour.now))
    tour.run(ask.resume(now=tour.now))
    (seen,) = tour.run(ask.stored(["E3"], now=tour.now))
    assert seen
    tail = envelope("E3", "lane3", hook="sent").tail_header
    edit = partial(ask.edit, seen, tail_header=tail, may_duplicate=True, line=b"{}", now=tour.now)
    tour.run(edit(body=b"another", deed=DEED))
    tour.run(edit(body=b"too late"))
    draft = ask.Draft(seen=seen, tail_header=tail, body=b"too late", line=b"{}")
    tour.run(ask.edit_all([draft, draft], may_duplicate=True, spread_ms=5, now=tour.now))
    tour.run(ask.give_out(["E3", "E2"], deed=DEED, now=tour.now))
    tour.run(ask.restore([replace(seen, event_id="E10")], deed=DEED, now=tour.now))
    tour.run(ask.redrive(["E3", "E8", "E10"], spread_ms=5, may_duplicate=True, line=b"{}", now=tour.now))
    tour.run(
        ask.job_start(
            "J1",
            filter_text="",
            total=2,
            rate=9,
            may_duplicate=True,
            moment=tour.now,
            sends=DEED,
            filling=True,
            now=tour.now,
        )
    )
    tour.run(ask.job_fill("J1", ["E2", "E3"], before=0, last=True, now=tour.now))
    for cursor, found in (("", [("00000000 E2", "E2")]), ("00000000 E2", [])):
        tour.now += 500
        tour.run(ask.job_step("J1", cursor, found, nothing_more=True, now=tour.now))
    tour.run(ask.job_turn("J1", "cancel", deed=DEED, now=tour.now))
    tour.run(ask.job_step("J1", "00000000 E2", [], nothing_more=True, now=tour.now))
    tour.run(ask.discard(["E3", "E4"], waiting=["E3", "E4"], now=tour.now))
    tour.run(ask.expunge(["E5", "E8", "E0"], now=tour.now))


def _quarantine(tour: Tour, redis: Redis) -> None:
    for _ in range(12):  # nothing flies any more
        tour.now += 9 * SECOND
        tour.sweep()
    lane = lane_key_of(tour.ledger.account, "lane6")
    redis.delete(lane)
    redis.set(lane, "boom")
    tour.claim()
    tour.run(ask.audit_lanes(["lane6", "lane7"], now=tour.now))
    tour.run(ask.audit_events(["E6", "E7"], now=tour.now))
    tour.run(ask.mend("lane6", ["E6"], now=tour.now))
    tour.run(ask.audit_letters("letters", ["E6"], now=tour.now))
    tour.run(ask.letter_lanes(["E6"], now=tour.now))
    tour.run(ask.mend_letters("index", ["rspent\0001\000E6"], now=tour.now))
    tour.run(
        ask.mend_people(ask.Walked(field="g", index="gg", entries=0, newest="", counted=""), 0, now=tour.now)
    )
    tour.run(ask.recount(now=tour.now))
