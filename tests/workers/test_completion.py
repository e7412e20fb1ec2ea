"""The teller on a real ledger, with hooks that do as told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from threading import Event as Flag
from threading import Thread
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from redis import Redis

from shipper import alarm as alarm_module
from shipper import hooks
from shipper.alarm import Alarm, alarm_hook
from shipper.ending import Delivery
from shipper.envelope import lane_of
from shipper.errors import (
    AgedError,
    CrashedError,
    DeliveryError,
    DiscardedError,
    RefusedError,
    SpentError,
    UnclearError,
)
from shipper.hooks import completion_hook
from shipper.ledger.failed_hooks import failed_hooks, failed_jobs_of
from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import (
    SettledCall,
    SettledEvent,
    alarm,
    claim,
    discard,
    hook_claim,
    hook_settle,
    settle,
    sweep,
)
from shipper.ledger.record import Attempt, write_attempt
from shipper.outcome import DELIVERED, UNCLEAR, Dead, Outcome, Reason, Verdict
from shipper.settings import Settings
from tests.support.waiting import until
from tests.workers.clock import Clock
from tests.workers.desk import QUICK, Desk
from tests.workers.faulty import FaultyLedger
from workers import completion as completion_module
from workers.completion import Counter, Teller
from workers.pump import new_tokens

Call = tuple[Any, Any]


@pytest.fixture
def counter(ledger: Ledger, settings: Settings) -> Counter:
    return Counter(ledger=ledger, settings=settings, stopping=Flag())


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """What the hook `noted` was called with."""
    monkeypatch.setattr(hooks, "_registry", {})
    found: list[Call] = []
    completion_hook("noted")(lambda response, error: found.append((response, error)))
    return found


def hook(name: str, does: Callable[[], object]) -> None:
    """Register a hook that does something, whatever it is told."""
    completion_hook(name)(lambda response, error: does())


def raising(error: BaseException) -> Callable[[], object]:
    def fail() -> None:
        raise error

    return fail


def end(desk: Desk, outcome: Outcome, verdict: Verdict, **attempt: Any) -> None:
    """End every event that is due with one outcome."""
    claimed = desk.ledger.run(claim(new_tokens(10), QUICK, worker="w:1"))
    for call in claimed.calls:
        events = tuple(
            SettledEvent(
                event_id=event.event_id,
                outcome=outcome,
                code=attempt.get("code"),
                line=write_attempt(
                    Attempt(at=1, number=event.number, worker="w", verdict=verdict, outcome="x", **attempt)
                ),
            )
            for event in call.events
        )
        settled = SettledCall(lane=call.lane, token=call.token, verdict=verdict, events=events)
        desk.ledger.run(settle([settled], QUICK))


def last_words(redis: Redis, event_id: str) -> str:
    """Return tries, holder and last error of the job of an event's first life."""
    stored = redis.hget(key_of("default", "hl"), f"{event_id}:0")
    assert isinstance(stored, bytes)
    return stored.decode()


# What a hook is told


def test_a_delivered_event_is_told_with_a_response_and_no_error(
    desk: Desk, counter: Counter, calls: list[Call]
) -> None:
    event_id = desk.enqueue("c-1", "a", "b", hook="noted")
    end(desk, DELIVERED, Verdict.ACCEPTED, status=202, request_id="req-1")

    told = Teller(counter).run()

    expected = Delivery(
        event_id=event_id,
        customer_id="c-1",
        events={"a": {}, "b": {}},
        attempts=1,
        status=202,
        request_id="req-1",
    )
    assert told == 1
    assert calls == [(expected, None)]
    assert bool(expected)
    assert desk.status().sizes["hooks"] == 0
    assert desk.count("hooks_told") == 1


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (Dead(reason=Reason.REFUSED), RefusedError),
        (Dead(reason=Reason.VAGUE), RefusedError),
        (Dead(reason=Reason.SPENT), SpentError),
        (Dead(reason=Reason.AGED), AgedError),
        (UNCLEAR, UnclearError),
    ],
    ids=lambda value: getattr(value, "__name__", None) or str(value),
)
def test_a_failed_event_is_told_with_a_typed_error_and_no_response(
    desk: Desk, counter: Counter, calls: list[Call], outcome: Outcome, kind: type[DeliveryError]
) -> None:
    event_id = desk.enqueue("c-1", hook="noted", on_unclear="park")
    end(desk, outcome, Verdict.PERMANENT, status=422, code=3009, request_id="req-1")

    Teller(counter).run()

    ((response, error),) = calls
    assert response is None
    assert type(error) is kind
    assert (error.event_id, error.customer_id, error.events) == (event_id, "c-1", {"write_review": {}})
    assert (error.attempts, error.status, error.code, error.request_id) == (1, 422, 3009, "req-1")


