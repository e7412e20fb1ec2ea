"""The append-only file, cut anywhere, loads as a ledger in which every transition is whole or absent."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from shipper.ledger import operations
from shipper.ledger.ledger import Ledger
from shipper.ledger.pool import make_pool
from tests.conftest import program_or_skip
from tests.faults.sound import unsound
from tests.faults.truncation import OPTIONS, Told, cut_server, cuts_of, judge, tell
from tests.ledger.builders import envelope, settings_of
from tests.support.servers import RedisServer
from tests.support.waiting import until

SEED = 20261123
STRICT = {**OPTIONS, "aof-load-truncated": "no"}


@pytest.fixture(scope="module")
def redis_told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return tell(program_or_skip("redis7"), tmp_path_factory.mktemp("told"))


@pytest.fixture(scope="module")
def valkey_told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return tell(program_or_skip("valkey9"), tmp_path_factory.mktemp("told"))


def test_a_file_cut_at_any_command_is_a_ledger_of_whole_transitions(redis_told: Told, tmp_path: Path) -> None:
    chance = Random(SEED)  # noqa: S311 - reproducible is the point
    cuts = cuts_of(redis_told, chance, most=120)

    problems = list(judge(redis_told, cuts, tmp_path))

    assert problems == []
    assert len(cuts) >= 120
    assert len({step.script for step in redis_told.steps}) >= 14


def torn(told: Told, script: str) -> int:
    """Return a size that tears a transition of a script in the middle of its last but one command."""
    sizes = [0, *(step.size for step in told.steps)]
    start, end = next(
        span for span, step in zip(pairwise(sizes), told.steps, strict=True) if step.script == script
    )
    within = [size for size in told.frames() if start < size < end]
    assert len(within) > 3, f"{script} wrote no transaction"
    return within[-2] - 1


def enqueue_more(server: RedisServer) -> None:
    pool = make_pool(server.url, budget_ms=5000)
    (admission,) = Ledger(pool).run(operations.enqueue([envelope("later", "later")], settings_of()))
    pool.disconnect()
    assert admission.word == "ok"


def unsound_after_another_restart(server: RedisServer) -> list[str]:
    enqueue_more(server)
    server.kill()
    server.start()
    pool = make_pool(server.url, budget_ms=5000)
    found = list(unsound(Ledger(pool)))
    pool.disconnect()
    with server.client() as client:
        if not client.hexists("{shipper:default}:rec", "later"):
            found.append("the later event is gone")
    return found


SCRIPTS = ["enqueue", "settle", "redrive", "expunge"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_torn_transition_stays_away_when_valkey_restarts_again(
    script: str, valkey_told: Told, tmp_path: Path
) -> None:
    with cut_server(valkey_told, torn(valkey_told, script), tmp_path / "cut") as server:
        assert unsound_after_another_restart(server) == []


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_torn_transition_stays_away_from_a_redis_that_wants_its_file_mended(
    script: str, redis_told: Told, tmp_path: Path
) -> None:
    size = torn(redis_told, script)
    with (
        pytest.raises(RuntimeError, match="did not start"),
        cut_server(redis_told, size, tmp_path / "strict", STRICT),
    ):
        pass

    with cut_server(redis_told, size, tmp_path / "mended", STRICT, mended=True) as server:
        assert unsound_after_another_restart(server) == []


@pytest.fixture
def lenient_redis(redis_told: Told, tmp_path: Path) -> Iterator[RedisServer]:
    with cut_server(redis_told, torn(redis_told, "settle"), tmp_path / "lenient") as server:
        yield server


def test_a_rewrite_after_the_restart_takes_the_torn_transition_out_of_a_redis_file(
    lenient_redis: RedisServer,
) -> None:
    with lenient_redis.client() as client:
        client.bgrewriteaof()
        _await_rewrite(lenient_redis)

    assert unsound_after_another_restart(lenient_redis) == []


def test_a_redis_that_mends_its_file_itself_brings_half_a_transition_back(lenient_redis: RedisServer) -> None:
    """It leaves MULTI in the file, and runs what follows it with the next transaction: why `doctor` warns."""
    assert unsound_after_another_restart(lenient_redis) != []


def _await_rewrite(server: RedisServer) -> None:
    def rewritten() -> bool:
        with server.client() as client:
            info = client.info("persistence")
        return not (info["aof_rewrite_in_progress"] or info["aof_rewrite_scheduled"])

    until(rewritten)
