"""The Dispatcher on a real ledger, with a desk that notes whom it was asked to start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event as Flag
from typing import Any, Final

import pytest
from redis import Redis

from shipper.envelope import lane_of
from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import (
    ClaimedCall,
    SettledCall,
    SettledEvent,
    claim,
    hook_claim,
    pause,
    retire,
    settle,
)
from shipper.ledger.record import HookJob
from shipper.outcome import DELIVERED, Verdict
from shipper.settings import Settings
from tests.support.waiting import until
from tests.workers.clock import Clock
from tests.workers.desk import QUICK, Desk
from tests.workers.faulty import FaultyLedger
from workers import dispatcher as dispatcher_module
from workers.dispatcher import DEAF_MS, QUIET_MS, Dispatcher
from workers.dispatcher import Desk as Counterparts
from workers.pump import new_tokens


class Crew:
    """Whom a Dispatcher calls: notes every call; `broken` makes the broker fail."""

    def __init__(self) -> None:
        self.pumps: list[str] = []
        self.tellers: list[str] = []
        self.here: list[str] = []
        self.told_here: list[str] = []
        self.tells_here = True
        self.wakes = 0
        self.gave_up: list[str] = []
        self.hanging: list[str] = []
        self.broken = False
        self.leaving = Flag()
        self.run: Callable[[str], object] = lambda ticket: None
        self.tell: Callable[[str], object] = lambda ticket: None

    def desk(self) -> Counterparts:
        return Counterparts(
            start_pump=self._start_pump,
            start_teller=self._start_teller,
            run_here=self._run_here,
            tell_here=self._tell_here,
            wake=self._wake,
            give_up=self.gave_up.append,
            hanging_hooks=lambda: list(self.hanging),
        )

    def _start_pump(self, account: str, ticket: str) -> None:
        if self.broken:
            raise ConnectionError("OOM command not allowed")
        self.pumps.append(ticket)

    def _start_teller(self, account: str, ticket: str) -> None:
        if self.broken:
            raise ConnectionError("OOM command not allowed")
        self.tellers.append(ticket)
        self.tell(ticket)

    def _run_here(self, account: str, ticket: str) -> None:
        self.here.append(ticket)
        self.run(ticket)

    def _tell_here(self, account: str, ticket: str) -> bool:
        self.told_here.append(ticket)
        return self.tells_here

    def _wake(self, account: str) -> None:
        self.wakes += 1


@pytest.fixture
def crew() -> Crew:
    return Crew()


Start = Callable[..., Dispatcher]
SetLimits = Callable[..., None]


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> SetLimits:
    """Set constants of the Dispatcher by their names."""

    def change(**values: int) -> None:
        for name, value in values.items():
            monkeypatch.setattr(dispatcher_module, name, value)

    return change


@pytest.fixture
def start(ledger: Ledger, crew: Crew) -> Iterator[Start]:
    """Start Dispatchers that are stopped with the test."""
    started = []

    def make(
        settings: Settings = QUICK, *, worker: str = "w:1", hold_ms: int = 0, on: Ledger = ledger
    ) -> Dispatcher:
        dispatcher = Dispatcher(
            on, settings, crew.desk(), worker=worker, hold_ms=hold_ms, leaving=crew.leaving
        )
        dispatcher.start()
        started.append(dispatcher)
        return dispatcher

    yield make
    for dispatcher in started:
        dispatcher.stop()
    for dispatcher in started:
        ledger.ask("LPUSH", key_of("default", "bell"), "1")  # whoever waits for it need wait no longer
        dispatcher._thread.join(30)
        assert not dispatcher._thread.is_alive()


def changed(**settings: Any) -> Settings:
    return QUICK.model_copy(update=settings)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time by which a Dispatcher judges a silence."""
    clock = Clock()
    monkeypatch.setattr(dispatcher_module, "monotonic_ms", clock)
    return clock


SELDOM: Final = changed(sweep_ms=20_000)
"""By itself a Dispatcher looks when a test that waits for less is long over."""
SOON_S: Final = 10


class Looks(FaultyLedger):
    """Count the looks of a Dispatcher."""

    def await_more(self, count: int = 3) -> None:
        before = self.ran.count("sweep")
        until(lambda: self.ran.count("sweep") >= before + count)


def test_what_is_due_gets_one_pump_however_often_is_looked(
    desk: Desk, crew: Crew, start: Start, ledger: Ledger
) -> None:
    looks = Looks(ledger)
    desk.enqueue("c-1")

    start(on=looks)

    looks.await_more(5)
    assert len(crew.pumps) == 1
    assert desk.status().pumps == 1


