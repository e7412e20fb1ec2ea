"""Redis under fire: killed, cut off half-open, frozen, full, and answering with refusals."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from redis import Redis
from redis.exceptions import RedisError, ResponseError

from tests.faults.campaign import RETRY, Campaign, beside, in_turn
from tests.faults.field import Field
from tests.faults.history import Answer, Tally
from tests.faults.row import PEER

SLOW: Final = {"latency_ms": 20}
"""Gameball takes a while, so that calls are under way whenever something breaks."""
# Loads are longer than any fault takes; each is stopped with the last, so that recovery counts from there.
SLOWER: Final = {"latency_ms": 200}
"""So slow that a backlog lasts, whatever becomes of it meanwhile."""
RESUME_S: Final = 15
"""How soon after a half-open connection healed, deliveries must go on."""
LOADING_S: Final = 1.0
"""Shortest restart that shows that Redis was loading, and not just starting."""
ENQUEUE_S: Final = 1.5
"""Longest enqueue: the budget of 500 ms, and what two busy cores may add."""
NOBODY: Final = "127.0.0.1 1"
"""A primary that is not there: a replica of it keeps what it has, and takes no writes."""


def kill_redis(field: Field) -> str:
    """Kill and restart Redis every 3 s while a shop sends and two workers deliver."""
    kills = 3 if field.quick else 20
    start_workers(field)
    load = field.start_load(events=kills * 1000, customers=200, per_second=100)
    field.recover_within_s = 60

    for _ in range(kills):
        field.pass_time(field.random.uniform(2.0, 3.5))
        field.server.kill()
        field.server.start()
        field.say(f"{load.sent:,} sent")
    load.stop()
    field.healed()
    return f"{kills} kills"


def cut_workers_off(field: Field, cut_s: float = 0) -> str:
    """Let everything that workers say to Redis, and Redis to them, vanish; nobody closes anything."""
    cut_s = cut_s or (6 if field.quick else 30)
    line = field.proxy()
    start_workers(field, redis_url=line.url)
    load = field.start_load(events=int(cut_s + 60) * 100, customers=200, per_second=100)
    field.until(lambda: arrivals(field) > 0, why="nothing is delivered")
    field.pass_time(2.0)

    line.swallow_requests = line.swallow_replies = True
    at_cut = arrivals(field)
    field.pass_time(cut_s)
    # A call that was claimed before the cut may come whenever it gets its turn, and stays under way.
    came, claimed = arrivals(field) - at_cut, field.side.under_way()
    if came > claimed:
        field.wrong(f"{came} calls came and {claimed} events were claimed, though workers were cut off")
    line.heal()
    field.healed()

    before = arrivals(field)
    try:
        field.until(lambda: arrivals(field) > before, within_s=RESUME_S, why="nothing is delivered again")
    except AssertionError:
        field.wrong(f"{RESUME_S} s after healing nothing was delivered yet")
    load.stop()
    return f"1 cut of {cut_s:g} s"


def cut_the_shop_off(field: Field) -> str:
    """Let what the shop says vanish, then what Redis answers, in turn; workers notice nothing."""
    cuts = 2 if field.quick else 6
    line = field.proxy()
    field.side.route(line.url)
    start_workers(field)
    load = field.start_load(events=cuts * 1000, customers=200, per_second=150)

    for cut in range(cuts):
        field.pass_time(field.random.uniform(1.0, 2.0))
        line.swallow_requests, line.swallow_replies = cut % 2 == 0, cut % 2 == 1
        field.pass_time(2.0)
        line.heal()
    load.stop()
    field.healed()
    if all(each.answer is Answer.YES for each in load.attempts):
        field.wrong("no enqueue noticed a cut")
    if load.longest_s > ENQUEUE_S:
        field.wrong(f"an enqueue took {load.longest_s:.1f} s")
    return f"{cuts} cuts of 2 s, the longest enqueue {load.longest_s:.1f} s"


def freeze_redis(field: Field) -> str:
    """Stop Redis (SIGSTOP) for some seconds, with all its connections open."""
    freezes = 2 if field.quick else 5
    start_workers(field)
    load = field.start_load(events=freezes * 1500, customers=200, per_second=100)

    for _ in range(freezes):
        field.pass_time(field.random.uniform(1.0, 2.0))
        field.server.freeze()
        try:
            field.pass_time(field.random.uniform(2.0, 4.0))
        finally:
            field.server.thaw()
    load.stop()
    field.healed()
    return f"{freezes} freezes of 2 to 4 s"


def fill_redis(field: Field) -> str:
    """Let Redis be full while a backlog is drained and the shop goes on sending."""
    backlog, full_s = (600, 3) if field.quick else (3000, 8)
    load = field.start_load(events=backlog + (full_s + 60) * 300, customers=backlog, per_second=300)
    field.until(lambda: load.sent >= backlog, within_s=60)
    start_workers(field)
    field.until(lambda: arrivals(field) > 50, within_s=30, why="nothing is delivered")

    with field.server.client() as redis:
        redis.config_set("maxmemory", "1")
        before = arrivals(field)
        field.pass_time(full_s)
        drained = arrivals(field) - before
        redis.config_set("maxmemory", "0")
    load.stop()
    field.healed()
    if not drained:
        field.wrong("nothing was delivered while Redis was full")
    if field.exits:
        field.wrong(f"{field.exits} workers ended")
    field.check(none_twice)
    return f"1 time full, for {full_s} s, in which {drained:,} calls were delivered"


def flush_scripts(field: Field) -> str:
    """Forget every script, ten times a second."""
    seconds = 3 if field.quick else 10
    start_workers(field)
    load = field.start_load(events=seconds * 1000, customers=200, per_second=200)

    flushes = 0
    with field.server.client() as redis:
        while flushes < seconds * 10:
            redis.script_flush()
            flushes += 1
            field.pass_time(0.1)
    load.stop()
    field.healed()
    field.check(none_twice)
    return f"{flushes} times all scripts forgotten"


def keep_redis_busy(field: Field) -> str:
    """Let somebody's endless script keep Redis busy, until it is killed."""
    times = 2 if field.quick else 4
    start_workers(field)
    load = field.start_load(events=times * 1200, customers=200, per_second=100)

    with field.server.client() as redis:
        redis.config_set("busy-reply-threshold", "100")
    for _ in range(times):
        field.pass_time(1.0)
        with busy(field):
            field.pass_time(2.0)
    load.stop()
    field.healed()
    return f"{times} scripts of 2 s"


