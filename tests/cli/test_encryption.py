"""The command line and encrypted events: a fresh key, and what is shown with and without it."""

from __future__ import annotations

import re
from typing import Final

import pytest
from redis import Redis

from shipper.keyring import read_keyring
from shipper.ledger.keys import key_of
from tests.cli.conftest import Run, objects, one

A: Final = f"2026-a:{'A' * 43}="
B: Final = f"2026-b:{'B' * 42}A="
EVENT: Final = ("send", "--customer", "c-42", "--event", "visit", "--json")


def test_a_fresh_key_is_ready_to_be_set(run: Run) -> None:
    named, dated = run("config", "new-key", "2026-a").stdout, run("config", "new-key").stdout

    assert read_keyring(named).ids == ("2026-a",)
    assert re.fullmatch(r"20\d\d-\d\d-\d\d:\S{44}\n", dated)


def test_an_id_that_no_key_can_have_is_wrong_use(run: Run) -> None:
    said = run("config", "new-key", "My Key", code=2).stderr

    assert "is no id of a key: 1 to 16 of a-z, 0-9, _ -" in said


def test_a_fresh_key_is_to_be_had_whatever_the_settings_are(run: Run) -> None:
    said = run("config", "new-key", "a", SHIPPER_ENCRYPTION_KEYS="nonsense", SHIPPER_PUMPS="many").stdout

    assert read_keyring(said).ids == ("a",)


def test_config_tells_the_ids_of_keys_and_no_key(run: Run) -> None:
    said = run("config", "--json", SHIPPER_ENCRYPTION_KEYS=f"{B},{A}")

    value = {line["name"]: line["value"] for line in objects(said)}["SHIPPER_ENCRYPTION_KEYS"]

    assert value == "2026-b:***,2026-a:***"
    assert "A" * 43 not in said.stdout
    assert "B" * 42 not in said.stdout


def test_bad_keys_are_told_without_the_keys(run: Run) -> None:
    said = run("status", code=1, SHIPPER_ENCRYPTION_KEYS="a:canary").stderr

    assert said.splitlines()[0] == "Error: SHIPPER_ENCRYPTION_KEYS key a is no base64"
    assert "canary" not in said


def test_an_event_is_sent_encrypted_and_shown_to_who_has_the_key(run: Run, redis: Redis) -> None:
    event_id = one(run(*EVENT, SHIPPER_ENCRYPTION_KEYS=A))["event_id"]

    shown = one(run("show", event_id, "--json", SHIPPER_ENCRYPTION_KEYS=f"{B},{A}"))

    stored = redis.hget(key_of("default", "rec"), event_id)
    assert isinstance(stored, bytes)
    assert b"c-42" not in stored
    assert (shown["customer_id"], shown["events"], shown["unopened"]) == ("c-42", {"visit": {}}, None)


@pytest.mark.parametrize(("keys", "own"), [("", False), (B, False), (A, True)], ids=["none", "b", "a"])
def test_without_the_key_an_event_is_shown_with_why_it_cannot_be_read(keys: str, own: bool, run: Run) -> None:
    event_id = one(run(*EVENT, SHIPPER_ENCRYPTION_KEYS=A))["event_id"]

    said = run("show", event_id, SHIPPER_ENCRYPTION_KEYS=keys, COLUMNS="120").stdout

    missing = "encrypted under key 2026-a, which is not among SHIPPER_ENCRYPTION_KEYS"
    assert ("c-42" in said, missing in said) == (own, not own)
    assert "its content is gone" not in said


def test_enqueueing_again_under_a_rotated_key_gives_the_earlier_receipt(run: Run) -> None:
    keyed = (*EVENT, "--idempotency-key", "review:981")
    first = one(run(*keyed, SHIPPER_ENCRYPTION_KEYS=A))

    again = one(run(*keyed, SHIPPER_ENCRYPTION_KEYS=f"{B},{A}"))
    plain = one(run(*keyed))

    assert {first["event_id"], again["event_id"], plain["event_id"]} == {first["event_id"]}
    assert (first["duplicate"], again["duplicate"], plain["duplicate"]) == (False, True, True)


def test_status_tells_that_events_wait_for_a_key(run: Run, redis: Redis) -> None:
    seconds, _ = redis.time()
    redis.hset(key_of("default", "meta"), "locked_at", str(seconds * 1000 - 540_000))

    recent = run("status").stdout
    redis.hset(key_of("default", "meta"), "locked_at", str(seconds * 1000 - 610_000))
    forgotten = run("status").stdout

    assert "warning: events wait for a key that a worker lacked" in " ".join(recent.split())
    assert "wait for a key" not in forgotten


def test_a_doctor_fails_for_a_key_that_is_missing(run: Run) -> None:
    run(*EVENT, SHIPPER_ENCRYPTION_KEYS=A)

    checks = {check["about"]: check for check in objects(run("doctor", "--json", code=1))}

    assert checks["encryption default"]["result"] == "failed"
    assert "encrypted under key 2026-a" in checks["encryption default"]["told"]
