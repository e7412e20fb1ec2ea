"""Settings come from the environment, and what cannot work is told in one go."""

from __future__ import annotations

import os
import traceback

import pytest
from pydantic import ValidationError

from shipper.errors import SettingsError
from shipper.outcome import OnUnclear
from shipper.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("SHIPPER_") or name == "REDIS_URL":
            monkeypatch.delenv(name)


def problems() -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return [str(problem) for problem in caught.value.problems]


def test_without_an_environment_the_defaults_of_the_design_hold() -> None:
    found = load_settings()

    assert found.redis_url == "redis://127.0.0.1:6379/0"
    assert (found.timeout_ms, found.connect_timeout_ms, found.lease_ms) == (15_000, 3_000, 30_000)
    assert (found.pace_per_second, found.pace_per_30_seconds, found.pace_margin_ms) == (100, 1200, 250)
    assert (found.max_attempts, found.max_age_ms, found.max_vague) == (20, 72 * 3_600_000, 3)
    assert (found.coalesce_max, found.coalesce_bytes) == (20, 65_536)
    assert (found.max_body_bytes, found.max_depth, found.max_keys, found.max_customer_id) == (
        65_536,
        32,
        256,
        100,
    )
    assert (found.id_retention_ms, found.idempotency_retention_ms) == (6 * 3_600_000, 7 * 24 * 3_600_000)
    assert (found.enqueue_budget_ms, found.backlog_max, found.on_unclear) == (500, 1_000_000, OnUnclear.RETRY)


ELSEWHERE = {
    "redis_url",
    "on_unclear",
    "merge_by",
    "encryption_keys",
    "encryption_keys_file",
    "web_tokens",
} | {"web_proxies"}
"""Tried by tests of their own."""


@pytest.mark.parametrize("name", sorted(set(Settings.model_fields) - ELSEWHERE))
def test_every_setting_is_read_from_its_own_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    default = getattr(load_settings(), name)
    given, expected = _another(default)
    monkeypatch.setenv(f"SHIPPER_{name.upper()}", given)

    assert getattr(load_settings(**_room_for(name)), name) == expected


def _another(default: object) -> tuple[str, object]:
    match default:
        case bool():
            return "true", True
        case int():
            other = default - 1 if default > 1 else 2
            return str(other), other
        case tuple():
            return "a, b", ("a", "b")
        case _:
            return "redis://other:6379/1", "redis://other:6379/1"


def _room_for(name: str) -> dict[str, int]:
    """Keep the settings that one setting is measured by out of its way."""
    return {"timeout_ms": 10_000} if name == "lease_ms" else {}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("on_unclear", "park", OnUnclear.PARK),
        ("merge_by", "email", "email"),
        ("merge_by", "mobile", "mobile"),
    ],
)
def test_a_choice_is_read_by_its_word(
    name: str, text: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"SHIPPER_{name.upper()}", text)

    assert getattr(load_settings(), name) == expected


def test_redis_url_serves_where_the_shippers_own_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://shared:6379/1")

    assert load_settings().redis_url == "redis://shared:6379/1"


def test_the_shippers_own_redis_url_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://shared:6379/1")
    monkeypatch.setenv("SHIPPER_REDIS_URL", "redis://own:6379/2")

    assert load_settings().redis_url == "redis://own:6379/2"


def test_what_is_given_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPPER_REDIS_URL", "redis://own:6379/2")
    monkeypatch.setenv("SHIPPER_MAX_KEYS", "7")

    found = load_settings(redis_url="redis://given:6379/3", max_keys=8)

    assert found.redis_url == "redis://given:6379/3"
    assert found.max_keys == 8


UNUSABLE = [
    "redis://:s3cretpw/half@host/0",
    "redis://ann:12345/s3cretpw@host/0",
    "redis://:half#s3cretpw@host/0",
    "redis://ann:s3cretpw@host:port/0",
    "redis://ann:s3cretpw@host:65536/0",
    "redis://ann:s3cretpw@[host/0",
    "http://ann:s3cretpw@host/0",
    "ann:s3cretpw@host:6379",
    "s3cretpw",
]


