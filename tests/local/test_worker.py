"""`shipper worker`: our `workers`, whatever lies in the current folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from shipper.cli.worker import worker
from shipper.client import close, configure
from shipper.enqueue import enqueue_event
from shipper.local.child import Role
from shipper.local.stack import READY
from shipper.local.supervisor import Supervisor
from shipper.local.surroundings import HOME, python, surroundings
from shipper.settings import Settings
from tests.local.told import Told, wait_until
from tests.support.sandbox import Sandbox
from tests.support.servers import RedisServer

ACCOUNT: Final = {"GAMEBALL_API_KEY": "sandbox-key", "SHIPPER_LOG": "json"}
HOOKS: Final = """
from pathlib import Path
from shipper import completion_hook

@completion_hook("shop.told")
def told(response, error):
    Path("told").write_text(response.event_id)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: it has a package `workers` of its own, and the module of the shop's hooks."""
    (tmp_path / "workers").mkdir()
    (tmp_path / "workers/__init__.py").write_text("raise SystemExit('the wrong workers')")
    (tmp_path / "shop_hooks.py").write_text(HOOKS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_delivers_and_tells_hooks_of_the_current_folder_beside_another_workers(
    folder: Path, redis7: RedisServer, supervisor: Supervisor
) -> None:
    with redis7.client() as client, Sandbox(folder) as sandbox:
        client.flushall()
        given = {"SHIPPER_REDIS_URL": redis7.url, "SHIPPER_HOOKS": "shop_hooks"}
        environ = surroundings(os.environ, **ACCOUNT, **given, GAMEBALL_BASE_URL=sandbox.url)
        supervisor.start(
            Role(
                name="worker",
                command=python("shipper", "worker", "--concurrency=4", "--hostname=test@%h"),
                environ=environ,
                is_ready=lambda _, said: any(READY.search(line) for line in said),
            )
        )
        configure(Settings.model_construct(redis_url=redis7.url, enqueue_budget_ms=15_000))

        receipt = enqueue_event({"customerId": "c-42", "events": {"write_review": {}}}, hook="shop.told")

        wait_until((folder / "told").exists, "the hook is not told")
        wait_until((folder / "told").read_text, "the hook has not written")
        close()
        assert (folder / "told").read_text() == receipt.event_id
        assert [line["customerId"] for line in sandbox.accepted()] == ["c-42"]


def test_another_workers_that_is_loaded_already_is_refused(folder: Path) -> None:
    program = """
    import sys, types
    sys.modules["workers"] = types.ModuleType("workers")
    sys.modules["workers"].__file__ = "/elsewhere/workers/__init__.py"
    from shipper.cli import main
    sys.argv = ["shipper", "worker"]
    main()
    """

    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env=surroundings(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr == (
        f"Error: the package `workers` of /elsewhere/workers is in the way of ours, {HOME / 'workers'}\n"
    )


def test_settings_that_cannot_work_are_told_at_once(folder: Path) -> None:
    ended = subprocess.run(
        python("shipper", "worker"),
        env=surroundings(os.environ, SHIPPER_LEASE_MS="1", GAMEBALL_API_KEY="key"),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert "lease_ms 1 must exceed timeout_ms 15000" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_pool_that_must_patch_python_first_is_left_to_celerys_own_command() -> None:
    found = CliRunner().invoke(worker, ["--pool", "gevent"])

    assert found.exit_code == 1
    assert "start it by celery -A workers worker --pool gevent" in found.output


def test_an_option_that_nobody_knows_is_wrong_use(folder: Path) -> None:
    ended = subprocess.run(
        python("shipper", "worker", "--no-such-option"),
        env=surroundings(os.environ, GAMEBALL_API_KEY="key"),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 2
    assert "--no-such-option" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("pool", ["prefork", "solo"])
def test_other_pools_serve_one_queue_and_end_on_sigterm(
    pool: str, folder: Path, redis7: RedisServer, supervisor: Supervisor, told: Told
) -> None:
    with redis7.client() as client:
        client.flushall()
    environ = surroundings(os.environ, **ACCOUNT, SHIPPER_REDIS_URL=redis7.url)
    options = (f"--pool={pool}", "--queues=shipper.hooks", "--concurrency=1", "--loglevel=info")

    supervisor.start(
        Role(
            name="worker",
            command=python("shipper", "worker", *options),
            environ=environ,
            is_ready=lambda _, said: any(READY.search(line) for line in said),
        )
    )
    os.kill(supervisor.pids()["worker"], signal.SIGTERM)

    assert told.wait_for("worker", "process.ended").fields["by"] == "exit code 0"
