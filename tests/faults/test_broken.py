"""Who tests the tests: every build with one rule taken away fails a check that the true build passes."""

from __future__ import annotations

import pytest

from tests.faults.broken import BUILDS, Build
from tests.faults.checks import CHECKS, Yard


@pytest.mark.parametrize("name", CHECKS)
def test_the_true_build_passes(there: Yard, name: str) -> None:
    complaints = CHECKS[name](there, "")

    assert complaints == []


@pytest.mark.parametrize("build", BUILDS, ids=[build.name for build in BUILDS])
def test_a_broken_build_is_caught(there: Yard, build: Build) -> None:
    complaints = CHECKS[build.caught_by[0]](there, build.name)

    assert build.caught(complaints), complaints


@pytest.mark.parametrize("build", BUILDS, ids=[build.name for build in BUILDS])
def test_a_build_that_fails_in_another_way_counts_as_missed(build: Build) -> None:
    complaints = [
        "accepted, retry, killed after post 1, boundary 5: 1 w 0 0, not 2 d 1 1",
        "a worker ended: ERR Error compiling script (new function)",
    ]

    assert not build.caught(complaints)
