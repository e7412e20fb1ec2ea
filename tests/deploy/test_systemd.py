"""The systemd units run what the compose file runs, and end as it does."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.compose import ROOT, compose

UNITS: Final = ROOT / "deploy/systemd"
SERVICES: Final = {"worker": "gameball-shipper-worker@.service", "hooks": "gameball-shipper-hooks.service"}
PROGRAM: Final = "/opt/gameball-shipper/bin/celery"


def lines_of(name: str) -> list[str]:
    return (UNITS / name).read_text().splitlines()


@pytest.mark.parametrize("service", SERVICES)
def test_a_unit_runs_the_command_of_the_compose_file(service: str) -> None:
    of_compose = compose()["services"][service]

    (command,) = [
        line.removeprefix("ExecStart=")
        for line in lines_of(SERVICES[service])
        if line.startswith("ExecStart=")
    ]

    words = command.partition(" --hostname ")[0].split()
    assert words == [PROGRAM, *of_compose["entrypoint"][1:], *of_compose["command"]]


@pytest.mark.parametrize("unit", SERVICES.values())
@pytest.mark.parametrize(
    "line",
    [
        "KillMode=mixed",
        "Restart=always",
        "TimeoutStopSec=45",
        "StartLimitIntervalSec=0",
        "DynamicUser=yes",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "CapabilityBoundingSet=",
    ],
)
def test_a_unit_says_so(unit: str, line: str) -> None:
    assert line in lines_of(unit)


def test_who_delivers_reads_its_key_from_a_file_that_only_root_can_read() -> None:
    unit = next(unit for unit in SERVICES.values() if "hooks" not in unit)

    assert "LoadCredential=gameball_api_key:/etc/gameball-shipper/gameball_api_key" in lines_of(unit)
    assert "Environment=GAMEBALL_API_KEY_FILE=%d/gameball_api_key" in lines_of(unit)


def test_who_calls_hooks_has_no_key() -> None:
    unit = next(unit for unit in SERVICES.values() if "hooks" in unit)

    assert [line for line in lines_of(unit) if "GAMEBALL" in line or "Credential" in line] == []


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze on this machine")
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    program = shutil.which("true")
    assert program is not None
    names = [name.replace("@.", "@1.") for name in SERVICES.values()]
    for source, name in zip(SERVICES.values(), names, strict=True):
        (tmp_path / name).write_text((UNITS / source).read_text().replace(PROGRAM, program))
    shutil.copy(UNITS / "gameball-shipper.target", tmp_path)

    said = subprocess.run(
        ["systemd-analyze", "verify", *names, "gameball-shipper.target"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    ours = [line for line in said.stderr.splitlines() if "gameball" in line]
    assert (said.returncode, ours) == (0, [])
