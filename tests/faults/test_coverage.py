"""What is said to be proven somewhere is proven there: each campaign and each test of `rows.toml` exists."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.faults.catalogue import CAMPAIGNS
from tests.faults.coverage import Covered, coverage
from tests.faults.store import ROOT

ROWS = coverage()
NAMES = {campaign.name for campaign in CAMPAIGNS}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.fault)
def test_a_fault_is_injected_somewhere(row: Covered) -> None:
    missing = [name for name in row.campaigns if name not in NAMES]
    gone = [test for test in row.tests if not is_test(test)]

    assert (missing, gone) == ([], [])
    assert row.campaigns or row.tests


def test_every_campaign_proves_something() -> None:
    named = {name for row in ROWS for name in row.campaigns}

    assert sorted(NAMES - named) == []


def test_no_fault_is_told_twice_and_those_of_an_area_stand_together() -> None:
    faults = [(row.area, row.fault) for row in ROWS]
    areas = [row.area for row in ROWS]

    assert len(set(faults)) == len(faults)
    assert sorted(areas, key=list(dict.fromkeys(areas)).index) == areas


@pytest.mark.parametrize(
    "test",
    [
        "tests/faults/test_coverage.py",
        "tests/faults/test_coverage.py::test_that_nobody_wrote",
        "tests/faults/coverage.py::coverage",
        "tests/faults/test_nothing.py::test_nothing",
    ],
)
def test_what_is_no_test_is_seen(test: str) -> None:
    assert not is_test(test)


def test_a_key_that_no_row_has_is_refused(tmp_path: Path) -> None:
    rows = tmp_path / "rows.toml"
    rows.write_text('[[row]]\narea = "Redis"\nfault = "gone"\nmust_hold = "all"\ntest = "misspelt"\n')

    with pytest.raises(TypeError, match="test"):
        coverage(rows)


def is_test(node_id: str) -> bool:
    """Tell whether a test of this id can be collected; of parametrised ones the name without its cases."""
    file, _, name = node_id.partition("::")
    return Path(file).name.startswith("test_") and name in _tests_of(ROOT / file)


@cache
def _tests_of(path: Path) -> frozenset[str]:
    if not path.exists():
        return frozenset()
    found = (
        node
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return frozenset(node.name for node in found if node.name.startswith("test_"))
