"""Canaries: after a journey with every trouble, keys and what customers said are only where they belong."""

from __future__ import annotations

import fcntl
import json
import os
import pickle
import re
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

import pytest

import shipper
from shipper import errors
from shipper.client import Client
from shipper.ending import Delivery
from shipper.envelope import seal
from shipper.errors import DeliveryError, Problem, ShipperError
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import ClaimedCall, ClaimedEvent, enqueue
from shipper.ledger.pool import make_pool
from shipper.ledger.record import Tried, read_job, read_record
from shipper.settings import Settings
from tests.faults.trail import CUSTOMER, EMAIL, MOBILE, PERSONAL, SECRETS, TEXT, Journey, Trail
from tests.support.programs import find_redis
from tests.support.servers import RedisServer
from workers.gameball import Gameball
from workers.settings import load_accounts

BELONG: Final = ("rec", "why", "hj", "hl")
"""Records, histories with Gameball's answers, hook jobs, and what hooks raised."""
CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture(scope="module")
def trail(tmp_path_factory: pytest.TempPathFactory) -> Trail:
    """The one journey, which processes of pytest-xdist share: it takes longer than all searches."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None:
        return walk(tmp_path_factory)
    kept = tmp_path_factory.getbasetemp().parent / f"trail-{run}"
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_bytes(pickle.dumps(walk(tmp_path_factory)))
        found: Trail = pickle.loads(kept.read_bytes())  # noqa: S301 - written above
        return found


def walk(tmp_path_factory: pytest.TempPathFactory) -> Trail:
    """Make the journey on a server of its own."""
    program = find_redis()
    if program is None:
        pytest.skip("no redis-server")
    server = RedisServer(
        program,
        tmp_path_factory.mktemp("redis"),
        {"appendonly": "yes", "appendfsync": "always"},
        password=SECRETS["Redis password"],
    )
    server.start()
    with ExitStack() as stack:
        stack.callback(server.kill)
        return Journey(server, tmp_path_factory.mktemp("trail"), stack).make()


def places_with(canary: str, places: Any) -> list[str]:
    return [name for name, content in places if canary.encode() in content]


@pytest.mark.parametrize("what", SECRETS)
def test_a_secret_is_in_no_log_output_key_value_file_or_title(trail: Trail, what: str) -> None:
    assert places_with(SECRETS[what], trail.everything()) == []


def test_the_keys_did_travel_and_the_events_did_arrive(trail: Trail) -> None:
    assert SECRETS["API key"].encode() in trail.heads
    assert SECRETS["secret key"].encode() in trail.heads
    assert all(canary.encode() in trail.bodies for canary in PERSONAL.values())
    assert any(TEXT.encode() in content for content in trail.files.values())
    # Whoever it was: a worker with a wrong broker has a pump all the same, and may take every event.
    for fact in ("delivery.settled", "lease.expired", "hook.failed"):
        assert any(fact in text for text in trail.logs.values())


@pytest.mark.parametrize("what", PERSONAL)
def test_what_a_customer_said_is_in_no_log(trail: Trail, what: str) -> None:
    assert [name for name, text in trail.logs.items() if PERSONAL[what] in text] == []


@pytest.mark.parametrize("what", PERSONAL)
def test_what_a_customer_said_is_in_no_name_of_a_key(trail: Trail, what: str) -> None:
    assert [name for name in trail.names if PERSONAL[what] in name] == []


@pytest.mark.parametrize("what", PERSONAL)
def test_what_a_customer_said_is_in_redis_where_it_belongs_alone(trail: Trail, what: str) -> None:
    found = {
        name.rpartition(":")[2] for name, value in trail.values.items() if PERSONAL[what].encode() in value
    }

    assert found <= set(BELONG)
    assert {"rec", "hj"} <= found


@pytest.mark.parametrize("what", ["email", "mobile"])
def test_email_and_mobile_are_masked_unless_asked_for(trail: Trail, what: str) -> None:
    assert [name for name, text in trail.outputs.items() if PERSONAL[what] in text] == []
    assert all(PERSONAL[what] in text for text in trail.unmasked.values())


def test_metadata_is_shown_of_one_event_alone_and_in_no_list(trail: Trail) -> None:
    shown = [name for name, text in trail.outputs.items() if TEXT in text and TEXT not in name]

    of_one = re.compile(r"shipper 'show|shipper 'hooks list|/events/|/hooks")
    assert [name for name in shown if not of_one.search(name)] == []


def test_the_desk_was_gone_round_and_gameball_was_asked_for_a_preview(trail: Trail) -> None:
    asked = {name for name in trail.outputs if name.startswith("page ")}

    assert {"page /metrics", "page /a/default/trail", "page /api/v1/accounts/default/flow"} <= asked
    assert "page /api/v1/openapi.json" in asked
    assert b"reward-preview" in trail.heads
    assert "web.signed_in" in trail.logs["web"]


@pytest.mark.parametrize("what", ["email", "mobile"])
def test_an_export_holds_contacts_only_where_it_was_not_asked_for_masked(trail: Trail, what: str) -> None:
    assert PERSONAL[what] in trail.exports["all"]
    assert PERSONAL[what] not in trail.exports["masked"]


def test_the_audit_log_names_no_customer_and_repeats_no_answer(trail: Trail) -> None:
    told = [trail.outputs[name] for name in ("page /a/default/trail", "shipper 'trail --json'")]

    assert [what for what, canary in PERSONAL.items() for text in told if canary in text] == []
    assert all("text=" in text and "lane=" in text for text in told)


def test_titles_of_processes_tell_no_more_than_the_command(trail: Trail) -> None:
    assert len(trail.titles) > 3
    assert [name for canary in PERSONAL.values() for name in places_with(canary, trail.titles.items())] == []


def test_nothing_in_a_log_or_an_output_steers_a_terminal_or_forges_a_line(trail: Trail) -> None:
    # A form gives its browser back what was typed into it, to the letter.
    outputs = {name: text for name, text in trail.outputs.items() if not name.startswith("page POST /a/")}
    texts = {**trail.logs, **outputs, **trail.unmasked}

    steering = {
        name: sorted(set(CONTROL.findall(text))) for name, text in texts.items() if CONTROL.search(text)
    }
    forged = [name for name, text in texts.items() if re.search(r'^\{"event": "forged', text, re.MULTILINE)]

    assert steering == {}
    assert forged == []


@pytest.mark.parametrize("worker", ["json", "after-a-crash"])
def test_a_log_in_json_has_one_object_a_line(trail: Trail, worker: str) -> None:
    lines = [line for line in trail.logs[worker].splitlines() if line.startswith("{")]

    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert len(lines) > 20


def test_an_output_in_json_has_one_object_a_line(trail: Trail) -> None:
    for name, text in trail.outputs.items():
        if name.endswith("--json'") and "Error" not in text and "Usage" not in text:
            assert all(isinstance(json.loads(line), dict) for line in text.splitlines()), name


# What a program may print of ours


EVENT: Final = {
    "customerId": CUSTOMER,
    "email": EMAIL,
    "mobile": MOBILE,
    "events": {"review": {"said": TEXT}},
}
SETTINGS: Final = Settings(
    redis_url=f"redis://user:{SECRETS['Redis password']}@127.0.0.1:1/0",
    broker_url=f"redis://user:{SECRETS['broker password']}@127.0.0.1:1/0",
)


def values() -> Iterator[Any]:
    """Yield one of each value that a person may come to print, or a traceback with its variables may show."""
    environ = {
        "GAMEBALL_API_KEY": SECRETS["API key"],
        "GAMEBALL_SECRET_KEY": SECRETS["secret key"],
        "GAMEBALL_PROXY": f"http://user:{SECRETS['proxy password']}@127.0.0.1:1",
    }
    envelope = seal(EVENT, settings=SETTINGS)
    stored = b"1|lane|1|||names|sig|-|hook|9\0" + envelope.body
    accounts = load_accounts(SETTINGS, environ)
    record = read_record(b"1|lane|1||fp|names|sig|-|hook|9\0" + envelope.body)
    assert record is not None
    told = ClaimedEvent(event_id="E1", number=1, tried=Tried(), record=record)
    yield from (SETTINGS, accounts, accounts["default"].api_key, accounts["default"].api_key.read())
    yield from (shipper.Event.model_validate(EVENT), envelope, enqueue([envelope], SETTINGS), record, told)
    yield ClaimedCall(lane="lane", token="t", events=(told,))
    yield read_job("E1:0", 1, b"delivered 1 1\n{}\n" + stored.replace(b"|||", b"||fp|", 1))
    yield shipper.Receipt(event_id="E1", account="default")
    yield Delivery(event_id="E1", customer_id="c", events=EVENT["events"], attempts=1)  # type: ignore[arg-type]
    yield from (Client(SETTINGS), Ledger(make_pool(SETTINGS.redis_url, budget_ms=100)))
    yield make_pool(SETTINGS.redis_url, budget_ms=100)
    yield Gameball(accounts["default"])


SPOKEN: Final = {name: value for name, value in (SECRETS | PERSONAL).items() if name != "customer id"}
"""A customer id is shown in an event's repr, which is what it is for; in our logs it is not."""


