"""Supervisors that a test starts, with what they told; none outlives its test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shipper.local.ending import Ending
from shipper.local.supervisor import Supervisor
from tests.local.told import Told


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def ending() -> Ending:
    return Ending()


@pytest.fixture
def supervisor(told: Told, ending: Ending) -> Iterator[Supervisor]:
    with Supervisor(told, ending) as supervisor:
        yield supervisor
