"""The demo as its users run it, smaller; and that it fails when something does not add up."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from shipper.cli.demo import demo
from shipper.local.demo import Demo
from shipper.local.ending import Ending
from shipper.local.program import NoServerError
from shipper.local.report import Report
from shipper.local.surroundings import python
from tests.support.terminal import CTRL_C, Terminal

ROOT: Final = Path(__file__).parents[2]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Settings of a real account, which the demo must not look at; temporary folders go to the test's own."""
    return {
        **os.environ,
        "TMPDIR": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "SHIPPER_REDIS_URL": "redis://127.0.0.1:1/0",
        "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
        "GAMEBALL_API_KEY": "live-key",
        "GAMEBALL_BASE_URL": "https://127.0.0.1:1",
        "SHIPPER_LEASE_MS": "1",
    }


def processes_that_name(folder: Path) -> list[str]:
    """List the processes whose command or environment has the folder in it."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            said = (path / "cmdline").read_bytes() + (path / "environ").read_bytes()
        except OSError:
            continue
        if os.fsencode(folder) in said and int(path.name) != os.getpid():
            found.append((path / "cmdline").read_bytes().decode().replace("\0", " "))
    return found


def test_a_small_demo_adds_up_and_leaves_nothing(environ: dict[str, str], tmp_path: Path) -> None:
    ended = subprocess.run(
        python("shipper", "demo", "--events=400", "--json"),
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    report = json.loads(ended.stdout)
    assert report["problems"] == []
    assert report["accepted"] == 400
    assert report["delivered"] + report["dead"] + report["unclear"] == 400
    assert report["lost"] == 0
    assert report["worker_killed"].startswith("worker-")
    assert report["hooks_told"] == report["hooks"] > 0
    assert report["busiest_second"] <= report["pace_per_second"]
    assert {"refused 3003", "vague 4500"} <= report["dead_by_reason"].keys()
    assert report["retried"] > 0
    assert processes_that_name(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_in_a_terminal_one_line_tells_how_far_it_is_until_ctrl_c_which_leaves_nothing(
    environ: dict[str, str], tmp_path: Path
) -> None:
    command = python("shipper", "demo", "--events=50000")
    with Terminal(command, env={**environ, "TERM": "xterm-256color"}) as terminal:
        terminal.await_text("starting", seconds=60)
        terminal.await_text("stands in for Gameball at", seconds=60)
        terminal.await_text(" calls/s", seconds=60)

        terminal.type(CTRL_C)
        code = terminal.await_end(seconds=60)

        assert code == 1
        assert terminal.text.rstrip().endswith("Error: interrupted")
        lines = re.split(r"[\r\n]+", terminal.text.replace("^C", ""))
        assert [line for line in lines if len(line) > 80] == []
        assert any(
            re.fullmatch(r"shipping   ━.* \d+/\d+ delivered  \d+ dead +\d+ calls/s", line) for line in lines
        )
    assert processes_that_name(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


REPORT: Final = Report(
    accepted=4,
    delivered=2,
    dead=1,
    dead_by_reason={"refused 3003": 1},
    unclear=1,
    lost=0,
    calls=5,
    events_per_call=1.2,
    retried=1,
    duplicates=1,
    causes=2,
    crashed=1,
    hooks=3,
    hooks_told=3,
    points=201,
    points_of_duplicates=50,
    busiest_second=5,
    pace_per_second=200,
    answers={"200": 3, "422": 1, "500": 1, "reset": 2, "closed": 1},
    worker_killed="worker-1",
    calls_cut_off=1,
    took_ms=12_345,
    problems=(),
)
PRINTED: Final = """
accepted      4  and at rest after 12.3 s
delivered     2  each is in Gameball's log, each customer's in order
dead          1  1 refused 3003
unclear       1  parked: only a person sends them again
lost          0
calls         5  1.20 events a call
              5  in the busiest second, of 200 allowed
retried       1  1 × 500, 3 × no answer
duplicates    1  for 2 causes on record:
                 1 answers lost, 1 in the killed worker
hooks told    3  of 3
points      201  in Gameball's ledger: 151 earned, 50 by duplicates

Everything adds up.
"""  # noqa: RUF001 - times


@pytest.fixture
def ends_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[Report | Exception], list[Path]]:
    """Replace the play itself; its end remains. The list is of the folders it was given."""

    def replaced_by(end: Report | Exception) -> list[Path]:
        folders: list[Path] = []

        def run(self: Demo, _: Ending) -> Report:
            folders.append(self._folder)
            (self._folder / "facts.jsonl").touch()
            if isinstance(end, Exception):
                raise end
            return end

        monkeypatch.setattr(Demo, "run", run)
        return folders

    return replaced_by


def test_what_adds_up_is_printed_as_a_table_and_ends_well(
    ends_with: Callable[[Report | Exception], list[Path]],
) -> None:
    folders = ends_with(REPORT)

    found = CliRunner().invoke(demo, [])

    assert found.exit_code == 0
    assert [line.rstrip() for line in found.output.splitlines()] == PRINTED.splitlines()
    assert not folders[0].exists()


def test_what_does_not_add_up_is_told_and_fails(
    ends_with: Callable[[Report | Exception], list[Path]],
) -> None:
    folders = ends_with(replace(REPORT, lost=1, problems=("S-2 (ID) is unknown to the ledger",)))

    found = CliRunner().invoke(demo, ["--keep"])

    assert found.exit_code == 1
    assert "1 do not add up:\n  S-2 (ID) is unknown to the ledger\n" in found.output
    assert found.output.endswith(f"Kept: {folders[0]}\n")
    assert (folders[0] / "facts.jsonl").exists()
    shutil.rmtree(folders[0])


def test_what_keeps_it_from_running_is_told_and_leaves_no_folder(
    ends_with: Callable[[Report | Exception], list[Path]],
) -> None:
    folders = ends_with(NoServerError("no server here.\nInstall one."))

    found = CliRunner().invoke(demo, [])

    assert found.exit_code == 1
    assert found.output == "Error: no server here.\n       Install one.\n"
    assert not folders[0].exists()