def make_it_a_replica(field: Field) -> str:
    """Make Redis a replica, which takes no writes, as a failover does to the old primary; then undo it."""
    times = 2 if field.quick else 4
    start_workers(field)
    load = field.start_load(events=times * 1200, customers=200, per_second=100)

    with field.server.client() as redis:
        for _ in range(times):
            field.pass_time(1.0)
            redis.execute_command(f"REPLICAOF {NOBODY}")
            field.pass_time(2.0)
            redis.execute_command("REPLICAOF NO ONE")
    load.stop()
    field.healed()
    return f"{times} times read-only for 2 s"


def refuse_writes(field: Field) -> str:
    """Let Redis take no writes for want of replicas, as it does for a full disk; no worker may end."""
    times = 2 if field.quick else 4
    start_workers(field)
    load = field.start_load(events=times * 1200, customers=200, per_second=100)

    with field.server.client() as redis:
        for _ in range(times):
            field.pass_time(1.0)
            redis.config_set("min-replicas-to-write", "1")
            field.pass_time(3.0)
            redis.config_set("min-replicas-to-write", "0")
    load.stop()
    field.healed()
    if field.exits:
        field.wrong(f"{field.exits} workers ended")
    return f"{times} times no writes for 3 s"


def load_slowly(field: Field) -> str:
    """Restart Redis with so much data of others that it answers LOADING for seconds."""
    restarts = 1 if field.quick else 3
    keys = 30_000
    start_workers(field)
    with field.server.client(timeout_s=30) as redis:
        redis.eval("for i = 1, ARGV[1] do redis.call('SET', 'of-others:' .. i, i) end", 0, keys)
    # Microseconds a key, at the least: the system's timer adds its own.
    field.server.options["key-load-delay"] = "20"
    load = field.start_load(events=restarts * 2000, customers=200, per_second=100)

    loaded_s = []
    for _ in range(restarts):
        field.pass_time(field.random.uniform(1.0, 2.0))
        field.server.kill()
        began = time.monotonic()
        field.server.start()
        loaded_s.append(time.monotonic() - began)
    load.stop()
    field.healed()
    if min(loaded_s) < LOADING_S:
        field.wrong(f"Redis was back after {min(loaded_s):.1f} s: it had nothing to load")
    return f"{restarts} restarts, with {keys:,} keys of others to load in {max(loaded_s):.1f} s"