def test_two_dispatchers_start_no_more_pumps_than_are_wanted(
    desk: Desk, crew: Crew, start: Start, ledger: Ledger
) -> None:
    looks, others = Looks(ledger), Looks(ledger)
    start(changed(pumps=3), worker="w:1", on=looks)
    start(changed(pumps=3), worker="w:2", on=others)

    for i in range(8):
        desk.enqueue(f"c-{i}")

    looks.await_more()
    others.await_more()
    assert len(crew.pumps) == 2


def test_an_empty_ledger_starts_nothing(crew: Crew, start: Start, ledger: Ledger) -> None:
    looks = Looks(ledger)

    start(on=looks)

    looks.await_more()
    assert (crew.pumps, crew.tellers, crew.here, crew.wakes) == ([], [], [], 0)


def test_the_bell_is_heard_long_before_the_next_sweep(
    desk: Desk, crew: Crew, start: Start, ledger: Ledger, redis: Redis
) -> None:
    looks = Looks(ledger)
    looks.budget_ms = 2 * SELDOM.sweep_ms
    start(SELDOM, on=looks)
    until(lambda: "forget" in looks.ran and int(redis.info("clients")["blocked_clients"]) > 0)

    desk.enqueue("c-1")

    until(lambda: crew.pumps, within_s=SOON_S)
    assert crew.wakes == 1


def test_a_worker_that_was_told_to_end_gives_out_no_ticket_that_nobody_would_use(
    desk: Desk, crew: Crew, start: Start, ledger: Ledger, redis: Redis
) -> None:
    looks = Looks(ledger)
    looks.budget_ms = 2 * SELDOM.sweep_ms
    dispatcher = start(SELDOM, on=looks)
    until(lambda: "forget" in looks.ran and int(redis.info("clients")["blocked_clients"]) > 0)

    crew.leaving.set()
    desk.enqueue("c-1")

    until(lambda: not dispatcher._thread.is_alive(), within_s=SOON_S)
    assert looks.ran.count("sweep") == 1
    assert desk.status().pumps == 0


def test_a_retry_is_noticed_when_it_becomes_due_though_the_sweep_is_slow(
    desk: Desk, crew: Crew, start: Start, ledger: Ledger, redis: Redis
) -> None:
    desk.enqueue("c-1")
    redis.delete(key_of("default", "bell"))
    now = desk.status().now
    redis.zadd(key_of("default", "due"), {lane_of("c-1"): now + 300})
    looks = Looks(ledger)
    looks.budget_ms = 2 * SELDOM.sweep_ms

    start(SELDOM, on=looks)

    until(lambda: crew.pumps, within_s=SOON_S)
    assert desk.status().now >= now + 300


def test_a_long_wait_between_sweeps_costs_no_connection(start: Start, ledger: Ledger, redis: Redis) -> None:
    looks = Looks(ledger)
    looks.budget_ms = 2000
    start(SELDOM, on=looks)
    looks.await_more(1)
    before = redis.info("stats")["total_connections_received"]

    looks.await_more(2)

    assert redis.info("stats")["total_connections_received"] == before


@pytest.mark.parametrize("forged", ["a string", "a hash"])
def test_a_bell_of_another_type_is_taken_away_and_does_not_stop_the_sweep(
    desk: Desk, crew: Crew, start: Start, redis: Redis, forged: str
) -> None:
    bell = key_of("default", "bell")
    if forged == "a string":
        redis.set(bell, b"\xff")
    else:
        redis.hset(bell, "a", "b")
    desk.enqueue("c-1")

    start()

    until(lambda: crew.pumps)
    until(lambda: redis.type(bell) != forged.removeprefix("a ").encode())


def test_a_broker_that_takes_no_message_makes_the_dispatcher_run_the_pump_itself(
    desk: Desk, crew: Crew, start: Start
) -> None:
    crew.broken = True
    desk.enqueue("c-1")

    start()

    until(lambda: crew.here)
    assert desk.ledger.ask("ZSCORE", key_of("default", "pumps"), crew.here[0])


def test_a_worker_for_hooks_alone_runs_no_pump_itself_and_is_not_counted(
    desk: Desk, crew: Crew, start: Start, ledger: Ledger, limits: SetLimits
) -> None:
    limits(DEAF_MS=1)
    crew.broken = True
    looks = Looks(ledger)
    desk.enqueue("c-1")

    start(worker="", on=looks)

    looks.await_more(5)
    assert (crew.here, crew.gave_up) == ([], [])
    assert ledger.ask("ZCARD", key_of("default", "crew")) == 0


