"""Starting, restarting and ending, with tiny real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from threading import Event as Flag
from threading import Thread

import pytest

from shipper.local.ending import Ending, InterruptedRunError
from shipper.local.fact import Fact
from shipper.local.port import free_port, is_free
from shipper.local.supervisor import LOOK_MS, NotReadyError, Supervisor
from tests.local.told import Told, is_gone, role, wait_until

SERVES = "import signal; print('ready'); signal.pause()"
IGNORES = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready")
while True:
    signal.pause()
"""
FAILS_ON_SIGTERM = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit("out of order"))
print("ready")
signal.pause()
"""
HAS_CHILD = """
import os, signal
pid = os.fork()
if pid == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        signal.pause()
print(pid)
print('ready')
signal.pause()
"""


def test_what_it_started_is_ready_and_runs(supervisor: Supervisor, told: Told) -> None:
    supervisor.start(role("one", SERVES), role("two", SERVES))

    assert supervisor.pids().keys() == {"one", "two"}
    assert not any(is_gone(pid) for pid in supervisor.pids().values())
    assert told.events("one") == ["ready", "process.ready"]


def test_the_line_that_makes_it_ready_is_told_before_that_it_is(told: Told, ending: Ending) -> None:
    def tell_slowly(fact: Fact) -> None:
        if fact.event == "ready":
            Flag().wait(4 * LOOK_MS / 1000)
        told(fact)

    with Supervisor(tell_slowly, ending) as supervisor:
        supervisor.start(role("one", SERVES))

    assert told.events("one") == ["ready", "process.ready", "process.stopped"]


def test_what_ends_is_started_again_and_that_is_told(supervisor: Supervisor, told: Told) -> None:
    supervisor.start(role("one", SERVES))

    first = supervisor.kill("one")

    ended = told.wait_for("one", "process.ended")
    assert (ended.level, dict(ended.fields)) == ("warning", {"by": "SIGKILL", "again_in_ms": 500})
    told.wait_for("one", "process.started")
    assert is_gone(first)
    assert supervisor.pids()["one"] != first


def test_what_ends_again_and_again_is_started_ever_later(supervisor: Supervisor, told: Told) -> None:
    supervisor.start(role("one", SERVES))

    supervisor.kill("one")
    told.wait_for("one", "process.started", 1)
    supervisor.kill("one")
    told.wait_for("one", "process.started", 2)
    supervisor.kill("one")

    ended = [told.wait_for("one", "process.ended", times) for times in (1, 2, 3)]
    assert [each.fields["again_in_ms"] for each in ended] == [500, 1000, 2000]


def test_what_ends_by_itself_is_told_with_its_last_word(supervisor: Supervisor, told: Told) -> None:
    supervisor.start(role("one", FAILS_ON_SIGTERM))

    os.kill(supervisor.pids()["one"], signal.SIGTERM)

    ended = told.wait_for("one", "process.ended")
    assert dict(ended.fields) == {"by": "exit code 1", "again_in_ms": 500, "said": "out of order"}


def test_what_ends_before_it_is_ready_is_told_with_its_last_words(supervisor: Supervisor) -> None:
    with pytest.raises(NotReadyError) as raised:
        supervisor.start(role("one", "print('no port left'); raise SystemExit(3)"))

    assert str(raised.value) == "one ended with exit code 3 before it was ready\n  no port left"
    assert supervisor.pids() == {}


def test_waiting_for_the_ready_ends_when_the_run_is_asked_to_end(
    supervisor: Supervisor, ending: Ending
) -> None:
    def ask_once_it_is_started() -> None:
        wait_until(supervisor.pids, "it is not started")
        ending.ask()

    asker = Thread(target=ask_once_it_is_started)
    asker.start()

    with pytest.raises(InterruptedRunError):
        supervisor.start(role("one", "import signal; signal.pause()"))

    asker.join()


def test_a_server_moves_to_another_port_when_somebody_was_quicker(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve = "import socket; s = socket.create_server(('127.0.0.1', {})); print('ready'); s.accept()"
    taken = supervisor.start_server(lambda port: role("first", serve.format(port)))
    ports = iter([taken, free_port()])
    monkeypatch.setattr("shipper.local.supervisor.free_port", lambda _: next(ports))

    port = supervisor.start_server(lambda port: role("second", serve.format(port)))

    assert port != taken
    assert not is_free(port)


def test_the_end_goes_from_the_highest_rank_to_the_lowest(told: Told, ending: Ending) -> None:
    with Supervisor(told, ending) as supervisor:
        supervisor.start(role("ledger", SERVES, rank=1))
        supervisor.start(role("worker-1", SERVES, rank=3), role("worker-2", SERVES, rank=3))
        supervisor.start(role("sandbox", SERVES, rank=2))
        pids = supervisor.pids().values()

    stopped = [fact.process for fact in told.facts if fact.event == "process.stopped"]
    assert stopped == ["worker-1", "worker-2", "sandbox", "ledger"]
    assert all(is_gone(pid) for pid in pids)


def test_what_does_not_end_within_its_grace_is_killed(told: Told, ending: Ending) -> None:
    with Supervisor(told, ending) as supervisor:
        supervisor.start(role("stubborn", IGNORES, grace_ms=200))
        (pid,) = supervisor.pids().values()

    killed = told.wait_for("stubborn", "process.killed")
    assert 200 <= killed.fields["after_ms"] < 10_000
    assert is_gone(pid)


def test_a_hurry_waits_for_nobody(told: Told, ending: Ending) -> None:
    with Supervisor(told, ending) as supervisor:
        supervisor.start(role("stubborn", IGNORES, grace_ms=60_000))
        ending.ask()
        ending.ask()

    killed = told.wait_for("stubborn", "process.killed")
    assert killed.fields["after_ms"] < 60_000


def test_what_an_ended_process_leaves_behind_is_killed_too(told: Told, ending: Ending) -> None:
    with Supervisor(told, ending) as supervisor:
        supervisor.start(role("parent", HAS_CHILD))
        grandchild = int(told.events("parent")[0])

    assert is_gone(grandchild)


def test_when_the_supervisor_is_killed_its_processes_end(tmp_path: Path) -> None:
    program = f"""
    import sys
    from shipper.local.ending import Ending
    from shipper.local.supervisor import Supervisor
    from tests.local.told import role
    with Supervisor(lambda fact: None, Ending()) as supervisor:
        supervisor.start(role("one", {SERVES!r}, rank=1), role("two", {HAS_CHILD!r}, rank=2))
        print(*supervisor.pids().values(), flush=True)
        sys.stdin.read()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        pids = [int(pid) for pid in process.stdout.readline().split()]

        process.send_signal(signal.SIGKILL)
        process.wait()

        assert len(pids) == 2
        wait_until(lambda: all(is_gone(pid) for pid in pids), "its processes run on")
        wait_until(lambda: all(_has_no_group(pid) for pid in pids), "a process of theirs runs on")


def _has_no_group(leader: int) -> bool:
    """Tell whether nobody of a process group runs any more."""
    listed = subprocess.run(["ps", "-A", "-o", "pgid=,stat="], capture_output=True, text=True, check=True)
    rows = [line.split() for line in listed.stdout.splitlines()]
    return not any(int(group) == leader and not state.startswith("Z") for group, state in rows)


def test_a_reader_that_fails_keeps_no_process_from_writing(ending: Ending) -> None:
    def deaf(_: object) -> None:
        raise BrokenPipeError

    chatty = "for i in range(20_000): print('x' * 80)\nprint('ready')\nimport signal; signal.pause()"

    with Supervisor(deaf, ending) as supervisor:
        supervisor.start(role("chatty", chatty))
        (pid,) = supervisor.pids().values()

        assert not is_gone(pid)
