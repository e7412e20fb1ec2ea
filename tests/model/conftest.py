"""The larger searches take minutes: they are marked `slow` and run with `pytest tests/model -m slow`."""

from __future__ import annotations

import pytest

from tests.simulator.conftest import ledger

__all__ = ["ledger"]


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, so that these tests run wherever they are collected."""
    config.addinivalue_line("markers", "slow: takes minutes; deselected unless asked for with -m slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the slow tests out of a run that does not choose by marker."""
    if config.getoption("markexpr"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]