def test_hook_jobs_get_a_teller(desk: Desk, crew: Crew, start: Start, ledger: Ledger) -> None:
    looks = Looks(ledger)
    desk.enqueue("c-1", hook="told")
    deliver_all(desk)
    jobs: list[HookJob] = []

    def tell(ticket: str) -> None:
        # At once, for a job that has been due for a second gets one teller more at every look.
        claimed = ledger.run(hook_claim("token", QUICK, ticket=ticket))
        jobs.extend(claimed or [])

    crew.tell = tell

    start(on=looks)

    until(lambda: crew.tellers)
    looks.await_more()
    assert len(crew.tellers) == 1
    assert [job.what for job in jobs] == ["delivered"]


def test_a_broker_that_takes_no_message_makes_the_dispatcher_tell_here(
    desk: Desk, crew: Crew, start: Start
) -> None:
    desk.enqueue("c-1", hook="told")
    deliver_all(desk)
    desk.enqueue("c-2")
    crew.broken = True

    start()

    until(lambda: crew.here and crew.told_here)
    assert desk.ledger.ask("ZSCORE", key_of("default", "tellers"), crew.told_here[0])


def test_a_ticket_of_a_teller_that_can_run_nowhere_is_given_up_for_other_workers(
    desk: Desk, crew: Crew, start: Start, ledger: Ledger
) -> None:
    looks = Looks(ledger)
    desk.enqueue("c-1", hook="told")
    deliver_all(desk)
    crew.broken, crew.tells_here = True, False

    start(on=looks)

    until(lambda: len(set(crew.told_here)) >= 3)
    until(lambda: looks.ran.count("retire") >= 3)
    assert crew.tellers == []


def test_a_paused_account_gets_no_pump_and_no_one_gives_up(
    desk: Desk, crew: Crew, start: Start, ledger: Ledger, limits: SetLimits
) -> None:
    limits(DEAF_MS=1, QUIET_MS=1)
    looks = Looks(ledger)
    desk.ledger.run(pause())
    desk.enqueue("c-1")

    start(on=looks)

    looks.await_more(5)
    assert (crew.pumps, crew.here, crew.gave_up) == ([], [], [])


def test_when_every_message_is_lost_the_dispatcher_runs_a_pump_itself(
    desk: Desk, crew: Crew, clock: Clock, start: Start, ledger: Ledger
) -> None:
    looks = Looks(ledger)
    event_id = desk.enqueue("c-1")
    crew.run = lambda ticket: deliver_all(desk)
    start(on=looks)
    looks.await_more()

    clock.forward(QUIET_MS + 1)

    until(lambda: desk.state(event_id) == "delivered")
    assert len(crew.pumps) == 1
    assert crew.here == [""]


def test_a_worker_whose_pumps_never_start_gives_up(
    desk: Desk, crew: Crew, clock: Clock, start: Start, ledger: Ledger
) -> None:
    looks = Looks(ledger)
    desk.enqueue("c-1")
    start(on=looks)
    looks.await_more()

    clock.forward(QUIET_MS + 1)
    until(lambda: crew.here)
    clock.forward(DEAF_MS)

    until(lambda: crew.gave_up)
    assert "1 lanes are due" in crew.gave_up[0]
    assert set(crew.here) == {""}


def test_a_worker_that_runs_its_pumps_itself_does_not_give_up(
    desk: Desk, crew: Crew, start: Start, limits: SetLimits
) -> None:
    limits(DEAF_MS=150, QUIET_MS=10_000)
    crew.broken = True
    crew.run = lambda ticket: desk.ledger.run(retire(ticket))  # a pump that was let through by no pace
    desk.enqueue("c-1")

    start()

    until(lambda: len(crew.here) >= 10)
    assert crew.gave_up == []


def test_an_outage_of_redis_is_no_reason_to_give_up(
    desk: Desk, crew: Crew, clock: Clock, start: Start, ledger: Ledger
) -> None:
    looks = Looks(ledger)
    desk.enqueue("c-1")
    start(on=looks)
    looks.await_more()

    looks.before = lambda script: clock.forward(DEAF_MS + 1 if script in looks.to_refuse else 0)
    looks.to_refuse += ["sweep"] * 2
    until(lambda: not looks.to_refuse)
    looks.await_more()

    assert crew.gave_up == []


def test_a_worker_whose_pump_runs_does_not_give_up_though_lanes_stay_due(
    desk: Desk, crew: Crew, clock: Clock, start: Start, ledger: Ledger
) -> None:
    looks = Looks(ledger)
    for _ in range(3):
        desk.enqueue("c-1", "same")
    start(on=looks)
    until(lambda: crew.pumps)

    desk.ledger.run(claim([], QUICK, worker="w:1", ticket=crew.pumps[0]))
    looks.await_more()
    clock.forward(DEAF_MS + 1)

    looks.await_more()
    assert crew.gave_up == []