def start_workers(field: Field, **settings: object) -> None:
    """Start the two workers that most rows have."""
    for worker in [field.side.worker(ready=False, **settings) for _ in range(2)]:
        worker.await_ready()


def arrivals(field: Field) -> int:
    """Count the calls that Gameball has accepted so far."""
    return int(field.sandbox.stats()["accepted"])


def none_twice(tally: Tally) -> Iterator[str]:
    """Complain of any copy: what was done is no cause to send again."""
    if tally.duplicated:
        yield f"{tally.duplicated} duplicates, though nothing was in doubt"


@contextmanager
def busy(field: Field) -> Iterator[None]:
    """Start an endless script, and kill it; Redis must have been busy with it all the while."""
    with field.server.client(timeout_s=0.2) as caller, field.server.client() as redis:
        with suppress(RedisError):  # it never answers
            caller.eval("while true do end", 0)
        if not is_busy(redis):
            field.wrong("a script was started, and Redis was not busy")
        try:
            yield
        finally:
            try:
                redis.script_kill()
            except RedisError as error:
                field.wrong(f"the script could not be killed: {error}")


def is_busy(redis: Redis) -> bool:
    """Tell whether Redis refuses a PING for a script that goes on and on."""
    try:
        redis.ping()
    except ResponseError as error:
        return "BUSY" in str(error)
    return False


CAMPAIGNS: Final = (
    Campaign(
        name="redis-kill",
        tells="Redis is killed (SIGKILL) and restarted every 3 s under load, append-only file always synced."
        " Nothing may be lost, and all must be ended within a minute of the last restart.",
        run=beside("Redis killed and restarted", kill_redis, sandbox=SLOW),
        minutes=5,
    ),
    Campaign(
        name="redis-half-open",
        tells="Connections to Redis go half-open: what is said vanishes, and nobody closes anything. For the"
        " workers, 30 s long: work must go on within 15 s of healing. For the shop: no enqueue may hang.",
        run=in_turn(
            beside("workers and Redis half-open", cut_workers_off, sandbox=SLOW),
            beside("shop and Redis half-open", cut_the_shop_off, sides=(RETRY, PEER), sandbox=SLOW),
        ),
        minutes=4,
    ),
    Campaign(
        name="redis-frozen",
        tells="Redis is stopped (SIGSTOP) for some seconds at a time and continued, its connections open.",
        run=beside("Redis frozen", freeze_redis, sandbox=SLOW),
        minutes=2,
    ),
    Campaign(
        name="redis-full",
        tells="Redis is full (`maxmemory`, `noeviction`) in the middle of a drain. Workers must stay alive"
        " and go on delivering, and nothing may arrive twice.",
        run=beside("Redis full in a drain", fill_redis, sandbox=SLOWER),
        minutes=2,
    ),
    Campaign(
        name="redis-refuses",
        tells="Redis answers, but not with what was asked: its scripts are forgotten, an endless script of"
        " somebody's keeps it busy, it is a read-only replica for a while, it takes no writes for want of"
        " replicas (no worker may end), it is loading its data.",
        run=in_turn(
            beside("scripts flushed", flush_scripts, sides=(RETRY,), sandbox=SLOW),
            beside("busy with a script", keep_redis_busy, sides=(RETRY, PEER), sandbox=SLOW),
            beside("a read-only replica", make_it_a_replica, sides=(RETRY, PEER), sandbox=SLOW),
            beside("writes refused", refuse_writes, sides=(RETRY, PEER), sandbox=SLOW),
            beside("loading for seconds", load_slowly, sides=(RETRY, PEER), sandbox=SLOW),
        ),
        minutes=4,
    ),
)
