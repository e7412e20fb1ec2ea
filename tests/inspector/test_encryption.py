"""What an operator sees of events that are stored encrypted, with and without their key."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any, Final

import pytest
from redis import Redis

from shipper.envelope import seal
from shipper.inspector import Filter, Inspector
from shipper.ledger.audit import audit
from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import (
    SettledCall,
    SettledEvent,
    claim,
    enqueue,
    hook_claim,
    hook_settle,
    settle,
)
from shipper.ledger.record import Attempt, write_attempt
from shipper.outcome import Dead, Reason, Verdict
from shipper.settings import Settings
from tests.support.servers import RedisServer

A: Final = f"a:{'A' * 43}="
B: Final = f"b:{'B' * 42}A="
EVENT: Final = {"customerId": "c-42", "email": "ann@example.com", "events": {"visit": {"n": 1}}}

Bury = Callable[[str], str]


@pytest.fixture
def server(redis7: RedisServer) -> RedisServer:
    return redis7


def with_keys(keys: str) -> Settings:
    return Settings(encryption_keys=keys, refusal_burst=0)


@pytest.fixture
def bury(ledger: Ledger) -> Bury:
    """Enqueue under the first of these keys, let Gameball refuse it, and give its hook up; return its id."""

    tokens = (f"t{number}" for number in count())

    def run(keys: str) -> str:
        settings, token = with_keys(keys), next(tokens)
        (accepted,) = ledger.run(enqueue([seal(EVENT, settings=settings, hook="told")], settings))
        (call,) = ledger.run(claim([token], settings, worker="w")).calls
        place: dict[str, Any] = {"account": "default", "event_id": accepted.event_id}
        hide = partial(settings.keyring.encrypt_text, **place)
        attempt = Attempt(
            at=1, number=1, worker="w", verdict="permanent", outcome="x", answer="no ann@example.com"
        )
        dead = SettledEvent(
            event_id=accepted.event_id,
            outcome=Dead(reason=Reason.REFUSED),
            code=3009,
            line=write_attempt(attempt, hide=hide),
        )
        buried = SettledCall(lane=call.lane, token=token, verdict=Verdict.PERMANENT, events=(dead,))
        ledger.run(settle([buried], settings))
        job = f"{accepted.event_id}:0"
        ledger.run(hook_claim("h", settings))
        ledger.run(hook_settle(job, "h", "failed", error="no thanks to ann@example.com", hide=hide))
        return accepted.event_id

    return run


def test_who_has_the_key_sees_an_event_as_if_it_were_plain(ledger: Ledger, bury: Bury) -> None:
    event_id = bury(A)
    inspector = Inspector(ledger, with_keys(f"{B},{A}"))

    seen, whole = inspector.event(event_id), inspector.event(event_id, unmasked=True)
    (letter,), (group,) = (
        inspector.letters.page(Filter(), limit=10).letters,
        inspector.letters.reasons().groups,
    )
    (hook,) = inspector.hooks.failed()

    assert (seen.customer_id, seen.events, seen.email) == ("c-42", {"visit": {"n": 1}}, "a***@***")
    assert (whole.email, whole.timeline[1].answer) == ("ann@example.com", "no ann@example.com")
    assert (letter.customer_id, letter.event_names, group.event_name) == ("c-42", ("visit",), "visit")
    assert (hook.customer_id, hook.error) == ("c-42", "no thanks to ***")
    assert seen.unopened is letter.unopened is hook.unopened is None


def test_who_lacks_the_key_sees_which_one_it_is_and_all_that_is_not_encrypted(
    ledger: Ledger, bury: Bury
) -> None:
    event_id, why = bury(A), "encrypted under key a, which is not among SHIPPER_ENCRYPTION_KEYS"
    inspector = Inspector(ledger, with_keys(B))

    seen = inspector.event(event_id, unmasked=True)
    (letter,), (group,) = (
        inspector.letters.page(Filter(), limit=10).letters,
        inspector.letters.reasons().groups,
    )
    (hook,) = inspector.hooks.failed()

    assert (seen.customer_id, seen.events, seen.email) == (None, {}, None)
    assert (seen.state.value, seen.reason, seen.code, seen.hook) == ("dead", "refused", 3009, "told")
    assert (seen.unopened, letter.unopened, hook.unopened) == (why, why, why)
    assert (seen.timeline[1].answer, hook.error) == (f"({why})", f"({why})")
    assert group.event_name is None


def test_a_letter_is_found_by_what_it_says_without_its_key(ledger: Ledger, bury: Bury) -> None:
    event_id = bury(A)

    found = Inspector(ledger, with_keys("")).letters.page(
        Filter(customer_id="c-42", event_name="visit"), limit=10
    )

    assert [letter.event_id for letter in found.letters] == [event_id]


def test_a_customer_is_erased_without_the_key(ledger: Ledger, bury: Bury, redis: Redis) -> None:
    bury(A)

    erased = Inspector(ledger, with_keys("")).expunge("c-42")

    assert (erased.expunged, erased.left) == (1, 0)
    assert redis.hlen(key_of("default", "rec")) == redis.hlen(key_of("default", "hj")) == 0
    assert audit(ledger).findings == ()


# The doctor


def doctor(ledger: Ledger, keys: str) -> tuple[str, str]:
    check = Inspector(ledger, with_keys(keys)).encryption_check()
    assert check.about == "encryption default"
    return check.result, check.told


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("", "off; nothing is stored"),
        (A, "on, under key a; nothing is stored"),
        (f"{A},{B}", "on, under key a; opens b too; nothing is stored"),
    ],
    ids=["off", "one key", "two keys"],
)
def test_a_doctor_tells_whether_it_is_switched_on(keys: str, told: str, ledger: Ledger) -> None:
    assert doctor(ledger, keys) == ("ok", told)


def test_a_doctor_counts_under_which_keys_events_and_hook_jobs_are(ledger: Ledger, bury: Bury) -> None:
    for keys in (A, A, B, ""):
        bury(keys)

    found = doctor(ledger, f"{B},{A}")

    assert found == (
        "ok",
        "on, under key b; opens a too; 8 stored: 2 not encrypted, 4 under a, 2 under b",
    )


def test_a_doctor_names_a_key_that_is_missing_and_an_event_that_needs_it(ledger: Ledger, bury: Bury) -> None:
    event_id = bury(A)

    result, told = doctor(ledger, B)

    assert result == "failed"
    assert told == (
        f"2 stored event(s) encrypted under key a, which is not among SHIPPER_ENCRYPTION_KEYS, as {event_id}"
    )


def test_a_doctor_warns_of_an_event_that_was_changed(ledger: Ledger, bury: Bury, redis: Redis) -> None:
    event_id = bury(A)
    stored = redis.hget(key_of("default", "rec"), event_id)
    assert isinstance(stored, bytes)
    redis.hset(key_of("default", "rec"), event_id, stored[:-1] + bytes([stored[-1] ^ 1]))

    result, told = doctor(ledger, A)

    assert result == "warning"
    assert told == (
        f"1 stored event(s) changed since it was encrypted under key a: its tag does not fit, as {event_id}"
    )
