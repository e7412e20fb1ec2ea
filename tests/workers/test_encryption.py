"""What a worker does with events that are stored encrypted, and with those that it cannot open."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Flag
from typing import Any, Final

import pytest
from pydantic import SecretStr
from redis import Redis

from shipper import hooks
from shipper.hooks import completion_hook
from shipper.keyring import key_id_of
from shipper.ledger.audit import audit
from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger
from shipper.outcome import Reason
from shipper.settings import Settings
from tests.workers.desk import QUICK, Desk
from tests.workers.far_end import FarEnd, refused
from workers.completion import Counter, Teller
from workers.pump import Pump, Station
from workers.sky import ThreadSky
from workers.slots import Slots

A: Final = f"a:{'A' * 43}="
B: Final = f"b:{'B' * 42}A="
ANOTHER_A: Final = f"a:{'C' * 42}A="

Work = Callable[..., int]


def with_keys(keys: str, **given: Any) -> Settings:
    """Return settings with these keys, under which a locked lane is looked at again at once."""
    quick = {"pause_step_ms": 1, "pause_max_ms": 1, "sweep_ms": 50, "pump_ms": 50}
    return QUICK.model_copy(update={"encryption_keys": SecretStr(keys), **quick, **given})


@pytest.fixture
def settings() -> Settings:
    return with_keys(A)


@pytest.fixture
def pump(ledger: Ledger, far_end: FarEnd) -> Iterator[Work]:
    """Run a pump of a worker that has these keys, and return how many calls it made."""
    with ThreadPoolExecutor(16) as executor:

        def run(keys: str, **given: Any) -> int:
            station = Station(
                ledger=ledger,
                sky=ThreadSky(far_end.gameball, executor),
                settings=with_keys(keys, **given),
                worker="w:1",
                stopping=Flag(),
                slots=Slots(1000),
            )
            return Pump(station).run()

        yield run


@pytest.fixture
def tell(ledger: Ledger) -> Work:
    """Run a teller of a worker that has these keys, and return how many hooks it told."""

    def run(keys: str) -> int:
        return Teller(Counter(ledger=ledger, settings=with_keys(keys), stopping=Flag())).run()

    return run


@pytest.fixture(autouse=True)
def _no_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "_registry", {})


@pytest.fixture
def told(_no_hooks: None) -> list[Any]:
    """What the hook `noted` was called with."""
    found: list[Any] = []
    completion_hook("noted")(lambda response, error: found.append(response or error))
    return found


def stored_of(redis: Redis, name: str, *, hash_: str = "rec") -> bytes:
    stored = redis.hget(key_of("default", hash_), name)
    assert isinstance(stored, bytes)
    return stored


def spoil(redis: Redis, name: str, *, hash_: str = "rec") -> None:
    """Change the last byte of what is stored, as a hand or a disk might."""
    stored = stored_of(redis, name, hash_=hash_)
    redis.hset(key_of("default", hash_), name, stored[:-1] + bytes([stored[-1] ^ 1]))


def place(event_id: str) -> dict[str, str]:
    return {"account": "default", "event_id": event_id}


# It opens what it has the key of


def test_events_under_several_keys_and_none_leave_in_one_call_as_they_were_enqueued(
    ledger: Ledger, far_end: FarEnd, pump: Work
) -> None:
    for keys, name in (("", "plain"), (A, "first"), (B, "second")):
        Desk(ledger, with_keys(keys)).enqueue("c-1", name)

    pump(f"{A},{B}")

    assert far_end.bodies == [b'{"customerId":"c-1","events":{"plain":{},"first":{},"second":{}}}']


def test_a_hook_is_told_what_its_event_said(desk: Desk, pump: Work, tell: Work, told: list[Any]) -> None:
    event_id = desk.enqueue("c-1", hook="noted")

    pump(A)
    tell(A)

    assert [(each.event_id, each.customer_id, each.events) for each in told] == [
        (event_id, "c-1", {"write_review": {}})
    ]


# It lacks the key


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ("", "encrypted under key a, which is not among SHIPPER_ENCRYPTION_KEYS"),
        (B, "encrypted under key a, which is not among SHIPPER_ENCRYPTION_KEYS"),
        (ANOTHER_A, "encrypted under another key a than that of SHIPPER_ENCRYPTION_KEYS"),
    ],
    ids=["none", "another one", "another one of that id"],
)
def test_a_missing_key_holds_its_customer_back_and_costs_the_events_nothing(
    keys: str, why: str, desk: Desk, far_end: FarEnd, pump: Work
) -> None:
    first, second = desk.enqueue("c-1", "a"), desk.enqueue("c-1", "b")

    pump(keys)

    shown = desk.show(first)
    assert far_end.bodies == []
    assert desk.status().gate == {}
    assert (shown.state.value, shown.tried.charged, desk.state(second)) == ("waiting", 0, "waiting")
    assert [line["verdict"] for line in shown.history[:1]] == ["encryption_key"]
    assert with_keys(keys).keyring.open_text(shown.history[0]["answer"], **place(first)) == why


def test_two_hundred_locked_customers_hold_up_nobody_behind_them(
    ledger: Ledger, far_end: FarEnd, pump: Work
) -> None:
    locked, good = Desk(ledger, with_keys(B)), Desk(ledger, with_keys(A))
    ids = [locked.enqueue(f"locked-{number}") for number in range(200)]
    behind = good.enqueue("c-1", "visit")

    calls = pump(A, pause_step_ms=10_000, pause_max_ms=300_000, pump_ms=60_000)

    status, tried = good.status(), [good.show(event_id).tried for event_id in ids]
    assert far_end.events == [{"visit": {}}]
    assert good.state(behind) == "delivered"
    assert calls == 201
    assert status.gate == {}
    assert (status.counters["waiting"], status.sizes["due_now"]) == (200, 0)
    assert [(each.number, each.charged) for each in tried] == [(1, 0)] * 200


def test_events_that_nobody_can_open_all_wait_and_are_charged_nothing(
    desk: Desk, ledger: Ledger, far_end: FarEnd, pump: Work
) -> None:
    ids = [desk.enqueue(f"c-{number}") for number in range(20)]

    while min(desk.show(event_id).tried.number for event_id in ids) < 2:
        pump(B)

    shown = [desk.show(event_id) for event_id in ids]
    assert far_end.bodies == []
    assert {(each.state.value, each.tried.charged) for each in shown} == {("waiting", 0)}
    assert audit(ledger).findings == ()


def test_an_account_goes_on_by_itself_once_a_worker_has_the_key(
    desk: Desk, ledger: Ledger, far_end: FarEnd, pump: Work
) -> None:
    ids = [desk.enqueue("c-1", "visit", solo=True) for _ in range(3)]
    for _ in range(10):
        pump(B)

    while desk.count("delivered") < 3:
        pump(f"{B},{A}")

    fates = [desk.show(event_id).fate for event_id in ids]
    assert len(far_end.bodies) == 3
    assert [fate.state for fate in fates if fate] == ["delivered"] * 3
    assert desk.status().gate == {}
    assert desk.count("dead") == desk.count("causes") == desk.count("retried") == 0
    assert audit(ledger).findings == ()


def test_a_hook_whose_event_cannot_be_opened_waits_and_no_try_of_it_is_spent(
    desk: Desk, redis: Redis, pump: Work, tell: Work, told: list[Any]
) -> None:
    desk.enqueue("c-1", hook="noted")
    pump(A)

    for _ in range(2 * QUICK.hook_tries):
        assert tell(B) == 0
    assert redis.hgetall(key_of("default", "hl")) == {}
    while not told:
        tell(A)

    assert desk.count("hooks_told") == 1
    assert desk.count("hooks_failed") == 0


# What is stored was changed


def test_a_changed_event_is_a_dead_letter_and_those_behind_it_go_on(
    desk: Desk, redis: Redis, ledger: Ledger, far_end: FarEnd, pump: Work
) -> None:
    ids = [desk.enqueue("c-1", name) for name in ("a", "b", "c")]
    spoil(redis, ids[1])

    while desk.count("waiting"):
        pump(A)

    dead = desk.show(ids[1])
    assert (dead.state.value, dead.tried.reason) == ("dead", Reason.UNREADABLE)
    assert [line["outcome"] for line in dead.history] == ["solo", "dead: unreadable"]
    assert far_end.events == [{"a": {}}, {"c": {}}]
    assert desk.status().gate == {}
    assert audit(ledger).findings == ()


def test_an_event_that_was_moved_to_another_ones_place_is_not_sent_as_that_one(
    desk: Desk, redis: Redis, far_end: FarEnd, pump: Work
) -> None:
    cheap, dear = desk.enqueue("c-1", "cheap"), desk.enqueue("c-2", "dear")
    own, _, _ = stored_of(redis, cheap).partition(b"\0")
    _, _, body = stored_of(redis, dear).partition(b"\0")
    redis.hset(key_of("default", "rec"), cheap, own + b"\0" + body)

    while desk.count("waiting"):
        pump(A)

    assert far_end.events == [{"dear": {}}]
    assert desk.state(cheap) == "dead"


def test_a_hook_whose_event_was_changed_is_listed(
    desk: Desk, redis: Redis, pump: Work, tell: Work, told: list[Any]
) -> None:
    event_id = desk.enqueue("c-1", hook="noted")
    pump(A)
    spoil(redis, f"{event_id}:0", hash_="hj")

    while not desk.count("hooks_failed"):
        tell(A)

    assert told == []


# What is told about an event


def test_texts_that_may_quote_the_customer_are_stored_encrypted_too(
    desk: Desk, redis: Redis, far_end: FarEnd, pump: Work, tell: Work
) -> None:
    completion_hook("raises")(lambda response, error: json.loads("canary-of-the-app"))
    far_end.answer = lambda _: refused(3009)
    event_id = desk.enqueue("c-1", hook="raises")

    pump(A)
    tell(A)

    (line,) = desk.show(event_id).history
    job = stored_of(redis, f"{event_id}:0", hash_="hl")
    _, _, error = job.decode().split(" ", 2)
    where, keyring = place(event_id), desk.settings.keyring
    assert "no such event" not in line["answer"]
    assert "no such event" in keyring.open_text(line["answer"], **where)
    assert keyring.open_text(error, **where).startswith("JSONDecodeError")
    assert key_id_of(desk.show(event_id).record.body) == "a"  # type: ignore[union-attr]