def test_a_ledger_that_is_away_is_looked_at_again(
    desk: Desk, crew: Crew, start: Start, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    looks = Looks(ledger)
    looks.to_refuse = ["sweep", "sweep"]
    desk.enqueue("c-1")

    start(on=looks)

    until(lambda: crew.pumps)
    assert caplog.text.count("ledger.unavailable") == 2


def test_a_fault_of_ours_does_not_end_the_dispatcher(
    desk: Desk, crew: Crew, start: Start, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    crew.broken = True
    tries = []

    def fail_once(ticket: str) -> None:
        tries.append(ticket)
        if len(tries) == 1:
            raise RuntimeError("a fault of ours")

    crew.run = fail_once
    desk.enqueue("c-1")
    start()
    until(lambda: "dispatcher.failed" in caplog.text)

    desk.ledger.ask("DEL", key_of("default", "pumps"))

    until(lambda: len(tries) > 1)


def test_hooks_that_hang_in_every_slot_end_the_worker_and_are_named(
    crew: Crew, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    crew.hanging = ["mail", "mail"]

    start(changed(tellers=2))

    until(lambda: crew.gave_up)
    assert crew.gave_up[0] == "2 completion hooks hang: mail"
    assert "hook.hanging" in caplog.text


def test_one_hook_that_hangs_is_told_of_once(
    crew: Crew, start: Start, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    looks = Looks(ledger)
    crew.hanging = ["mail"]

    start(changed(tellers=2), on=looks)

    looks.await_more(4)
    assert crew.gave_up == []
    assert caplog.text.count("hook.hanging") == 1


def test_retention_is_enforced_now_and_then(
    desk: Desk, crew: Crew, start: Start, ledger: Ledger, limits: SetLimits
) -> None:
    limits(FORGET_MS=100)
    looks = Looks(ledger)
    event_id = desk.enqueue("c-1")
    deliver_all(desk)
    long_ago = "d fingerprint 1 0 1000000000000 5"
    ledger.ask("HSET", key_of("default", "fate"), event_id, long_ago)

    start(on=looks)

    until(lambda: desk.status().sizes["fate"] == 0)
    until(lambda: looks.ran.count("forget") >= 3)


def test_a_redis_that_came_back_as_another_process_holds_the_account_where_it_may_have_lost_events(
    desk: Desk, crew: Crew, start: Start, ledger: Ledger, redis: Redis
) -> None:
    looks = Looks(ledger)
    desk.enqueue("c-1")
    redis.hset(key_of("default", "meta"), "run_id", "another")

    start(hold_ms=60_000, on=looks)

    looks.await_more()
    assert desk.status().gate["why"] == "restarted"
    assert crew.pumps == []


def test_a_stopped_dispatcher_looks_no_more(desk: Desk, crew: Crew, start: Start, ledger: Ledger) -> None:
    looks = Looks(ledger)
    dispatcher = start(on=looks)
    looks.await_more()

    dispatcher.stop()
    dispatcher.join()
    desk.enqueue("c-1")

    assert not dispatcher._thread.is_alive()
    assert crew.pumps == []


def deliver_all(desk: Desk) -> None:
    """Deliver what is due without a pump."""
    claimed = desk.ledger.run(claim(new_tokens(4), QUICK, worker="w:1"))
    calls = [_accepted(call) for call in claimed.calls]
    if calls:
        desk.ledger.run(settle(calls, QUICK))


def _accepted(call: ClaimedCall) -> SettledCall:
    events = tuple(SettledEvent(event_id=event.event_id, outcome=DELIVERED) for event in call.events)
    return SettledCall(lane=call.lane, token=call.token, verdict=Verdict.ACCEPTED, events=events)


# Alarms


def test_workers_together_tell_of_an_alarm_once_and_when_it_is_over(
    start: Start, limits: SetLimits, ledger: Ledger, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    limits(ALARMS_MS=20)
    caplog.set_level("INFO", logger="workers.dispatcher")
    redis.hset(key_of("default", "n"), "dead", 5)
    looks = [Looks(ledger), Looks(ledger)]

    for each in looks:
        start(changed(alarm_dead=5), on=each)

    until(lambda: "alarm.raised" in caplog.text)
    redis.hset(key_of("default", "n"), "dead", 4)
    until(lambda: "alarm.cleared" in caplog.text)
    for each in looks:
        each.await_more()
    assert (caplog.text.count("alarm.raised"), caplog.text.count("alarm.cleared")) == (1, 1)
    assert "alarm='dead' value=5 mark=5" in caplog.text


def test_without_marks_the_numbers_are_looked_at_once(
    desk: Desk, start: Start, limits: SetLimits, ledger: Ledger
) -> None:
    limits(ALARMS_MS=1)
    looks = Looks(ledger)

    start(on=looks)

    looks.await_more(5)
    assert looks.ran.count("alarm") == 1