def test_no_value_shows_a_secret_or_what_a_customer_said_when_it_is_printed() -> None:
    found = [
        (type(value).__name__, what)
        for value in values()
        for what, canary in SPOKEN.items()
        if canary in repr(value) or canary in str(value)
    ]

    assert found == []


def failures() -> Iterator[ShipperError]:
    """Yield one of every public error, as it is raised or told."""
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ShipperError)
    ]
    told = {"event_id": "E1", "customer_id": CUSTOMER, "events": {"review": {"said": TEXT}}, "attempts": 1}
    for kind in kinds:
        if kind.__name__.startswith("_"):
            continue
        if issubclass(kind, DeliveryError):
            yield kind("Gameball refused the event", **told)  # type: ignore[arg-type]
    for wrong in (
        {**EVENT, "email": f"{EMAIL}\x1b{TEXT}"},
        {**EVENT, "mobile": f"{MOBILE}\x1b{TEXT}"},
        {**EVENT, "events": {"review": {"said": [TEXT, float("nan")]}}},
        {**EVENT, "events": {"review": {"said": TEXT * 10_000}}},
        {**EVENT, "customerId": f"{CUSTOMER}\n"},
        {**EVENT, "customerId": CUSTOMER * 20},
    ):
        with pytest.raises(shipper.InvalidEventError) as caught:
            seal(wrong, settings=SETTINGS)
        yield caught.value
    with pytest.raises(shipper.SettingsError) as refused:
        load_accounts(SETTINGS, {"GAMEBALL_API_KEY": f"{SECRETS['API key']}\n{SECRETS['secret key']} x"})
    yield refused.value
    with pytest.raises(shipper.LedgerUnavailableError) as away:
        Ledger(make_pool(SETTINGS.redis_url, budget_ms=100)).ask("PING")
    yield away.value


def test_no_error_says_a_secret_or_what_a_customer_said() -> None:
    shown = {**SPOKEN, "customer id": CUSTOMER}
    found = []
    for error in failures():
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own, as a process pool sends it
        texts = [str(error), repr(error), "".join(traceback.format_exception(error)), str(again), repr(again)]
        found += [(type(error).__name__, what) for what, canary in shown.items() if canary in "".join(texts)]

    assert found == []


def test_a_problem_names_the_place_by_the_events_own_keys_and_never_its_values() -> None:
    with pytest.raises(shipper.InvalidEventError) as caught:
        seal({**EVENT, "events": {"review": {"price": float("nan")}}}, settings=SETTINGS)

    assert caught.value.problems == (Problem("events.review.price", "is NaN"),)
