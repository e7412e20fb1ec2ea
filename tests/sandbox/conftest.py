"""Two sandboxes without limits for all tests here, one with a plan, as freshly started for each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.support.sandbox import Sandbox

PLAN: Final[dict[str, Any]] = {
    "points": {"default": 1, "events": {"purchase": {"property": "total", "points": 2}, "signup": 100}},
    "faults": [{"match": {"event": "bad"}, "do": {"code": 2000}}],
}


@pytest.fixture(scope="session")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox
        assert sandbox.errors == ""


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Sandbox:
    shared_sandbox.reset()
    return shared_sandbox


@pytest.fixture(scope="session")
def shared_planned_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("planned"), plan=PLAN) as sandbox:
        yield sandbox
        assert sandbox.errors == ""


@pytest.fixture
def planned_sandbox(shared_planned_sandbox: Sandbox) -> Sandbox:
    """Points and one fault of the plan above."""
    shared_planned_sandbox.reset()
    return shared_planned_sandbox
