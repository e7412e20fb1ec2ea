"""The harness itself: what is struck, what is noted, and how the table of points is read."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.faults.boundaries import Boundaries, Deed, Strike, decided
from tests.faults.broken import BUILDS, scripted
from tests.faults.checks import CHECKS
from tests.faults.door import strikes_of
from tests.faults.points import scenes


def child_that(boundaries: Boundaries) -> int:
    """Cross claim and post in a forked child; return its exit code, negative for a signal."""
    if (child := os.fork()) == 0:
        boundaries.cross("claim", lambda: None)
        boundaries.cross("post", lambda: None)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize(
    ("strike", "code", "trace"),
    [
        (Strike(deed=Deed.KILL_BEFORE, at=2), -signal.SIGKILL, [">claim", "<claim", "killed before post"]),
        (Strike(deed=Deed.KILL_AFTER, at=1), -signal.SIGKILL, [">claim", "<claim", "killed after claim"]),
        (
            Strike(deed=Deed.KILL_AFTER, at=1, name="post"),
            -signal.SIGKILL,
            [">claim", "<claim", ">post", "<post", "killed after post"],
        ),
        (Strike(deed=Deed.KILL_BEFORE, at=3), 0, [">claim", "<claim", ">post", "<post"]),
    ],
    ids=["before the 2nd", "after the 1st", "after the 1st POST", "before a 3rd that never comes"],
)
def test_a_process_is_killed_at_the_boundary_that_was_asked_for(
    tmp_path: Path, strike: Strike, code: int, trace: list[str]
) -> None:
    boundaries = Boundaries([strike], tmp_path / "trace")

    ended = child_that(boundaries)

    assert ended == code
    assert (tmp_path / "trace").read_text().splitlines() == trace


def test_an_answer_is_lost_after_the_deed_was_done(tmp_path: Path) -> None:
    done: list[str] = []
    boundaries = Boundaries([Strike(deed=Deed.LOSE, at=1)], tmp_path / "trace")

    def settle() -> str:
        done.append("settled")
        return "ok"

    told = boundaries.cross("settle", settle, lost=lambda answer: "timed out")

    assert (done, told) == (["settled"], "timed out")
    assert (tmp_path / "trace").read_text().splitlines() == [">settle", "<settle", "lost settle"]


def test_a_trace_tells_what_was_decided_and_what_was_under_way() -> None:
    trace = [">bell", "<bell", ">claim", "!claim", ">claim", "<claim", ">post", ">sweep", "<sweep"]

    assert decided(trace) == (["claim"], ["post"])
    assert decided([">claim", "<claim idle"]) == ([], [])
    assert decided([">claim", "<claim", ">settle", "<settle", ">claim", "<claim"]) == (["claim"], [])


def test_strikes_are_read_as_the_environment_has_them() -> None:
    assert strikes_of("killed after:7,answer lost:1:post") == [
        Strike(deed=Deed.KILL_AFTER, at=7),
        Strike(deed=Deed.LOSE, at=1, name="post"),
    ]


def test_no_cell_of_the_table_breaks_the_promise_itself() -> None:
    """Copies exceed causes by one at most, a parked event has one, and every event is told of."""
    complaints = [
        f"{scene.key}, {line.boundary}: {cell}"
        for scene in scenes()
        for line in scene.lines
        for cell in (line.killed, line.lost)
        if cell
        for copies, end, causes, told in zip(*cell.split(), strict=True)
        if int(copies) > int(causes) + 1
        or (scene.policy == "park" and int(copies) > 1)
        or (end == "d" and copies == "0")
        or end not in "dxu"
        or told == "0"
    ]

    assert complaints == []


def test_every_broken_build_names_checks_that_there_are() -> None:
    named = {name for build in BUILDS for name in build.caught_by}

    assert named <= set(CHECKS)
    assert all(build.caught_by for build in BUILDS)


def test_a_script_that_no_longer_has_the_text_to_break_is_refused() -> None:
    with pytest.raises(ValueError, match=r"sweep\.lua has 0 places of 'no such text'"):
        scripted("sweep", "no such text", "")()
