"""A counter of system calls, a far end in C, and the shared Redis, emptied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from benchmarks.far_end import far_end as run_far_end
from tests.bench.counting import compile_counter, known_here
from tests.conftest import compiler_or_skip
from tests.support.servers import RedisServer


@pytest.fixture(scope="session")
def server(redis7: RedisServer) -> RedisServer:
    """One server is enough: what a client asks does not depend on it."""
    return redis7


@pytest.fixture(scope="session")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled counter; without a compiler, or on a machine whose calls have no names here, a skip."""
    compiler_or_skip()
    if not known_here():
        pytest.skip("the numbers of this machine's system calls are not listed in counting.py")
    return compile_counter(tmp_path_factory.mktemp("counter"))


@pytest.fixture(scope="session")
def far_end_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    compiler_or_skip()
    with run_far_end(tmp_path_factory.mktemp("far_end")) as running:
        yield running.url


@pytest.fixture
def redis(server: RedisServer) -> Iterator[Redis]:
    with server.client() as client:
        client.flushall()
        client.config_resetstat()
        yield client
