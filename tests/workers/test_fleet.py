"""The fleet against servers that misbehave; what an answer means, test_gameball tells."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from queue import SimpleQueue

import pytest

from tests.support.hostile import Connection, HostileServer, make_certificate
from tests.support.worker import ROOT
from workers.fleet import Fleet
from workers.wire import LostError, Wire


class Errand:
    """A call to a server; how it ended is put where all of a test's errands end."""

    def __init__(self, url: str, body: bytes, ends: SimpleQueue[object], fault: str = "") -> None:
        self.url, self.body, self.ends, self.fault = url, body, ends, fault
        self.end: object = None

    def leave(self) -> Wire | None:
        if self.fault == "leave":
            raise RuntimeError("a fault of ours")
        wire = Wire()
        wire.aim(self.url, trust=True, proxy="")
        wire.load(("Expect:",), self.body, connect_ms=10_000, whole_ms=20_000)
        return wire

    def arrive(self, wire: Wire, lost: LostError | None) -> None:
        if self.fault == "arrive":
            raise RuntimeError("a fault of ours")
        self.end = lost or wire.reply.body

    def fail(self, error: Exception) -> None:
        self.end = error

    def report(self) -> None:
        self.ends.put(self.end)


def echoing(connection: Connection) -> None:
    """Answer each call with its body."""
    while (body := connection.hear()) is not None:
        connection.answer(200, body)


def test_a_connection_closed_while_idle_is_replaced_before_anything_is_sent() -> None:
    closed = threading.Event()

    def play(connection: Connection) -> None:
        connection.answer(200, connection.hear() or b"")
        connection.close()
        closed.set()

    fleet, ends = Fleet(4), SimpleQueue[object]()
    with HostileServer(play) as server:
        fleet.send([Errand(server.url, b"first", ends)])
        first = ends.get(timeout=30)
        assert closed.wait(30)

        fleet.send([Errand(server.url, b"second", ends)])
        second = ends.get(timeout=30)

    assert (first, second) == (b"first", b"second")
    assert (server.bodies, server.connections) == ([b"first", b"second"], 2)


def test_a_fault_in_the_loop_is_told_to_the_calls_under_way_and_the_next_ones_leave() -> None:
    fleet, ends = Fleet(4), SimpleQueue[object]()
    with HostileServer(echoing) as server:
        fleet.send([Errand(server.url, b"before", ends)])
        assert ends.get(timeout=30) == b"before"
        fleet._multi = Faulty()

        fleet.send([Errand(server.url, b"during", ends)])
        during = ends.get(timeout=30)
        fleet.send([Errand(server.url, b"after", ends)])

        assert (str(during), ends.get(timeout=30)) == ("libcurl gave up", b"after")
        assert b"during" not in server.bodies


class Faulty:
    """A multi handle that takes calls and fails at everything else."""

    def add_handle(self, curl: object) -> None:
        """Take a call."""

    def info_read(self) -> None:
        raise RuntimeError("libcurl gave up")


def test_connections_are_kept_alive_whichever_call_used_them() -> None:
    fleet, ends = Fleet(4), SimpleQueue[object]()

    with HostileServer(echoing) as server:
        for number in range(10):
            fleet.send([Errand(server.url, b"%d" % number, ends)])
            assert ends.get(timeout=30) == b"%d" % number

    assert (len(server.bodies), server.connections) == (10, 1)


def test_as_many_calls_are_under_way_as_were_sent() -> None:
    all_there = threading.Barrier(60, timeout=30)

    def play(connection: Connection) -> None:
        body = connection.hear()
        all_there.wait()
        connection.answer(200, body or b"")

    fleet, ends = Fleet(60), SimpleQueue[object]()
    with HostileServer(play) as server:
        fleet.send([Errand(server.url, b"%d" % number, ends) for number in range(60)])
        found = {ends.get(timeout=30) for _ in range(60)}

    assert found == {b"%d" % number for number in range(60)}


@pytest.mark.parametrize("fault", ["leave", "arrive"])
def test_a_fault_of_ours_is_told_and_the_other_calls_go_on(fault: str) -> None:
    fleet, ends = Fleet(4), SimpleQueue[object]()

    with HostileServer(echoing) as server:
        fleet.send([Errand(server.url, b"bad", ends, fault), Errand(server.url, b"good", ends)])
        found = [ends.get(timeout=30), ends.get(timeout=30)]

    assert b"good" in found
    assert [str(end) for end in found if end != b"good"] == ["a fault of ours"]


def test_a_forked_child_posts_on_its_own_connection_and_leaves_the_parents_alone(tmp_path: Path) -> None:
    certificate, tls = make_certificate(tmp_path, "127.0.0.1")
    script = textwrap.dedent(
        """
        import gc, os, sys
        from queue import SimpleQueue
        import workers.wire
        from tests.workers.test_fleet import Errand
        from workers.fleet import Fleet

        workers.wire.IDLE_S = 60  # however long the child takes
        url, bundle = sys.argv[1:]

        class Trusting(Errand):
            def leave(self):
                wire = super().leave()
                wire.aim(url, trust=bundle, proxy="")
                return wire

        def post(fleet, body):
            ends = SimpleQueue()
            fleet.send([Trusting(url, body, ends)])
            assert ends.get(timeout=30) == body

        fleet = Fleet(4)
        post(fleet, b"parent")
        child = os.fork()
        if not child:
            post(fleet, b"child")
            del fleet
            gc.collect()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        post(fleet, b"parent again")
        """
    )

    with HostileServer(echoing, tls=tls) as server:
        command = [sys.executable, "-c", script, server.url, str(certificate)]
        subprocess.run(command, check=True, timeout=50, cwd=ROOT)

    assert server.bodies == [b"parent", b"child", b"parent again"]
    assert server.numbers == [1, 2, 1]
