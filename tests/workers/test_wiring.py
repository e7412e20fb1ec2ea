"""A process' works: put together once, anew after a fork, and only for the accounts that are ours."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from types import ModuleType, SimpleNamespace
from typing import cast

import pytest
from redis import Redis

from shipper import hooks
from shipper.clock import monotonic_ms
from shipper.errors import SettingsError
from shipper.hooks import completion_hook
from shipper.ledger.keys import key_of
from shipper.ledger.operations import SettledCall, SettledEvent, claim, settle
from shipper.ledger.pool import make_pool
from shipper.outcome import DELIVERED, Verdict
from tests.support.servers import RedisServer, StartServer
from tests.support.waiting import until
from tests.support.worker import ROOT
from tests.workers.desk import QUICK, Desk
from tests.workers.far_end import ACCEPTED, CLOSED, FarEnd
from workers import pump as pump_module
from workers.completion import Counter
from workers.gameball import Gameball
from workers.pump import Station, new_tokens
from workers.settings import account_of, load_accounts
from workers.sky import FleetSky, ThreadSky
from workers.wiring import Works, check_redis, import_hooks, make_sky, worker_name

LONG_MS = 60_000
ENVIRON = {"GAMEBALL_API_KEY": "key-12345678", "GAMEBALL_BASE_URL": "http://127.0.0.1:9"}


@pytest.fixture
def works(server: RedisServer, desk: Desk, far_end: FarEnd, station: Station) -> Iterator[Works]:
    """The works of a worker whose far end is ours."""
    pool = make_pool(server.url, budget_ms=3000)
    yield Works(
        settings=QUICK,
        accounts=load_accounts(QUICK, ENVIRON),
        worker="w:1",
        pool=pool,
        stopping=station.stopping,
        stations={"default": station},
    )
    pool.disconnect()


# Pumps and tellers


def test_a_pump_runs_for_an_account_that_is_ours(works: Works, desk: Desk) -> None:
    event_id = desk.enqueue("c-1")

    calls = works.run_pump("default", desk.ticket())

    assert calls == 1
    assert desk.state(event_id) == "delivered"
    assert works.pumps == {"default": []}


def test_a_second_ticket_is_declined_so_that_another_worker_gets_the_pump(
    works: Works, desk: Desk, far_end: FarEnd
) -> None:
    may_land = Flag()
    far_end.answer = lambda body: ACCEPTED if may_land.wait(30) else CLOSED
    desk.enqueue("c-1")
    thread = Thread(target=works.run_pump, args=("default", desk.ticket()))
    thread.start()
    far_end.wait_for_posts(1)
    for i in range(40):
        desk.enqueue(f"d-{i}")
    until(lambda: len(far_end.bodies) == 4)

    second = desk.ticket(most=2)
    calls = works.run_pump("default", second)

    assert calls == 0
    assert desk.ledger.ask("ZSCORE", key_of("default", "pumps"), second) is None
    may_land.set()
    thread.join(30)
    assert desk.count("delivered") == 41


def test_a_pump_that_only_waits_for_its_last_calls_makes_room_for_the_next(
    works: Works, desk: Desk, far_end: FarEnd, station: Station
) -> None:
    may_land = Flag()
    far_end.answer = lambda body: ACCEPTED if b"c-2" in body or may_land.wait(30) else CLOSED
    works.stations["default"] = replace(station, settings=QUICK.model_copy(update={"pump_ms": 50}))
    desk.enqueue("c-1")
    thread = Thread(target=works.run_pump, args=("default", ""))
    thread.start()
    until(lambda: [pump.draining for pump in works.pumps.get("default", [])] == [True])

    desk.enqueue("c-2")
    calls = works.run_pump("default", "")

    assert calls == 1
    may_land.set()
    thread.join(30)


@pytest.fixture
def lingering(works: Works, monkeypatch: pytest.MonkeyPatch) -> Works:
    """The works of a worker that hears the bell, and whose pump looks again for nothing else."""
    monkeypatch.setattr(pump_module, "PATIENCE_MS", LONG_MS)
    works.hears_bell = True
    return works


def test_a_pump_that_lingers_gives_its_ticket_up_and_is_woken_by_the_bell_of_its_process(
    lingering: Works, desk: Desk
) -> None:
    works = lingering
    desk.enqueue("c-0")
    ticket = desk.ticket()
    thread = Thread(target=works.run_pump, args=("default", ticket), kwargs={"lingers": True})
    thread.start()
    until(lambda: desk.ledger.ask("ZSCORE", key_of("default", "pumps"), ticket) is None)

    event_id = desk.enqueue("c-1")
    woken = works.wake("default")

    assert woken
    until(lambda: desk.state(event_id) == "delivered")
    works.stopping.set()
    thread.join(30)
    assert not thread.is_alive()
    assert works.wake("default") is False


def test_a_pump_that_lingers_keeps_its_ticket_while_the_pace_holds_it(
    works: Works, desk: Desk, far_end: FarEnd, station: Station
) -> None:
    paced = QUICK.model_copy(update={"pace_per_30_seconds": 1})
    works.stations["default"] = replace(station, settings=paced)
    works.hears_bell = True
    desk.enqueue("c-0")
    desk.enqueue("c-1")
    ticket = desk.ticket()

    thread = Thread(target=works.run_pump, args=("default", ticket), kwargs={"lingers": True})
    thread.start()

    until(lambda: desk.count("delivered") == 1)
    (pump,) = works.pumps["default"]
    until(lambda: pump._held and not pump._flying and pump._claim_at > monotonic_ms())
    assert desk.ledger.ask("ZSCORE", key_of("default", "pumps"), ticket) is not None
    works.stopping.set()
    thread.join(30)


def test_a_pump_lingers_only_where_a_bell_is_heard(works: Works, desk: Desk) -> None:
    began = monotonic_ms()

    works.run_pump("default", "", lingers=True)

    assert monotonic_ms() - began < QUICK.pump_ms


def test_a_message_that_finds_a_pump_running_wakes_it(lingering: Works, desk: Desk) -> None:
    works = lingering
    desk.enqueue("c-0")
    first = desk.ticket()
    thread = Thread(target=works.run_pump, args=("default", first), kwargs={"lingers": True})
    thread.start()
    until(lambda: desk.ledger.ask("ZSCORE", key_of("default", "pumps"), first) is None)
    event_id = desk.enqueue("c-1")

    calls = works.run_pump("default", "A" * 16)

    assert calls == 0
    until(lambda: desk.state(event_id) == "delivered")
    works.stopping.set()
    thread.join(30)


def test_a_message_for_an_account_that_is_not_ours_is_dropped_and_its_name_not_logged(
    works: Works, caplog: pytest.LogCaptureFixture
) -> None:
    calls = works.run_pump("canary", "A" * 16)
    told = works.run_teller("canary", "A" * 16)

    assert (calls, told) == (0, 0)
    assert caplog.text.count("account.unknown") == 2
    assert "canary" not in caplog.text


def test_an_account_has_one_station_and_one_counter_in_a_process(works: Works) -> None:
    works.stations.clear()

    stations = {id(works._station("default")) for _ in range(3)}
    counters = {id(works._counter("default")) for _ in range(3)}

    assert (len(stations), len(counters)) == (1, 1)
    assert works._station("default").ledger.account == "default"


def test_a_teller_runs_without_a_station(works: Works, desk: Desk) -> None:
    assert works.run_teller("default", "") == 0
    assert set(works.counters) == {"default"}


@pytest.fixture
def may_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flag]:
    """Ends the hook of an event that was delivered; until then it runs."""
    flag = Flag()
    monkeypatch.setattr(hooks, "_registry", {})
    completion_hook("slow")(lambda response, error: flag.wait(30))
    desk.enqueue("c-1", hook="slow")
    claimed = desk.ledger.run(claim(new_tokens(1), QUICK, worker="w:1"))
    for call in claimed.calls:
        events = tuple(SettledEvent(event_id=event.event_id, outcome=DELIVERED) for event in call.events)
        settled = SettledCall(lane=call.lane, token=call.token, verdict=Verdict.ACCEPTED, events=events)
        desk.ledger.run(settle([settled], QUICK))
    yield flag
    flag.set()


def test_one_teller_runs_beside_its_caller_and_is_waited_for(works: Works, desk: Desk, may_end: Flag) -> None:
    works.serves_hooks = True

    first = works.tell_here("default", "")
    until(lambda: works.counters and works.counters["default"].telling)
    second = works.tell_here("default", "")
    untold = desk.count("hooks_told")
    may_end.set()
    works.join_tellers()

    assert (first, second) == (True, False)
    assert (untold, desk.count("hooks_told")) == (0, 1)
    assert works.tell_here("default", "") is True
    works.join_tellers()


def test_a_hook_beside_its_caller_is_not_waited_for_beyond_its_limit(works: Works, may_end: Flag) -> None:
    works.serves_hooks = True
    works.settings = QUICK.model_copy(update={"hook_timeout_ms": 1})
    works.tell_here("default", "")
    until(lambda: works.counters and works.counters["default"].telling)

    works.join_tellers()

    assert works.tellers_here["default"].is_alive()
    may_end.set()
    works.tellers_here["default"].join(30)


def test_a_worker_that_serves_no_hooks_tells_none_itself(works: Works, desk: Desk, may_end: Flag) -> None:
    told = works.tell_here("default", "")

    assert told is False
    assert (works.tellers_here, desk.status().sizes["hooks"]) == ({}, 1)


def test_a_pump_that_runs_for_the_account_is_woken(
    works: Works, desk: Desk, far_end: FarEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump_module, "LOOK_AGAIN_MS", LONG_MS)  # by itself it would not look in time
    may_land = Flag()
    far_end.answer = lambda body: ACCEPTED if b"c-2" in body or may_land.wait(30) else CLOSED
    desk.enqueue("c-1")
    thread = Thread(target=works.run_pump, args=("default", ""))
    thread.start()
    far_end.wait_for_posts(1)
    (running,) = works.pumps["default"]
    until(lambda: running._claim_at > monotonic_ms())
    second = desk.enqueue("c-2")

    works.wake("default")
    works.wake("an-account-without-pumps")

    until(lambda: desk.state(second) == "delivered", within_s=15)
    may_land.set()
    thread.join(30)


def test_hooks_hang_that_run_for_more_than_twice_their_limit(works: Works, desk: Desk) -> None:
    limit, now = QUICK.hook_timeout_ms, monotonic_ms()
    telling = {"t1": ("mail", now - 2 * limit - 100), "t2": ("sms", now - 2 * limit + 60_000)}
    works.counters["default"] = Counter(ledger=desk.ledger, settings=QUICK, stopping=Flag(), telling=telling)

    assert works.hanging_hooks() == ["mail"]


# Putting it together


def test_the_works_are_made_once_a_process_and_a_forked_child_makes_its_own() -> None:
    script = """