def test_an_event_whose_workers_died_is_told_as_crashed(
    desk: Desk, counter: Counter, calls: list[Call], redis: Redis
) -> None:
    desk.enqueue("c-1", hook="noted")
    for _ in range(3):
        desk.ledger.run(claim(new_tokens(1), QUICK, worker="w:1"))
        redis.zadd(key_of("default", "lease"), {lane_of("c-1"): 1})
        desk.ledger.run(sweep(QUICK, backoff_ms=0))

    Teller(counter).run()

    ((response, error),) = calls
    assert (response, type(error), error.attempts, error.status) == (None, CrashedError, 3, None)


def test_an_event_that_was_discarded_while_it_waited_is_told_as_discarded(
    desk: Desk, counter: Counter, calls: list[Call]
) -> None:
    event_id = desk.enqueue("c-1", hook="noted")
    desk.ledger.run(discard([event_id], waiting=[event_id]))

    Teller(counter).run()

    ((response, error),) = calls
    assert (response, type(error), error.attempts) == (None, DiscardedError, 0)


def test_a_teller_tells_all_that_is_due(desk: Desk, counter: Counter, calls: list[Call]) -> None:
    ids = [desk.enqueue(f"c-{i}", hook="noted") for i in range(7)]
    end(desk, DELIVERED, Verdict.ACCEPTED)

    told = Teller(counter).run()

    assert told == 7
    assert {response.event_id for response, _ in calls} == set(ids)


# What goes wrong


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize(
    "error", [RuntimeError("no mail today"), SystemExit(3), ValueError("x" * 600)], ids=type
)
def test_a_hook_that_raises_is_told_again(
    desk: Desk, counter: Counter, redis: Redis, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completion_module, "backoff_ms", lambda *args, **kwargs: 60_000)
    hook("fails", raising(error))
    event_id = desk.enqueue("c-1", hook="fails")
    end(desk, DELIVERED, Verdict.ACCEPTED)

    told = Teller(counter).run()

    assert told == 0
    assert last_words(redis, event_id) == f"1 - {type(error).__name__}: {error}"[:504]
    assert desk.status().sizes["hooks"] == 1
    assert desk.state(event_id) == "delivered"


class SilentError(Exception):
    def __str__(self) -> str:
        raise ValueError("a@b.co")


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize(("meanwhile", "settled"), [("", "ok"), ("told", "gone")])
def test_a_worker_says_whether_it_was_the_one_that_told_a_hook(
    desk: Desk, counter: Counter, caplog: pytest.LogCaptureFixture, meanwhile: str, settled: str
) -> None:
    caplog.set_level(logging.INFO)
    job = f"{desk.enqueue('c-1', hook='slow')}:0"
    end(desk, DELIVERED, Verdict.ACCEPTED)
    hook("slow", lambda: meanwhile and desk.ledger.run(hook_settle(job, "another's", "told")))

    Teller(counter).run()

    facts = [getattr(record, "shipper_fields", {}) for record in caplog.records]
    assert [fact["settled"] for fact in facts if fact.get("event") == "hook.told"] == [settled]


@pytest.mark.usefixtures("calls")
def test_a_hook_whose_error_cannot_even_be_told_is_told_again(
    desk: Desk, counter: Counter, redis: Redis
) -> None:
    hook("fails", raising(SilentError()))
    event_id = desk.enqueue("c-1", hook="fails")
    end(desk, DELIVERED, Verdict.ACCEPTED)

    Teller(counter).run()

    assert last_words(redis, event_id).endswith(" - SilentError")


