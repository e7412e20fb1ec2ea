"""The pump on a real ledger, with the far end at the seam of `Gameball.post`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from threading import Event as Flag
from threading import Thread
from typing import Any

import pytest
from redis import Redis

from shipper.clock import monotonic_ms
from shipper.errors import LedgerUnavailableError
from shipper.keyring import NO_KEYS
from shipper.ledger.audit import audit
from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import claim, sweep
from shipper.settings import Settings
from tests.support.waiting import until
from tests.workers.desk import QUICK, Desk
from tests.workers.far_end import ACCEPTED, CLOSED, UNAVAILABLE, FarEnd, refused
from tests.workers.faulty import FaultyLedger
from workers import pump as pump_module
from workers.flight import Boarding, body_of, fly, too_late
from workers.pump import Pump, Station, new_tokens
from workers.slots import Slots
from workers.verdict import Answer, Loss

LONG_MS = 60_000
AT_ONCE_S = 30
"""It takes milliseconds; a wait would take a minute."""


def running(pump: Pump) -> Thread:
    """Run a pump in a thread of its own."""
    thread = Thread(target=pump.run, daemon=True)
    thread.start()
    return thread


def raising(words: str) -> Callable[..., Any]:
    """Return a function that fails, whatever it is given."""

    def fail(*_args: Any, **_given: Any) -> Any:
        raise RuntimeError(words)

    return fail


@pytest.fixture
def patient(pump: Pump, monkeypatch: pytest.MonkeyPatch) -> Pump:
    """A pump that would take a minute over each wait that nothing ends."""
    monkeypatch.setattr(pump_module, "LOOK_AGAIN_MS", LONG_MS)
    monkeypatch.setattr(pump_module, "PATIENCE_MS", LONG_MS)
    return pump


# What it delivers


def test_a_pump_delivers_all_that_is_due_and_ends_at_once(desk: Desk, patient: Pump) -> None:
    ids = [desk.enqueue(f"c-{i}") for i in range(10)]
    started = time.monotonic()

    calls = patient.run()

    assert calls == 10
    assert [desk.state(event_id) for event_id in ids] == ["delivered"] * 10
    assert time.monotonic() - started < AT_ONCE_S
    assert audit(desk.ledger).findings == ()


def test_a_pump_without_anything_due_ends_at_once(desk: Desk, patient: Pump) -> None:
    started = time.monotonic()

    calls = patient.run()

    assert calls == 0
    assert time.monotonic() - started < AT_ONCE_S


def test_events_of_a_customer_leave_in_one_body_and_alone_as_they_were_enqueued(
    desk: Desk, pump: Pump, far_end: FarEnd
) -> None:
    desk.enqueue("c-1", "a")
    desk.enqueue("c-1", "b")
    desk.enqueue("c-1", "a")

    pump.run()

    assert far_end.bodies == [
        b'{"customerId":"c-1","events":{"a":{},"b":{}}}',
        b'{"customerId":"c-1","events":{"a":{}}}',
    ]


def test_a_pump_keeps_no_more_calls_in_flight_than_its_setting(
    desk: Desk, pump: Pump, far_end: FarEnd
) -> None:
    all_slots = threading.Barrier(4, timeout=30)

    def answer(_body: bytes) -> Answer:
        all_slots.wait()
        return ACCEPTED

    far_end.answer = answer
    for i in range(12):
        desk.enqueue(f"c-{i}")

    pump.run()

    assert far_end.most_at_once == 4
    assert desk.count("delivered") == 12


def test_a_customer_with_many_events_is_called_again_as_soon_as_its_call_has_landed(
    desk: Desk, patient: Pump, far_end: FarEnd
) -> None:
    for _ in range(20):
        desk.enqueue("hot", "same")
    started = time.monotonic()

    patient.run()

    assert len(far_end.bodies) == 20
    assert far_end.most_at_once == 1
    assert time.monotonic() - started < AT_ONCE_S


def test_a_woken_pump_looks_at_once(desk: Desk, patient: Pump, far_end: FarEnd) -> None:
    landed = Flag()
    far_end.answer = lambda body: ACCEPTED if b"c-2" in body or landed.wait(LONG_MS / 1000) else CLOSED
    desk.enqueue("c-1")
    thread = running(patient)
    far_end.wait_for_posts(1)

    until(lambda: patient._claim_at > monotonic_ms())
    second = desk.enqueue("c-2")
    patient.wake()

    until(lambda: desk.state(second) == "delivered", within_s=AT_ONCE_S)
    landed.set()
    thread.join(30)


# When it ends


def test_a_stopping_pump_claims_no_more_and_lets_its_calls_land(
    desk: Desk, station: Station, far_end: FarEnd
) -> None:
    ids = [desk.enqueue(f"c-{i}") for i in range(10)]
    may_land = Flag()
    far_end.answer = lambda body: ACCEPTED if may_land.wait(30) else CLOSED
    pump = Pump(station, ticket=desk.ticket())
    thread = running(pump)
    far_end.wait_for_posts(4)

    station.stopping.set()
    pump.wake()
    until(lambda: pump.draining)
    without_ticket = until(lambda: desk.status().pumps == 0)
    may_land.set()
    thread.join(30)

    assert without_ticket
    assert sorted(desk.state(event_id) for event_id in ids) == ["delivered"] * 4 + ["waiting"] * 6
    assert desk.status().sizes["lease"] == 0
    assert pump.calls == 4


def test_a_pump_whose_time_is_up_ends_though_lanes_are_due(
    desk: Desk, station: Station, far_end: FarEnd
) -> None:
    for _ in range(50):
        desk.enqueue("hot", "same")
    far_end.answer = lambda body: ACCEPTED if not Flag().wait(0.01) else CLOSED

    calls = Pump(replace(station, settings=QUICK.model_copy(update={"pump_ms": 200}))).run()

    assert 0 < calls < 50
    assert desk.count("delivered") == calls


def test_a_pump_that_waits_for_its_last_call_sleeps(desk: Desk, station: Station, far_end: FarEnd) -> None:
    far_end.answer = lambda body: ACCEPTED if not Flag().wait(0.7) else CLOSED
    desk.enqueue("c-1")
    pump = Pump(replace(station, settings=QUICK.model_copy(update={"pump_ms": 100})))
    started = time.thread_time()

    pump.run()

    assert time.thread_time() - started < 0.1
    assert desk.count("delivered") == 1


def test_a_pump_whose_ticket_ran_out_makes_no_call(desk: Desk, station: Station, far_end: FarEnd) -> None:
    event_id = desk.enqueue("c-1")

    calls = Pump(station, ticket="A" * 16).run()

    assert calls == 0
    assert far_end.bodies == []
    assert desk.state(event_id) == "waiting"


def test_a_pump_waits_for_the_pace_instead_of_leaving_it_to_one_message_after_another(
    desk: Desk, station: Station, far_end: FarEnd
) -> None:
    paced = QUICK.model_copy(update={"pace_per_30_seconds": 2, "pump_ms": 400})
    ledger = FaultyLedger(station.ledger)
    for i in range(4):
        desk.enqueue(f"c-{i}")
    started = time.monotonic()

    calls = Pump(replace(station, ledger=ledger, settings=paced)).run()

    assert calls == 2
    assert time.monotonic() - started >= 0.4
    assert ledger.ran.count("claim") <= 6


def test_a_paused_account_ends_its_pump(desk: Desk, patient: Pump, far_end: FarEnd) -> None:
    desk.enqueue("c-1")
    far_end.answer = lambda body: Answer(status=401)
    started = time.monotonic()

    calls = patient.run()

    assert calls == 1
    assert desk.status().gate["why"] == "credentials"
    assert time.monotonic() - started < AT_ONCE_S


def test_a_pump_whose_slots_are_all_full_says_that_it_is_alive(
    desk: Desk, station: Station, far_end: FarEnd, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump_module, "BEAT_AGAIN_MS", 10)
    monkeypatch.setattr(pump_module, "PATIENCE_MS", 10)
    may_land = Flag()
    far_end.answer = lambda body: ACCEPTED if may_land.wait(30) else CLOSED
    for i in range(4):
        desk.enqueue(f"c-{i}")
    ticket = desk.ticket()
    thread = running(Pump(station, ticket=ticket))
    far_end.wait_for_posts(4)
    first = redis.zscore(key_of("default", "pumps"), ticket)

    until(lambda: redis.zscore(key_of("default", "pumps"), ticket) != first)

    may_land.set()
    thread.join(30)
    assert desk.count("delivered") == 4
    assert far_end.most_at_once == 4


# What it cannot send


@pytest.mark.parametrize(
    ("waited_ms", "late"),
    [(0, False), (250, False), (251, True)],
)
def test_a_claim_is_too_old_to_send_beyond_the_margin_of_its_pace(waited_ms: int, late: bool) -> None:
    assert too_late(waited_ms, Settings(pace_margin_ms=250)) is late


@pytest.mark.parametrize(("waited_ms", "late"), [(650, False), (651, True)])
def test_a_claim_that_was_counted_later_may_be_sent_later(waited_ms: int, late: bool) -> None:
    assert too_late(waited_ms, Settings(pace_margin_ms=250), late_ms=400) is late


@pytest.mark.parametrize(
    ("per_second", "per_30_seconds", "late"), [(0, 0, False), (100, 0, True), (0, 1200, True)]
)
def test_without_a_pace_a_slow_redis_makes_no_claim_too_old(
    per_second: int, per_30_seconds: int, late: bool
) -> None:
    settings = Settings(pace_margin_ms=250, pace_per_second=per_second, pace_per_30_seconds=per_30_seconds)

    assert too_late(251, settings) is late


def test_a_claim_is_too_old_to_send_when_its_lease_would_not_outlive_the_call() -> None:
    settings = Settings(pace_margin_ms=10_000, lease_ms=20_000, timeout_ms=15_000)

    assert too_late(2999, settings) is False
    assert too_late(3000, settings) is True


def test_a_call_that_could_not_leave_in_time_is_handed_back_and_costs_nothing(
    desk: Desk, station: Station, far_end: FarEnd
) -> None:
    event_id = desk.enqueue("c-1")
    claimed = desk.ledger.run(claim(new_tokens(1), QUICK, worker="w:1"))
    (call,) = claimed.calls
    waited_ms = QUICK.lease_ms - QUICK.timeout_ms
    long_ago = monotonic_ms() - waited_ms

    boarding = Boarding(account="default", call=call, asked_at=long_ago, claimed_at=claimed.now)
    landing = fly(boarding, far_end.gameball, QUICK)

    assert far_end.bodies == []
    assert landing.answer.lost is Loss.UNSENT
    assert landing.sent_at - landing.claimed_at >= waited_ms
    assert body_of(call, NO_KEYS, "default") == b'{"customerId":"c-1","events":{"write_review":{}}}'
    assert desk.state(event_id) == "in_flight"


# What goes wrong


def test_a_fault_of_ours_in_one_call_does_not_stop_the_others(
    desk: Desk, pump: Pump, far_end: FarEnd
) -> None:
    bad = desk.enqueue("c-bad")
    good = [desk.enqueue(f"c-{i}") for i in range(6)]

    def answer(body: bytes) -> Answer:
        if b"c-bad" in body:
            raise RuntimeError("a fault of ours")
        return ACCEPTED

    far_end.answer = answer

    pump.run()

    assert [desk.state(event_id) for event_id in good] == ["delivered"] * 6
    assert desk.state(bad) == "in_flight"


DEEP = Answer(status=400, body=b'{"code":2000,"x":' + b"[" * 600 + b"]" * 600 + b"}")
"""Nests so deep that no function can call itself along."""


def test_an_answer_that_is_hard_to_read_ends_its_own_event_and_no_other(
    desk: Desk, station: Station, far_end: FarEnd
) -> None:
    bad = desk.enqueue("c-bad")
    good = [desk.enqueue(f"c-{i}") for i in range(6)]
    far_end.answer = lambda body: DEEP if b"c-bad" in body else ACCEPTED
    station = replace(station, slots=Slots(4))

    calls = Pump(station).run()

    assert calls == 7
    assert [desk.state(event_id) for event_id in good] == ["delivered"] * 6
    assert (desk.state(bad), desk.show(bad).tried.reason) == ("dead", "refused")
    assert len(far_end.bodies) == 7
    assert station.slots.take(1000) == 4
    assert audit(desk.ledger).findings == ()


def test_a_landing_that_cannot_be_told_is_settled_by_its_verdict(
    desk: Desk,
    station: Station,
    far_end: FarEnd,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers = {b"c-refused": refused(3009), b"c-parked": CLOSED, b"c-told": ACCEPTED, b"c-good": ACCEPTED}
    far_end.answer = lambda body: next(answer for name, answer in answers.items() if name in body)
    hooks = {b"c-told": "told"}
    ids = {name: desk.enqueue(name.decode(), on_unclear="park", hook=hooks.get(name)) for name in answers}
    monkeypatch.setattr("workers.report.field_of", raising("alice@example.com"))
    monkeypatch.setattr("workers.report.write_attempt", raising("alice@example.com"))
    station = replace(station, slots=Slots(4))

    Pump(station).run()

    assert {name: desk.state(event_id) for name, event_id in ids.items()} == {
        b"c-refused": "dead",
        b"c-parked": "unclear",
        b"c-told": "delivered",
        b"c-good": "delivered",
    }
    tried = desk.show(ids[b"c-refused"]).tried
    assert (tried.reason, tried.code, tried.field, tried.kind) == ("refused", 3009, "", "")
    assert desk.status().sizes["hooks"] == 1
    assert len(far_end.bodies) == 4
    assert station.slots.take(1000) == 4
    assert "settle.undecided" in caplog.text
    assert "RuntimeError" in caplog.text
    assert "alice" not in caplog.text
    assert audit(desk.ledger).findings == ()


def test_a_landing_that_cannot_be_decided_is_left_to_its_lease_and_the_others_are_settled(
    desk: Desk, station: Station, far_end: FarEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = desk.enqueue("c-bad")
    good = [desk.enqueue(f"c-{i}") for i in range(6)]
    far_end.answer = lambda body: UNAVAILABLE if b"c-bad" in body else ACCEPTED
    monkeypatch.setattr("workers.retry.backoff_ms", raising("a fault of ours"))
    station = replace(station, slots=Slots(4))

    calls = Pump(station).run()

    assert calls == 6
    assert [desk.state(event_id) for event_id in good] == ["delivered"] * 6
    assert desk.state(bad) == "in_flight"
    assert station.slots.take(1000) == 4


def test_a_pump_that_a_fault_of_ours_ends_gives_back_the_slots_of_calls_that_still_fly(
    desk: Desk, station: Station, far_end: FarEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_land = Flag()
    far_end.answer = lambda body: ACCEPTED if b"c-quick" in body or may_land.wait(30) else CLOSED
    for name in ("c-quick", "c-slow-1", "c-slow-2"):
        desk.enqueue(name)
    monkeypatch.setattr("workers.pump.log_call", raising("a fault of ours"))
    station = replace(station, slots=Slots(4))

    with pytest.raises(RuntimeError, match="a fault of ours"):
        Pump(station).run()

    may_land.set()
    assert station.slots.take(1000) == 4


def test_a_claim_that_cannot_be_read_keeps_no_slot(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.pump.claim", raising("a fault of ours"))
    station = replace(station, slots=Slots(4))

    with pytest.raises(RuntimeError, match="a fault of ours"):
        Pump(station).run()

    assert station.slots.take(1000) == 4


def test_calls_of_a_claim_whose_answer_was_lost_are_given_back_at_once_and_cost_nothing(
    desk: Desk, station: Station, far_end: FarEnd
) -> None:
    event_id = desk.enqueue("c-1", on_unclear="park")
    ledger = FaultyLedger(station.ledger)
    ledger.to_lose = ["claim"]
    station = replace(station, ledger=ledger)

    first = Pump(station).run()
    meanwhile = desk.state(event_id)
    second = Pump(station).run()

    assert (first, second) == (0, 1)
    assert (meanwhile, desk.state(event_id)) == ("waiting", "delivered")
    assert station.voids == set()
    assert (desk.count("causes"), desk.count("crashed")) == (0, 0)
    assert len(far_end.bodies) == 1


def test_calls_that_could_not_be_given_back_are_given_back_by_the_next_pump(
    desk: Desk, station: Station, far_end: FarEnd
) -> None:
    event_id = desk.enqueue("c-1", on_unclear="park")
    ledger = FaultyLedger(station.ledger)
    ledger.to_lose = ["claim"]
    ledger.before = lambda script: ledger.to_refuse.extend(["claim"] * (ledger.ran == ["claim", "claim"]))
    station = replace(station, ledger=ledger)

    first = Pump(station).run()
    meanwhile = desk.state(event_id)
    second = Pump(station).run()

    assert (first, second) == (0, 1)
    assert (meanwhile, desk.state(event_id)) == ("in_flight", "delivered")
    assert station.voids == set()
    assert (desk.count("causes"), desk.count("crashed")) == (0, 0)


def test_a_claim_that_redis_refused_ends_the_pump(desk: Desk, station: Station) -> None:
    event_id = desk.enqueue("c-1")
    ledger = FaultyLedger(station.ledger)
    ledger.to_refuse = ["claim"]

    calls = Pump(replace(station, ledger=ledger)).run()

    assert calls == 0
    assert ledger.ran == ["claim", "claim"]  # the second gives back what the first may have taken
    assert desk.state(event_id) == "waiting"


@pytest.mark.parametrize("fault", ["to_refuse", "to_lose"])
def test_a_landing_is_settled_again_until_the_ledger_has_it(
    desk: Desk, station: Station, far_end: FarEnd, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump_module, "SETTLE_AGAIN_MS", 1)
    event_id = desk.enqueue("c-1", hook="told")
    ledger = FaultyLedger(station.ledger)
    setattr(ledger, fault, ["settle", "settle", "settle"])

    calls = Pump(replace(station, ledger=ledger)).run()

    assert calls == 1
    assert ledger.ran.count("settle") == 4
    assert desk.state(event_id) == "delivered"
    assert desk.status().sizes["hooks"] == 1
    assert len(far_end.bodies) == 1


def test_a_landing_is_given_up_when_its_lease_is_long_over(
    desk: Desk, station: Station, far_end: FarEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump_module, "SETTLE_AGAIN_MS", 1)
    monkeypatch.setattr(pump_module, "GRACE_MS", -QUICK.lease_ms)
    event_id = desk.enqueue("c-1")
    ledger = FaultyLedger(station.ledger)
    ledger.to_refuse = ["settle"] * 1000

    Pump(replace(station, ledger=ledger)).run()

    assert 0 < ledger.ran.count("settle") < 1000
    assert desk.state(event_id) == "in_flight"


def test_a_ticket_that_could_not_be_given_up_runs_out_by_itself(desk: Desk, station: Station) -> None:
    ledger = FaultyLedger(station.ledger)
    ledger.to_refuse = ["retire"]

    Pump(replace(station, ledger=ledger), ticket=desk.ticket() if desk.enqueue("c-1") else "").run()

    assert "retire" in ledger.ran
    assert desk.status().pumps == 1


def test_a_late_success_is_adopted_after_the_sweep_gave_the_lane_to_another(
    desk: Desk, station: Station, far_end: FarEnd, redis: Redis
) -> None:
    event_id = desk.enqueue("c-1")
    may_land = Flag()
    far_end.answer = lambda body: ACCEPTED if may_land.wait(30) else CLOSED
    thread = running(Pump(station))
    far_end.wait_for_posts(1)
    lane = desk.show(event_id).record.lane  # type: ignore[union-attr]

    redis.zadd(key_of("default", "lease"), {lane: 1})
    expired = desk.ledger.run(sweep(QUICK)).expired
    between = desk.state(event_id)
    may_land.set()
    thread.join(30)

    assert (expired, between) == (1, "waiting")
    assert desk.state(event_id) == "delivered"
    assert desk.count("causes") == 1


def test_what_gameball_says_decides_what_becomes_of_each_event(
    desk: Desk, station: Station, far_end: FarEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.retry.backoff_ms", lambda *args, **kwargs: LONG_MS)
    answers = {
        b"c-refused": refused(3009),
        b"c-parked": CLOSED,
        b"c-later": UNAVAILABLE,
        b"c-good": ACCEPTED,
    }
    far_end.answer = lambda body: next(answer for name, answer in answers.items() if name in body)
    once = QUICK.model_copy(update={"max_attempts": 2})
    ids = {name: desk.enqueue(name.decode(), on_unclear="park") for name in answers}

    Pump(replace(station, settings=once)).run()

    assert {name: desk.state(event_id) for name, event_id in ids.items()} == {
        b"c-refused": "dead",
        b"c-parked": "unclear",
        b"c-later": "waiting",
        b"c-good": "delivered",
    }


def test_new_tokens_are_random_and_of_a_form_that_the_ledger_takes() -> None:
    tokens = new_tokens(1000)

    assert len(set(tokens)) == 1000
    assert {len(token) for token in tokens} == {16}


def test_a_ledger_that_is_away_says_so(ledger: Ledger) -> None:
    faulty = FaultyLedger(ledger)
    faulty.to_refuse = ["claim"]

    with pytest.raises(LedgerUnavailableError):
        faulty.run(claim(["t"], QUICK, worker="w:1"))