import os
from workers.wiring import works
mine = works()
assert works() is mine
if (child := os.fork()) == 0:
    theirs = works()
    os._exit(0 if theirs is not mine and theirs.worker != mine.worker and works() is theirs else 1)
assert os.waitpid(child, 0)[1] == 0
"""

    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env={**os.environ, **ENVIRON}, check=False)

    assert ran.returncode == 0


def test_a_worker_has_read_its_scripts_before_it_makes_a_call() -> None:
    script = """
from unittest.mock import patch
from workers.wiring import works
from shipper.ledger import scripts
works()
with patch.object(scripts, "_FOLDER", None):  # gone, or out of reach: every file descriptor is in use
    scripts.load("settle")
"""

    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env={**os.environ, **ENVIRON}, check=False)

    assert ran.returncode == 0


def test_a_workers_name_is_one_word_that_tells_host_and_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: 'we"b 1|ö\n' + "x" * 100)

    assert worker_name() == f"we-b-1-ö-{'x' * 31}:{os.getpid()}"


def test_calls_are_carried_by_a_fleet() -> None:
    gameball = Gameball(account_of("default", ENVIRON))

    assert isinstance(make_sky(gameball, 3), FleetSky)


@pytest.mark.parametrize(
    ("module", "ask"), [("gevent.monkey", "is_module_patched"), ("eventlet.patcher", "is_monkey_patched")]
)
def test_where_threads_are_green_each_call_has_a_thread(
    module: str, ask: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    patched = SimpleNamespace(**{ask: lambda what: what in {"thread", "threading"}})
    monkeypatch.setitem(sys.modules, module, cast("ModuleType", patched))
    native = SimpleNamespace(ThreadPoolExecutor=ThreadPoolExecutor)
    monkeypatch.setitem(sys.modules, "gevent.threadpool", cast("ModuleType", native))
    gameball = Gameball(account_of("default", ENVIRON))

    assert isinstance(make_sky(gameball, 3), ThreadSky)


# Hooks


def test_every_module_of_hooks_that_cannot_be_imported_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fine_hooks_of_this_test.py").write_text("")
    (tmp_path / "bad_hooks_of_this_test.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    names = ("fine_hooks_of_this_test", "bad_hooks_of_this_test", "no_such_module_at_all")

    with pytest.raises(SettingsError) as raised:
        import_hooks(QUICK.model_copy(update={"hooks": names}))

    missing = "ModuleNotFoundError: No module named 'no_such_module_at_all'"
    assert [str(problem) for problem in raised.value.problems] == [
        "SHIPPER_HOOKS names bad_hooks_of_this_test, which fails: ZeroDivisionError: division by zero",
        f"SHIPPER_HOOKS names no_such_module_at_all, which fails: {missing}",
    ]
    assert "fine_hooks_of_this_test" in sys.modules


# Redis


def test_a_redis_that_may_lose_events_is_warned_of(
    works: Works, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    durability = check_redis(works)

    assert durability.keeps_all is False
    assert "the append-only file is off" in caplog.text


def test_a_redis_that_may_lose_a_moment_is_warned_of_and_taken_where_durability_is_required(
    works: Works, private_server: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    server = private_server(options={"appendonly": "yes", "appendfsync": "everysec"})
    works.settings = QUICK.model_copy(update={"require_durable_redis": True})
    works.pool = make_pool(server.url, budget_ms=3000)

    durability = check_redis(works)

    assert durability.problems == ()
    assert "redis.weak" in caplog.text
    assert "appendfsync is everysec: a power loss may lose the last two seconds" in caplog.text
    works.pool.disconnect()


def test_a_redis_that_may_lose_events_is_refused_where_durability_is_required(works: Works) -> None:
    works.settings = QUICK.model_copy(update={"require_durable_redis": True})

    with pytest.raises(SettingsError, match="SHIPPER_REDIS_URL the append-only file is off"):
        check_redis(works)


def test_a_redis_that_keeps_all_is_taken(works: Works, private_server: StartServer) -> None:
    server = private_server(options={"appendonly": "yes", "appendfsync": "always"})
    works.settings = QUICK.model_copy(update={"require_durable_redis": True})
    works.pool = make_pool(server.url, budget_ms=3000)

    durability = check_redis(works)

    assert durability.keeps_all
    works.pool.disconnect()
