"""Checks: what the true build must pass and broken builds must fail; each returns what it complains of."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import requests

from tests.faults import producers
from tests.faults.boundaries import Deed, Strike
from tests.faults.broken import without
from tests.faults.campaign import Ground
from tests.faults.enumeration import KILLS, Enumeration, wrong
from tests.faults.forks import Forks
from tests.faults.points import scenes
from tests.faults.stopped import LEASE_MS, MARGIN_MS, STORIES, Story
from tests.support.hostile import Connection, HostileServer, answering, applying_the_second_and
from tests.support.sandbox import Sandbox
from tests.support.servers import RedisServer
from workers.curl import CurlAdapter
from workers.wire import LostError

DEADLINE_S: Final = 10.0
SHORT_DEADLINE_S: Final = 0.5
MANY: Final = 100
"""A pace that nobody reaches: where there is none, a claim may be sent as long as its lease lasts."""
EVERY_S: Final = 0.05
PIECES: Final = 60
"""An answer that comes in so many pieces takes six times as long as the call may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Yard:
    """Where checks are made, one after another, of one build after another."""

    server: RedisServer
    stage: Enumeration

    def forget_scripts(self) -> None:
        """Let Redis forget all scripts."""
        with self.server.client() as client:
            client.script_flush()


@contextmanager
def yard(server: RedisServer, folder: Path) -> Iterator[Yard]:
    """Set up a sandbox and the forks of workers beside a Redis."""
    with ExitStack() as stack:
        for name in ("gameball", "forks"):
            (folder / name).mkdir(parents=True)
        sandbox = stack.enter_context(Sandbox(folder / "gameball"))
        forks = stack.enter_context(
            Forks(
                folder / "forks",
                server.url,
                sandbox.url,
                pace_per_second=MANY,
                pace_margin_ms=MARGIN_MS,
                lease_ms=LEASE_MS,
            )
        )
        stage = Enumeration(forks, server, sandbox)
        stack.callback(stage.close)
        yield Yard(server=server, stage=stage)


@contextmanager
def yard_on(ground: Ground) -> Iterator[Yard]:
    """Set a yard up beside a Redis of its own."""
    server = ground.server()
    server.start()
    try:
        with yard(server, ground.place("yard")) as there:
            yield there
    finally:
        server.kill()


Check = Callable[[Yard, str], list[str]]
"""Takes the name of a broken build, or an empty one."""


def crash_points(there: Yard, build: str) -> list[str]:
    """Kill workers where it matters most: with the claim written, and with the POST answered."""
    return _strike(
        there, build, [Strike(deed=deed, at=1, name=name) for deed in KILLS for name in ("post", "settle")]
    )


def lost_answers(there: Yard, build: str) -> list[str]:
    """Lose the answers of the claim, of the settle, and of the hook's claim."""
    names = ("claim", "settle", "hook_claim")
    return _strike(there, build, [Strike(deed=Deed.LOSE, at=1, name=name) for name in names])


def _strike(there: Yard, build: str, strikes: list[Strike]) -> list[str]:
    accepted = [scene for scene in scenes() if scene.name == "accepted"]
    there.stage.forks.build = build
    there.stage.warm_up(accepted[0])
    return wrong(there.stage.strike([(scene, strike) for scene in accepted for strike in strikes]))


def _story(story: Story) -> Check:
    def told(there: Yard, build: str) -> list[str]:
        there.stage.forks.build = build
        return wrong([story.tell(there.stage)])

    return told


def enqueues(there: Yard, build: str) -> list[str]:
    """Kill producers, and lose their answers: one event, known again by its id, and by its key."""
    there.stage.forks.build = build
    kinds = [kind for kind in producers.KINDS if kind.name in {"one event", "one event by its key"}]
    return wrong(producers.walk(there.stage, kinds, forget=there.forget_scripts))


def slow_answer(_: Yard, build: str) -> list[str]:
    """Post to a server whose answer ends long after the call must."""
    with without(build), HostileServer(_drip) as server:
        answered = _post(CurlAdapter(), server.url, deadline_s=SHORT_DEADLINE_S)
    # Not by the clock: what a busy machine adds would count as the call's.
    took_s = PIECES * EVERY_S
    return [f"a call with a limit of {SHORT_DEADLINE_S} s was still under way after {took_s} s"] * answered


def _drip(connection: Connection) -> None:
    connection.hear()
    connection.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % PIECES)
    for _ in range(PIECES):
        time.sleep(EVERY_S)
        connection.say(b" ")


def redirect(_: Yard, build: str) -> list[str]:
    """Post to a server that points to another."""
    with without(build), HostileServer() as other:
        with HostileServer(answering(302, Location=f"{other.url}/elsewhere")) as server:
            _post(CurlAdapter(), server.url)
        keys = sum(1 for head in other.heads if b"canary" in head)
        return [f"another host saw {len(other.heads)} requests, {keys} of them with the key"] * bool(
            other.heads
        )


def dying_connection(_: Yard, build: str) -> list[str]:
    """Post twice to a server that applies the second call and closes."""
    with without(build), HostileServer(applying_the_second_and(Connection.close)) as server:
        adapter = CurlAdapter()
        _post(adapter, server.url, b"first")
        _post(adapter, server.url, b"second")
        copies = server.bodies.count(b"second")
    return [f"one call arrived {copies} times"] * (copies != 1)


def _post(adapter: CurlAdapter, url: str, body: bytes = b"{}", *, deadline_s: float = DEADLINE_S) -> bool:
    """Post, and tell whether the answer came whole."""
    request = requests.Request("POST", url, data=body, headers={"APIKey": "canary"}).prepare()
    try:
        adapter.send(request, timeout=(deadline_s, deadline_s))
    except LostError:
        return False
    return True


CHECKS: Final[dict[str, Check]] = {
    "crash points": crash_points,
    "lost answers": lost_answers,
    "producers": enqueues,
    **{story.name: _story(story) for story in STORIES},
    "an answer that takes too long": slow_answer,
    "a redirect to another host": redirect,
    "a kept-alive connection that dies": dying_connection,
}
