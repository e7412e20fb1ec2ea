"""`shipper up` as its users run it, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
import pytest

from shipper.cli import up as module
from shipper.cli.up import layout_of
from shipper.local.surroundings import python, without_ours
from tests.local.told import is_gone, wait_until
from tests.support.servers import RedisServer

ROOT: Final = Path(__file__).parents[2]
ANSI: Final = re.compile(r"\x1b\[")


class Up:
    """One `shipper up --json`: its facts as they come."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.facts: list[dict[str, Any]] = []

    def wait_for(self, event: str, process: str = "") -> dict[str, Any]:
        """Read facts until this one has come."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.facts.append(json.loads(line))
            if self.facts[-1]["event"] == event and process in ("", self.facts[-1]["process"]):
                return self.facts[-1]
        raise AssertionError(f"{event} was not told: {self.facts[-5:]}")

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        assert self.process.stdout is not None
        self.process.send_signal(number)
        self.facts += map(json.loads, self.process.stdout)
        return self.process.wait()


@contextmanager
def up_in(folder: Path, **more: str) -> Iterator[Up]:
    environ = {**without_ours(os.environ), "PYTHONPATH": str(ROOT), **more}
    with subprocess.Popen(
        python("shipper", "up", "--json", "--workers=1"),
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield Up(process)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.communicate()


def run(folder: Path, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
    patient = {"SHIPPER_ENQUEUE_BUDGET_MS": "15000"}
    environ = {**without_ours(os.environ), "PYTHONPATH": str(ROOT), **patient, **more}
    return subprocess.run(
        python("shipper", *command), cwd=folder, env=environ, capture_output=True, text=True, check=False
    )


def test_it_runs_ships_survives_keeps_its_data_and_leaves_nothing_even_when_killed(tmp_path: Path) -> None:
    with up_in(tmp_path) as up:
        url = up.wait_for("up.ready")["redis_url"]
        pids = {fact["process"]: fact["pid"] for fact in up.facts if fact["event"] == "process.ready"}
        assert pids.keys() == {"redis", "sandbox", "worker-1", "hooks"}

        os.kill(pids["worker-1"], signal.SIGKILL)
        ended = up.wait_for("process.ended")
        assert (ended["process"], ended["by"], ended["level"]) == ("worker-1", "SIGKILL", "warning")
        run(tmp_path, "send", "--customer=c-1", "--event=write_review", SHIPPER_REDIS_URL=url)
        assert up.wait_for("delivery.settled")["verdict"] == "accepted"
        taken = run(tmp_path, "up")
        assert taken.returncode == 1
        assert "is in use: shipper up runs here already" in taken.stderr

        assert up.end() == 0
        assert all(is_gone(pid) for pid in pids.values())

    with up_in(tmp_path) as again:
        assert again.wait_for("up.ready")["redis_url"] == url
        status = run(tmp_path, "status", "--json", SHIPPER_REDIS_URL=url)
        assert json.loads(status.stdout)["delivered"] == 1
        pids = {fact["process"]: fact["pid"] for fact in again.facts if fact["event"] == "process.ready"}

        again.process.kill()

        wait_until(lambda: all(is_gone(pid) for pid in pids.values()), "what it started runs on")


def test_a_redis_of_ones_own_is_used_and_left_running(tmp_path: Path, redis7: RedisServer) -> None:
    with redis7.client() as client:
        client.flushall()  # what another test left there would go to Gameball

    with up_in(tmp_path, SHIPPER_REDIS_URL=redis7.url, GAMEBALL_API_KEY="key") as up:
        ready = up.wait_for("up.ready")
        started = {fact["process"] for fact in up.facts if fact["event"] == "process.ready"}
        assert up.end(signal.SIGTERM) == 0

    assert started == {"worker-1", "hooks"}
    assert ready["redis_url"] == redis7.url
    assert ready["sandbox_url"] == ""
    assert redis7.running


def test_people_are_told_what_to_do_next_without_colours_in_a_pipe(tmp_path: Path) -> None:
    environ = {**without_ours(os.environ), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        python("shipper", "up", "--workers=1"), cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = ""
        while "Ctrl-C ends all" not in said:
            said += process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate()

    assert process.returncode == 0
    assert re.search(r"export SHIPPER_REDIS_URL=redis://127\.0\.0\.1:\d+/0\n", said)
    assert re.search(r"\d\d:\d\d:\d\d worker-1  process\.ready pid=\d+\n", said)
    assert rest.endswith("redis     process.stopped\n")
    assert not ANSI.search(said + rest)


def test_without_a_key_a_given_redis_is_not_emptied_into_the_sandbox() -> None:
    with pytest.raises(click.ClickException, match="the sandbox would take what waits there"):
        layout_of({"SHIPPER_REDIS_URL": "rediss://production"}, sandbox=False, workers=2)

    assert layout_of({"REDIS_URL": "redis://mine"}, sandbox=True, workers=2).redis_url == "redis://mine"


@pytest.mark.parametrize(
    ("environ", "sandbox", "stands_in"),
    [
        ({}, False, True),
        ({"GAMEBALL_API_KEY": ""}, False, True),
        ({"GAMEBALL_API_KEY": "key"}, False, False),
        ({"GAMEBALL_API_KEY_FILE": "/run/secrets/key"}, False, False),
        ({"GAMEBALL_SHOP_EU_API_KEY": "key"}, False, False),
        ({"GAMEBALL_API_KEY": "key"}, True, True),
    ],
)
def test_the_sandbox_stands_in_unless_a_key_is_set_and_its_data_lies_apart(
    environ: Mapping[str, str], sandbox: bool, stands_in: bool
) -> None:
    layout = layout_of(environ, sandbox=sandbox, workers=2)

    assert (layout.sandbox is not None) is stands_in
    assert layout.folder == Path.cwd() / ".shipper" / ("sandbox" if stands_in else "gameball")


def test_a_password_is_not_shown() -> None:
    assert module._hidden("rediss://user:secret@host:1/0") == "rediss://user:***@host:1/0"
    assert module._hidden("redis://127.0.0.1:1/0") == "redis://127.0.0.1:1/0"