@pytest.mark.parametrize("name", ["SHIPPER_REDIS_URL", "SHIPPER_BROKER_URL"])
@pytest.mark.parametrize("url", UNUSABLE)
def test_a_url_that_cannot_be_parsed_is_refused_without_repeating_it(
    url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, url)

    with pytest.raises(SettingsError) as caught:
        load_settings()

    (problem,) = caught.value.problems
    assert str(problem) == (
        f"{name} is no URL of a Redis: redis://[user:password@]host[:port][/db], or rediss:// for TLS;"
        " in a password, write / as %2F, # as %23, ? as %3F and @ as %40"
    )
    told = "".join(traceback.format_exception(caught.value))
    assert "s3cretpw" not in told


@pytest.mark.parametrize("name", ["redis_url", "broker_url"])
@pytest.mark.parametrize("url", UNUSABLE)
def test_settings_made_by_hand_do_not_repeat_it_either(url: str, name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({name: url})

    assert "s3cretpw" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "url",
    [
        "redis://",
        "redis://host",
        "redis://host:6379/15",
        "redis://[::1]:6379/0",
        "rediss://ann:p%2Fw@host:6380/0?ssl_cert_reqs=none",
        "unix:///run/redis.sock?db=1",
    ],
)
def test_a_url_that_redis_understands_is_taken(url: str) -> None:
    assert load_settings(redis_url=url).redis_url == url


@pytest.mark.parametrize(
    "url", ["", "redis://host/1", "rediss://:pw@host:6380/1", "redis+socket:///run/r.sock"]
)
def test_a_url_that_celery_understands_is_taken(url: str) -> None:
    assert load_settings(broker_url=url).broker_url == url


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write_review", ("write_review",)),
        (" write_review ,visit ", ("write_review", "visit")),
        ("write_review,,", ("write_review",)),
        ("", ()),
        ("größe,a b", ("größe", "a b")),
    ],
)
def test_a_list_is_written_with_commas(
    text: str, expected: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPPER_ALLOWED_EVENTS", text)

    assert load_settings().allowed_events == expected


def test_bad_settings_are_refused_together_each_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPPER_TIMEOUT_MS", "soon")
    monkeypatch.setenv("SHIPPER_MAX_KEYS", "0")
    monkeypatch.setenv("SHIPPER_ON_UNCLEAR", "parc")
    monkeypatch.setenv("SHIPPER_COALESCE_MAX", "101")
    monkeypatch.setenv("SHIPPER_MAX_DEPTH", "101")

    assert sorted(problems()) == [
        "SHIPPER_COALESCE_MAX is '101': input should be less than or equal to 100",
        "SHIPPER_MAX_DEPTH is '101': input should be less than or equal to 100",
        "SHIPPER_MAX_KEYS is '0': input should be greater than or equal to 1",
        "SHIPPER_ON_UNCLEAR is 'parc': input should be 'retry' or 'park'",
        "SHIPPER_TIMEOUT_MS is 'soon': input should be a valid integer, unable to parse string as an integer",
    ]


def test_a_lease_must_leave_time_to_settle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPPER_LEASE_MS", "19999")

    assert problems() == ["lease_ms 19999 must exceed timeout_ms 15000 by 5000 to settle in"]


def test_a_connection_must_not_take_longer_than_the_whole_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPPER_CONNECT_TIMEOUT_MS", "15001")

    assert problems() == ["connect_timeout_ms 15001 exceeds timeout_ms 15000"]


def test_a_setting_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SettingsError, match="SHIPPER_MAX_KEY is '5': extra inputs are not permitted"):
        load_settings(max_key=5)


def test_settings_never_change() -> None:
    found = load_settings()

    with pytest.raises(ValidationError, match="frozen"):
        found.max_keys = 5  # type: ignore[misc]


def test_gameballs_keys_are_no_settings_of_the_shipper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAMEBALL_API_KEY", "canary")
    monkeypatch.setenv("GAMEBALL_SECRET_KEY", "canary")

    assert "canary" not in repr(load_settings())


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("request id", "'request id' is no name: a letter or _, then at most 39 of A-Z a-z 0-9 _ . -"),
        ("traceparent", "leave traceparent out: it is carried wherever there is a span"),
        ("a,E-Mail", "'E-Mail' may tell what customers said, or a key, and no log line has it"),
    ],
)
def test_a_context_has_names_and_none_that_no_log_may_show(
    given: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPPER_CONTEXT", given)

    assert problems() == [f"SHIPPER_CONTEXT is {given!r}: {problem}"]
