"""The command line on an emptied server, within this process and as a program."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import pytest
from click.testing import CliRunner, Result
from redis import Redis

import shipper
from shipper.cli import cli
from shipper.client import _current
from shipper.ledger.ledger import Ledger
from shipper.ledger.pool import make_pool
from tests.inspector.story import Story
from tests.support.servers import RedisServer
from tests.support.terminal import Terminal

PATIENT = {"SHIPPER_ENQUEUE_BUDGET_MS": "15000"}
"""An event is accepted though Redis, or this process, is held up for seconds."""
OURS = ("SHIPPER_", "GAMEBALL_", "REDIS_URL", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM")


class Run(Protocol):
    """Run a command within this process, without a terminal."""

    def __call__(
        self, *arguments: str, code: int = 0, given: str | bytes | None = None, **env: str
    ) -> Result: ...


class Open(Protocol):
    """Run a command as a program in a terminal of 80 columns."""

    def __call__(self, *arguments: str, columns: int = 80, **env: str) -> Terminal: ...


@pytest.fixture
def server(redis7: RedisServer) -> RedisServer:
    """One server is enough here: what it holds is read by the inspector, which is tested on both."""
    return redis7


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let no setting of this machine in, and none of a test out."""
    for name in list(os.environ):
        if name.startswith(OURS):
            monkeypatch.delenv(name)
    yield
    shipper.close()
    _current.client = None


@pytest.fixture
def run(server: RedisServer, redis: Redis) -> Run:
    def run(*arguments: str, code: int = 0, given: str | bytes | None = None, **env: str) -> Result:
        settings = {"SHIPPER_REDIS_URL": server.url} | PATIENT | env
        result = CliRunner(env=settings).invoke(cli, list(arguments), input=given, prog_name="shipper")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def in_terminal(server: RedisServer, redis: Redis) -> Iterator[Open]:
    terminals = []

    def open_(*arguments: str, columns: int = 80, **env: str) -> Terminal:
        settings = {**os.environ, "TERM": "xterm-256color", "SHIPPER_REDIS_URL": server.url, **PATIENT, **env}
        command = [sys.executable, "-m", "shipper", *arguments]
        terminal = Terminal(command, env=settings, columns=columns)
        terminals.append(terminal)
        return terminal

    yield open_
    for terminal in terminals:
        with terminal:
            pass


@pytest.fixture
def ledger(server: RedisServer, redis: Redis) -> Iterator[Ledger]:
    pool = make_pool(server.url, budget_ms=15_000)
    yield Ledger(pool)
    pool.disconnect()


@pytest.fixture
def story(ledger: Ledger) -> Story:
    return Story(ledger)


def objects(result: Result) -> list[dict[str, Any]]:
    """Return the objects of a command's JSON lines; anything else in its output is an error."""
    found: list[dict[str, Any]] = [json.loads(line) for line in result.stdout.splitlines()]
    return found


def one(result: Result) -> Mapping[str, Any]:
    """Return the one object that a command printed."""
    (found,) = objects(result)
    return found
