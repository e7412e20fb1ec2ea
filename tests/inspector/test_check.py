"""The doctor's look at Redis: what is strong, what is weak, what cannot be told."""

from __future__ import annotations

import pytest

from shipper.errors import LedgerUnavailableError, SettingsError
from shipper.inspector import check, open_inspectors
from shipper.ledger.durability import Durability, inspect_durability
from shipper.ledger.pool import make_pool
from tests.inspector.story import NOW, SETTINGS
from tests.support.servers import RedisServer, StartServer

STRONG = {
    "appendonly": "yes",
    "appendfsync": "always",
    "aof-load-truncated": "no",
    "maxmemory": "100mb",
    "maxmemory-policy": "noeviction",
}


def checks(url: str) -> dict[str, str]:
    """Return the result of each check."""
    (inspector,) = open_inspectors(SETTINGS.model_copy(update={"redis_url": url}), ["default"])
    return {check.about: check.result for check in inspector.checks()}


WEAK = {
    "strong": ({}, {}),
    "without an append-only file": ({"appendonly": "no"}, {"persistence": "failed"}),
    "synced every second": ({"appendfsync": "everysec"}, {"persistence": "warning"}),
    "torn files loaded": ({"aof-load-truncated": "yes"}, {"persistence": "warning"}),
    "synced when the system likes": ({"appendfsync": "no"}, {"persistence": "warning"}),
    "evicting": ({"maxmemory-policy": "allkeys-lru"}, {"eviction": "failed"}),
    "without a limit": ({"maxmemory": "0"}, {"memory": "warning"}),
}


@pytest.mark.parametrize(("options", "weak"), WEAK.values(), ids=WEAK.keys())
def test_a_doctor_sees_what_weakens_the_promise(
    options: dict[str, str], weak: dict[str, str], private_server: StartServer
) -> None:
    server = private_server(options=STRONG | options)

    found = checks(server.url)

    sound = dict.fromkeys(
        ("redis", "version", "persistence", "eviction", "replication", "memory", "clock"), "ok"
    )
    assert found == sound | weak


@pytest.mark.parametrize(
    ("ahead_ms", "took_ms", "result"),
    [(0, 4500, "ok"), (1900, 0, "ok"), (2100, 0, "warning"), (6000, 4500, "warning"), (301_000, 0, "failed")],
)
def test_a_clock_is_judged_by_what_a_slow_answer_leaves_sure(
    ahead_ms: int, took_ms: int, result: str, redis7: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "ledger_now", lambda _: NOW + ahead_ms)
    monkeypatch.setattr(check, "now_ms", iter([NOW - took_ms, NOW]).__next__)

    assert checks(redis7.url)["clock"] == result


def test_a_replica_is_no_place_for_a_ledger(private_server: StartServer) -> None:
    primary = private_server(options=STRONG)
    replica = private_server(options={**STRONG, "replicaof": f"127.0.0.1 {primary.port}"})

    assert checks(replica.url)["replication"] == "failed"


def test_a_redis_that_is_not_there_fails_one_check(private_server: StartServer) -> None:
    server = private_server()
    server.kill()

    assert checks(server.url) == {"redis": "failed"}


def test_what_a_managed_redis_hides_is_a_warning(private_server: StartServer) -> None:
    server = private_server(options=STRONG)
    with server.client() as admin:
        admin.execute_command("ACL", "SETUSER", "app", "on", ">secret", "~*", "+@all", "-config")
    url = f"redis://app:secret@127.0.0.1:{server.port}/0"

    found = checks(url)

    assert (found["persistence"], found["eviction"], found["memory"]) == ("warning", "ok", "ok")


def test_durability_is_not_guessed_when_redis_does_not_answer(private_server: StartServer) -> None:
    server = private_server()
    server.kill()

    with pytest.raises(LedgerUnavailableError):
        inspect_durability(make_pool(server.url, budget_ms=1000))


def durable(**changed: object) -> Durability:
    sound = {
        "server": "redis",
        "version": "7.0.15",
        "appendonly": "yes",
        "appendfsync": "always",
        "eviction": "noeviction",
        "role": "master",
        "replicas": 0,
        "maxmemory": 1,
        "file_failed": False,
    }
    return Durability(**{**sound, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "problems", "warnings", "keeps_all"),
    [
        ({}, 0, 0, True),
        ({"version": "6.2.14"}, 1, 0, False),
        ({"server": "valkey", "version": "9.1.2"}, 0, 0, True),
        ({"version": ""}, 0, 1, True),
        ({"file_failed": True}, 1, 0, False),
        ({"appendfsync": "everysec"}, 0, 1, False),
        ({"loads_torn": True}, 0, 1, True),
        ({"loads_torn": True, "server": "valkey", "version": "9.1.2"}, 0, 0, True),
        ({"replicas": 1, "wait_replicas": 1}, 0, 0, True),
        ({"replicas": 1, "wait_replicas": 2}, 1, 0, False),
        ({"appendonly": "", "appendfsync": ""}, 0, 1, False),
        ({"eviction": ""}, 0, 1, True),
        ({"role": "slave"}, 1, 0, False),
        ({"replicas": 2}, 0, 1, True),
    ],
)
def test_each_fact_is_a_problem_a_warning_or_neither(
    changed: dict[str, object], problems: int, warnings: int, keeps_all: bool
) -> None:
    durability = durable(**changed)

    assert (len(durability.problems), len(durability.warnings)) == (problems, warnings)
    assert durability.keeps_all is keeps_all


@pytest.mark.parametrize("url", ["nonsense", "http://somewhere", "redis://user:hunter2@host:port/0"])
def test_a_url_that_is_none_is_told_without_repeating_it(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        open_inspectors(SETTINGS.model_copy(update={"redis_url": url}), ["default"])

    assert str(caught.value).startswith("SHIPPER_REDIS_URL is no URL of a Redis")
    assert url not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_shared_server_tells_its_version(redis7: RedisServer) -> None:
    found = inspect_durability(make_pool(redis7.url, budget_ms=5000))

    assert (found.server, found.version) == ("redis", redis7.program.version)
