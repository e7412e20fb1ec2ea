"""At the terminal: a person of 80 columns finds the three reasons and puts each right with `shipper dead`."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable
from typing import Final

from tests.support.terminal import Terminal
from tests.walk.album import Album
from tests.walk.shop import INACTIVE, OPERATOR, RENAMED, TEST_SHOP, Shop

OURS: Final = ("SHIPPER_", "GAMEBALL_", "REDIS_URL", "NO_COLOR", "FORCE_COLOR", "COLUMNS")
SECONDS: Final = 60.0
LINES: Final = 50

Say = Callable[[str], object]


def walk_at_terminal(shop: Shop, album: Album, *, rate: int, say: Say = str) -> None:
    """Put everything right, at `rate` events a second."""
    desk = _Desk(shop, album)
    reasons = desk.look("reasons", "dead reasons")
    for cause in (RENAMED, INACTIVE, TEST_SHOP):
        assert f"{shop.count(cause):,}  refused {cause.code} · {cause.event}" in reasons

    say(f"edit {shop.count(RENAMED):,} of {RENAMED.event}")
    _edit_one(desk, shop)
    _edit_the_rest(desk, shop, rate)

    say(f"send {shop.count(INACTIVE):,} of {INACTIVE.event} again at {rate}/s")
    shop.activate()
    _redrive(desk, shop, rate)

    say(f"discard {shop.count(TEST_SHOP):,} of {TEST_SHOP.event}")
    _discard(desk, shop)

    say("wait until everything has ended")
    shop.stage.until_at_rest(within_s=600)
    assert "no dead letters" in desk.look("", "dead reasons")
    assert "everything adds up" in desk.look("audit", "audit")
    desk.look("trail", "trail --limit 12")


def _edit_one(desk: _Desk, shop: Shop) -> None:
    """Try the cure on one letter, and see that Gameball takes it."""
    event_id = shop.tried = shop.ids[RENAMED.event][-1]
    desk.look("show", f"dead show {event_id}")
    command = f"dead edit {event_id} --rename {RENAMED.event}=purchase --number purchase.total"
    with desk.open(command) as terminal:
        terminal.await_text("Send it again so? [y/N]: ", seconds=SECONDS)
        terminal.type("y\n")
        assert terminal.await_end(seconds=SECONDS) == 0
        desk.keep("edit-one", command, terminal)
    shop.stage.until_state(event_id, "delivered")


def _edit_the_rest(desk: _Desk, shop: Shop, rate: int) -> None:
    command = (
        f"dead edit --code {RENAMED.code} --event {RENAMED.event}"
        f" --rename {RENAMED.event}=purchase --number purchase.total"
        f" --rate {rate}/s --because 'deploy 4711 renamed it'"
    )
    left = shop.count(RENAMED) - 1
    with desk.open(command) as terminal:
        terminal.await_text(f"Change {left:,} event(s) and send them again, over ", seconds=SECONDS)
        terminal.type("y\n")
        assert terminal.await_end(seconds=SECONDS) == 0
        assert f"{left:,} changed and sent again" in terminal.text
        desk.keep("edit-many", command, terminal)


def _redrive(desk: _Desk, shop: Shop, rate: int) -> None:
    total = shop.count(INACTIVE)
    command = f"dead redrive --code {INACTIVE.code} --rate {rate}/s --because 'customers activated'"
    seconds = SECONDS + 4 * (shop.letters / rate)
    with desk.open(command) as terminal:
        terminal.await_text(f"Send {total:,} event(s) again, over ", seconds=SECONDS)
        terminal.type("y\n")
        while not _sent(terminal) >= total // 3:
            terminal.await_text(" delivered ", seconds=seconds)
        terminal.await_text(f" {rate}/s ", seconds=SECONDS)
        terminal.await_text("0:", seconds=SECONDS)
        desk.keep("job-runs", command, terminal)
        assert terminal.await_end(seconds=seconds) == 0
        desk.keep("job-done", command, terminal)
        assert f"delivered {total:,}" in terminal.text


def _sent(terminal: Terminal) -> int:
    return max(map(int, re.findall(r"sent (\d+)/", terminal.text)), default=0)


def _discard(desk: _Desk, shop: Shop) -> None:
    command = f"dead discard --code {TEST_SHOP.code} --event {TEST_SHOP.event}"
    with desk.open(command) as terminal:
        terminal.await_text("Why?", seconds=SECONDS)
        terminal.type("events of the test shop\n")
        terminal.await_text(f"Discard {shop.count(TEST_SHOP):,} event(s) for good? [y/N]: ", seconds=SECONDS)
        terminal.type("y\n")
        assert terminal.await_end(seconds=SECONDS) == 0
        desk.keep("discard", command, terminal)


class _Desk:
    """Run `shipper` in terminals of 80 columns, and keep what they show."""

    def __init__(self, shop: Shop, album: Album) -> None:
        self._album = album
        pace = {f"SHIPPER_{name.upper()}": str(value) for name, value in shop.pace.items()}
        self._env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(OURS)},
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "SHIPPER_REDIS_URL": shop.stage.server.url,
            "SHIPPER_OPERATOR": OPERATOR,
            **pace,
        }

    def open(self, command: str) -> Terminal:
        arguments = [sys.executable, "-m", "shipper", *shlex.split(command)]
        return Terminal(arguments, env=self._env, lines=LINES)

    def look(self, name: str, command: str) -> str:
        """Run a command that only looks; return what it printed."""
        with self.open(command) as terminal:
            assert terminal.await_end(seconds=SECONDS) == 0, terminal.text
            self.keep(name, command, terminal)
            return terminal.text

    def keep(self, name: str, command: str, terminal: Terminal) -> None:
        self._album.terminal(name and f"walk-{name}", f"shipper {command}", terminal.output)
