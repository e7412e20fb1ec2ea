"""`shipper web`: it says where it is, serves, and ends; and opens to nobody it should not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest

from tests.cli.conftest import Run
from tests.support import reaper
from tests.support.servers import RedisServer


def test_it_serves_until_it_is_told_to_stop(server: RedisServer, tmp_path: Path) -> None:
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-m", "shipper", "web", "--port", "0"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": root, "SHIPPER_REDIS_URL": server.url, "SHIPPER_LOG": "json"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    reaper.watch(process.pid)
    assert process.stdout is not None

    said = process.stdout.readline()
    base = said.removeprefix("the page is at ").strip()
    with build_opener(ProxyHandler({})).open(f"{base}/api/v1/accounts", timeout=10) as answer:
        accounts = json.load(answer)
    process.send_signal(signal.SIGTERM)
    code = process.wait(20)
    reaper.forget(process.pid)
    process.stdout.close()

    assert base.startswith("http://127.0.0.1:")
    assert accounts == {"accounts": ["default"]}
    assert code == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])  # noqa: S104 - it refuses
def test_without_tokens_it_listens_for_this_machine_alone(host: str, run: Run) -> None:
    said = run("web", "--host", host, code=1).output

    assert f"SHIPPER_WEB_TOKENS is empty, and {host} is no loopback address" in said


def test_bad_tokens_are_refused_together_and_not_repeated(run: Run) -> None:
    tokens = "ann:boss:secret-secret-secret-1,bob:viewer:short"

    said = run("web", code=1, SHIPPER_WEB_TOKENS=tokens).output

    assert "entry 1 has no role" in said
    assert "entry 2 has no usable token" in said
    assert "secret-secret" not in said


def test_tokens_are_hidden_among_the_settings(run: Run) -> None:
    said = run("config", "--json", SHIPPER_WEB_TOKENS=f"ann:viewer:{'s' * 20}").output

    assert "s" * 20 not in said
    assert '"name":"SHIPPER_WEB_TOKENS","value":"set"' in said


def test_a_port_that_is_taken_is_told(run: Run, server: RedisServer) -> None:
    said = run("web", "--port", str(server.port), code=1).output

    assert f"cannot listen on 127.0.0.1:{server.port}" in said
