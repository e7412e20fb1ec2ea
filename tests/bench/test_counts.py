"""What an event costs, counted and not timed: round trips, system calls and Redis commands.

A limit is what was measured, which stands behind it, and a little. Where a change lowers a count, lower the
limit. On a busy machine fewer calls share a claim and a settle, so the least of a few rounds counts.
"""

from __future__ import annotations

from pathlib import Path

from redis import Redis

from tests.bench.counting import count, play
from tests.bench.scenes import WARM
from tests.support.servers import RedisServer

ROUNDS = 2


def test_one_enqueue_is_one_round_trip_and_few_system_calls(
    counter: Path, server: RedisServer, redis: Redis
) -> None:
    found = count(counter, "enqueue", server.url, 100)

    assert found.by_kind["send"] == 1
    assert found.by_kind["receive"] == 1
    assert found.by_kind["connect"] == 0
    assert found.by_kind["wait"] <= 3  # 3
    assert found.by_kind["mode"] == 0
    assert found.total <= 9.3  # 8.8


def test_a_bulk_is_one_round_trip_for_two_hundred_events(
    counter: Path, server: RedisServer, redis: Redis
) -> None:
    found = count(counter, "bulk", server.url, 1000)

    assert found.by_kind["send"] == 5 / 1000
    assert found.by_kind["receive"] <= 6 / 1000  # 5
    assert found.by_kind["random"] <= 2  # 1.05 to 1.3: one for each id, and one more for each millisecond
    assert found.total - found.by_kind["random"] <= 0.1  # 0.04


def test_a_call_is_one_request_and_its_share_of_claim_and_settle(
    counter: Path, server: RedisServer, redis: Redis, far_end_url: str
) -> None:
    rounds = [count(counter, "deliver", server.url, 200, far_end_url) for _ in range(ROUNDS)]
    found = min(rounds, key=lambda each: each.total)

    # One request to Gameball, and for about sixteen calls a claim and a settle.
    assert found.by_kind["send"] <= 1.3  # 1.13
    assert found.by_kind["receive"] <= 1.3  # 1.13
    assert found.by_kind["wait"] <= 2  # 1.4: is the connection still good; a share of the wait for all
    assert found.by_kind["mode"] <= 0.1  # 0
    assert found.by_kind["threads"] <= 5  # 0.1 to 0.5; with a thread for each call it was 54
    assert found.total <= 9  # 7.3


def test_an_event_is_so_many_redis_commands_from_its_enqueue_to_its_end(
    server: RedisServer, redis: Redis, far_end_url: str
) -> None:
    scripts, in_scripts = min(_commands_of(400, server, redis, far_end_url) for _ in range(ROUNDS))

    assert scripts <= 0.16 * (WARM + 400)  # 0.10
    assert in_scripts <= 7 * (WARM + 400)  # 5.5


def _commands_of(events: int, server: RedisServer, redis: Redis, far_end_url: str) -> tuple[int, int]:
    """Deliver events, and return how many scripts that took, and how many commands within them."""
    redis.config_resetstat()
    play("deliver", server.url, events, far_end_url)
    stats = redis.info("commandstats")
    asked = {"cmdstat_evalsha", "cmdstat_eval", "cmdstat_config|resetstat", "cmdstat_flushall"}
    within = sum(int(found["calls"]) for name, found in stats.items() if name not in asked)
    return int(stats["cmdstat_evalsha"]["calls"]), within