@pytest.mark.usefixtures("calls")
def test_a_hook_whose_error_holds_half_a_character_is_told_again(
    desk: Desk, counter: Counter, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completion_module, "backoff_ms", lambda *args, **kwargs: 60_000)
    hook("fails", raising(OSError("no such file: caf\udce9")))
    event_id = desk.enqueue("c-1", hook="fails")
    end(desk, DELIVERED, Verdict.ACCEPTED)

    told = Teller(counter).run()

    assert told == 0
    assert last_words(redis, event_id) == "1 - OSError: no such file: caf?"
    assert desk.status().sizes["hooks"] == 1


def test_a_hook_that_keeps_failing_is_listed_after_its_last_try_and_its_words_are_in_no_log(
    desk: Desk, counter: Counter, calls: list[Call], redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[int] = []

    def fail() -> None:
        tries.append(1)
        raise RuntimeError("canary@example.com")

    hook("fails", fail)
    event_id = desk.enqueue("c-1", hook="fails")
    end(desk, DELIVERED, Verdict.ACCEPTED)
    thrice = replace(counter, settings=QUICK.model_copy(update={"hook_tries": 3}))

    until(lambda: Teller(thrice).run() or desk.count("hooks_failed"))

    assert len(tries) == 3
    assert last_words(redis, event_id) == "3 - RuntimeError: canary@example.com"
    assert (desk.status().sizes["hooks"], desk.status().sizes["hooks_failed"]) == (0, 1)
    assert "hook.failed" in caplog.text
    assert "canary" not in caplog.text


def test_a_name_that_no_hook_has_is_tried_like_a_failure(
    desk: Desk, counter: Counter, calls: list[Call], redis: Redis
) -> None:
    event_id = desk.enqueue("c-1", hook="os.abort")
    end(desk, DELIVERED, Verdict.ACCEPTED)

    Teller(replace(counter, settings=QUICK.model_copy(update={"hook_tries": 1}))).run()

    assert last_words(redis, event_id) == (
        "1 - no completion_hook is named os.abort: add its module to SHIPPER_HOOKS"
    )
    assert desk.status().sizes["hooks_failed"] == 1


def test_an_event_that_cannot_be_read_is_listed_with_its_hook_untold(
    desk: Desk, counter: Counter, calls: list[Call], redis: Redis
) -> None:
    event_id = desk.enqueue("c-1", hook="noted")
    end(desk, DELIVERED, Verdict.ACCEPTED)
    redis.hset(key_of("default", "hj"), f"{event_id}:0", b"delivered 1 5\n\n9|of a later version")

    Teller(replace(counter, settings=QUICK.model_copy(update={"hook_tries": 1}))).run()

    assert calls == []
    assert last_words(redis, event_id) == "1 - its event cannot be read"


def test_a_hook_that_ended_its_process_at_every_try_is_listed_and_not_called_again(
    desk: Desk, counter: Counter, calls: list[Call], redis: Redis
) -> None:
    event_id = desk.enqueue("c-1", hook="noted")
    end(desk, DELIVERED, Verdict.ACCEPTED)
    twice = QUICK.model_copy(update={"hook_tries": 2})
    for token in ("died-1", "died-2"):
        desk.ledger.run(hook_claim(token, twice))
        redis.zadd(key_of("default", "hooks"), {f"{event_id}:0": 1})

    Teller(replace(counter, settings=twice)).run()

    assert calls == []
    assert last_words(redis, event_id) == "3 - its process ended, or was cut off, during each try"
    assert desk.status().sizes["hooks_failed"] == 1


def test_a_ledger_that_is_away_ends_the_teller(desk: Desk, counter: Counter, calls: list[Call]) -> None:
    desk.enqueue("c-1", hook="noted")
    end(desk, DELIVERED, Verdict.ACCEPTED)
    faulty = FaultyLedger(counter.ledger)
    faulty.to_refuse = ["hook_claim"]

    told = Teller(replace(counter, ledger=faulty)).run()

    assert told == 0
    assert faulty.ran == ["hook_claim"]
    assert desk.status().sizes["hooks"] == 1


@pytest.fixture
def faulty(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> FaultyLedger:
    """The ledger of `counter`; a teller hardly waits before it asks again."""
    monkeypatch.setattr(completion_module, "SETTLE_AGAIN_MS", 1)
    return FaultyLedger(counter.ledger)


@pytest.mark.parametrize("fault", ["to_refuse", "to_lose"])
def test_a_hook_that_ran_is_settled_again_until_the_ledger_has_it_and_told_once(
    desk: Desk, counter: Counter, calls: list[Call], faulty: FaultyLedger, fault: str
) -> None:
    desk.enqueue("c-1", hook="noted")
    end(desk, DELIVERED, Verdict.ACCEPTED)
    setattr(faulty, fault, ["hook_settle"] * 3)

    told = Teller(replace(counter, ledger=faulty)).run()

    assert (told, len(calls)) == (1, 1)
    assert faulty.ran.count("hook_settle") == 4
    assert (desk.status().sizes["hooks"], desk.count("hooks_told")) == (0, 1)


def test_a_stopping_teller_still_settles_what_it_told_though_the_ledger_is_away(
    desk: Desk, counter: Counter, calls: list[Call], faulty: FaultyLedger
) -> None:
    hook("stops", counter.stopping.set)
    desk.enqueue("c-1", hook="stops")
    end(desk, DELIVERED, Verdict.ACCEPTED)
    faulty.to_refuse = ["hook_settle"] * 3

    told = Teller(replace(counter, ledger=faulty)).run()

    assert (told, desk.count("hooks_told")) == (1, 1)


@pytest.mark.usefixtures("calls")
def test_a_hook_that_raised_is_settled_again_too(
    desk: Desk, counter: Counter, redis: Redis, faulty: FaultyLedger
) -> None:
    hook("fails", raising(RuntimeError("no mail today")))
    event_id = desk.enqueue("c-1", hook="fails")
    end(desk, DELIVERED, Verdict.ACCEPTED)
    faulty.to_refuse = ["hook_settle"] * 3
    once = counter.settings.model_copy(update={"hook_tries": 1})

    Teller(replace(counter, ledger=faulty, settings=once)).run()

    assert last_words(redis, event_id) == "1 - RuntimeError: no mail today"
    assert desk.status().sizes["hooks_failed"] == 1


def test_how_a_hook_went_is_given_up_when_the_lease_of_its_job_is_over(
    desk: Desk, counter: Counter, calls: list[Call], faulty: FaultyLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(completion_module, "monotonic_ms", clock)
    third_of_lease = 2 * counter.settings.hook_timeout_ms // 3
    faulty.before = lambda script: clock.forward(third_of_lease if script == "hook_settle" else 0)
    desk.enqueue("c-1", hook="noted")
    end(desk, DELIVERED, Verdict.ACCEPTED)
    faulty.to_refuse = ["hook_settle"] * 1000

    told = Teller(replace(counter, ledger=faulty)).run()

    assert told == 0
    assert faulty.ran == ["hook_claim"] + ["hook_settle"] * 3
    assert desk.status().sizes["hooks"] == 1


def test_the_soft_limit_that_comes_when_the_hook_has_run_does_not_keep_it_from_being_settled(
    desk: Desk, counter: Counter, calls: list[Call], faulty: FaultyLedger
) -> None:
    limits: list[BaseException] = [SoftTimeLimitExceeded()]

    def cut_in(script: str) -> None:
        if limits and faulty.ran.count("hook_settle") == 2:
            raise limits.pop()

    faulty.before = cut_in
    desk.enqueue("c-1", hook="noted")
    end(desk, DELIVERED, Verdict.ACCEPTED)
    faulty.to_refuse = ["hook_settle"] * 3

    told = Teller(replace(counter, ledger=faulty)).run()

    assert (told, len(calls), desk.count("hooks_told")) == (1, 1, 1)
    assert limits == []


# When it ends


def test_a_stopping_teller_ends_after_the_hook_that_it_tells(
    desk: Desk, counter: Counter, calls: list[Call]
) -> None:
    hook("stops", counter.stopping.set)
    for i in range(5):
        desk.enqueue(f"c-{i}", hook="stops")
    end(desk, DELIVERED, Verdict.ACCEPTED)

    told = Teller(counter).run()

    assert told == 1
    assert desk.status().sizes["hooks"] == 4


def test_a_teller_whose_time_is_up_leaves_the_rest_to_the_next(
    desk: Desk, counter: Counter, calls: list[Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(completion_module, "monotonic_ms", clock)
    hook("slow", lambda: clock.forward(completion_module.TELL_MS))
    for i in range(3):
        desk.enqueue(f"c-{i}", hook="slow")
    end(desk, DELIVERED, Verdict.ACCEPTED)

    assert Teller(counter).run() == 1


def test_a_teller_gives_its_ticket_up_and_one_whose_ticket_ran_out_tells_nothing(
    desk: Desk, counter: Counter, calls: list[Call]
) -> None:
    desk.enqueue("c-1", hook="noted")
    end(desk, DELIVERED, Verdict.ACCEPTED)
    (ticket,) = new_tokens(1)
    desk.ledger.run(sweep(QUICK, teller_tickets=[ticket], most_tellers=1))

    late = Teller(counter, ticket="A" * 16).run()
    told = Teller(counter, ticket=ticket).run()

    assert (late, told) == (0, 1)
    assert desk.status().sizes["tellers"] == 0


def test_a_hook_that_hangs_is_seen_while_it_does(desk: Desk, counter: Counter, calls: list[Call]) -> None:
    may_end = Flag()
    hook("hangs", lambda: may_end.wait(30))
    desk.enqueue("c-1", hook="hangs")
    end(desk, DELIVERED, Verdict.ACCEPTED)
    thread = Thread(target=Teller(counter).run)

    thread.start()

    until(lambda: [name for name, _ in list(counter.telling.values())] == ["hangs"])
    may_end.set()
    thread.join(30)
    assert counter.telling == {}


@pytest.fixture(autouse=True)
def _no_hooks_left() -> Iterator[None]:
    before = dict(hooks._registry)
    yield
    assert hooks._registry == before


# Alarms


@pytest.fixture
def alarmed(ledger: Ledger, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[Alarm]:
    """What alarm hooks are told of an unclear event; the job is there, and a hook that notes it."""
    monkeypatch.setattr(alarm_module, "_hooks", {})
    heard: list[Alarm] = []
    alarm_hook(heard.append)
    ledger.run(alarm({"dead": 7}, {"dead": 5}, {"dead"}, held=False, seen_at=1))
    return heard


def test_an_alarm_hook_is_told_once_what_was_passed(
    alarmed: list[Alarm], counter: Counter, desk: Desk
) -> None:
    told = Teller(counter).run()

    assert told == 1
    assert [(a.account, a.name, a.raised, a.value, a.mark) for a in alarmed] == [
        ("default", "dead", True, 7, 5)
    ]
    assert Teller(counter).run() == 0


def test_an_alarm_hook_that_raises_is_told_again_and_then_listed(
    alarmed: list[Alarm], counter: Counter, ledger: Ledger
) -> None:
    def broken(_alarm: Alarm) -> None:
        raise RuntimeError("the pager is away")

    alarm_hook(broken)
    once = replace(counter, settings=counter.settings.model_copy(update={"hook_tries": 1}))

    Teller(once).run()

    (failed,) = failed_hooks(ledger)
    assert failed.job.event_id.startswith("alarm-dead-")
    assert failed_jobs_of(ledger, failed.job.event_id) == [failed.job.job]
    assert "broken: RuntimeError: the pager is away" in failed.error
    assert len(alarmed) == 1


def test_an_alarm_that_nobody_wants_to_hear_is_told_to_nobody(
    alarmed: list[Alarm], counter: Counter, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm_module, "_hooks", {})

    told = Teller(counter).run()

    assert (told, list(failed_hooks(ledger))) == (1, [])
