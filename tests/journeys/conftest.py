"""A stage for each test; the sandbox is shared, and as freshly started for each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

import pytest

import shipper
from shipper.client import _current
from shipper.settings import Settings
from tests.support.sandbox import Sandbox
from tests.support.servers import StartServer
from tests.support.stage import Stage
from tests.support.worker import PATIENT

ALWAYS: Final = {"appendonly": "yes", "appendfsync": "always"}
BUDGET_MS: Final = 15_000
"""Of an enqueue. Redis writes each to the disk, and a busy machine may keep it from that for a while."""


@pytest.fixture
def stage(
    private_server: StartServer, tmp_path_factory: pytest.TempPathFactory, shared_sandbox: Sandbox
) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    server = private_server(options=ALWAYS)
    shared_sandbox.reset()
    shared_sandbox.clear_faults()
    shipper.configure(Settings(redis_url=server.url, enqueue_budget_ms=BUDGET_MS))
    with ExitStack() as stack:
        yield Stage(server, shared_sandbox, folder, stack, environment=PATIENT)
    shipper.close()
    _current.client = None


@pytest.fixture(scope="session")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox without limits for all journeys, as freshly started for each."""
    with Sandbox(tmp_path_factory.mktemp("gameball")) as sandbox:
        yield sandbox
