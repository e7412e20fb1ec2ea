"""The Celery app, as `celery -A workers worker` finds it, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.servers import RedisServer, StartServer
from tests.support.waiting import until
from tests.support.worker import QUICK, ROOT

ENVIRON = {**QUICK, "SHIPPER_REDIS_URL": "redis://127.0.0.1:9/0"}
FACTS = """
import json, sys
from workers import celery as app
conf = app.conf
json.dump({
    "tasks": sorted(app.tasks),
    "queues": sorted(app.amqp.queues),
    "accepted": list(conf.accept_content),
    "broker": [app.connection_for_write().port, app.connection_for_write().virtual_host],
    "limits": [app.tasks["shipper.complete"].soft_time_limit, app.tasks["shipper.complete"].time_limit],
    "remote": conf.worker_enable_remote_control,
    "backend": conf.result_backend,
}, sys.stdout)
"""


def run(*arguments: str, expect: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a worker's environment."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("SHIPPER", "GAMEBALL"))
    }
    ran = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**inherited, **ENVIRON, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert ran.returncode == expect, ran.stderr
    return ran


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    """The facts of a worker that runs beside an app which uses Celery itself."""
    ran = run("-c", FACTS, SHIPPER_HOOK_TIMEOUT_MS="30000", CELERY_BROKER_URL="redis://127.0.0.1:9/5")
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


DJANGO_SETTINGS: Final = """
SECRET_KEY = "of this test"
INSTALLED_APPS = ["django.contrib.contenttypes"]
"""
DJANGO_HOOKS: Final = """
from django.contrib.contenttypes.models import ContentType
from shipper import completion_hook

@completion_hook("told")
def told(response, error):
    ContentType.objects.all()
"""


def test_hooks_of_a_django_project_import_its_models(tmp_path: Path) -> None:
    (tmp_path / "settings_of_this_test.py").write_text(DJANGO_SETTINGS)
    (tmp_path / "hooks_of_this_test.py").write_text(DJANGO_HOOKS)

    ran = run(
        "-c",
        "from workers import celery; from shipper.hooks import registered; print(*registered())",
        DJANGO_SETTINGS_MODULE="settings_of_this_test",
        PYTHONPATH=f"{ROOT}{os.pathsep}{tmp_path}",
        SHIPPER_HOOKS="hooks_of_this_test",
    )

    assert ran.stdout == "told\n"


def test_a_django_project_that_cannot_be_set_up_ends_a_worker_that_has_hooks(tmp_path: Path) -> None:
    (tmp_path / "settings_of_this_test.py").write_text("1 / 0")

    ran = run(
        "-c",
        "from workers import celery",
        expect=1,
        DJANGO_SETTINGS_MODULE="settings_of_this_test",
        PYTHONPATH=f"{ROOT}{os.pathsep}{tmp_path}",
        SHIPPER_HOOKS="json",
    )

    told = "names settings_of_this_test, which fails: ZeroDivisionError: division by zero"
    assert ran.stderr.splitlines()[-1] == f"shipper: DJANGO_SETTINGS_MODULE {told}"


def test_only_our_two_tasks_can_be_started(facts: dict[str, Any]) -> None:
    assert facts["tasks"] == ["shipper.complete", "shipper.deliver"]


def test_a_plain_worker_serves_both_queues_and_takes_json_alone(facts: dict[str, Any]) -> None:
    assert facts["queues"] == ["shipper.deliver", "shipper.hooks"]
    assert facts["accepted"] == ["json"]


def test_nobody_controls_a_worker_from_afar_and_no_results_are_kept(facts: dict[str, Any]) -> None:
    assert (facts["remote"], facts["backend"]) == (False, None)


def test_a_task_that_tells_hooks_has_the_hooks_limit_where_the_pool_can_hold_it(
    facts: dict[str, Any],
) -> None:
    assert facts["limits"] == [32.0, 60.0]


def test_the_broker_is_the_ledgers_redis_unless_another_is_set(facts: dict[str, Any]) -> None:
    other = json.loads(run("-c", FACTS, SHIPPER_BROKER_URL="redis://127.0.0.1:9/7").stdout)

    assert facts["broker"] == [9, "0"]
    assert other["broker"] == [9, "7"]


POOLS: list[tuple[list[str], str]] = [
    ([], "threads"),
    (["-P", "threads"], "threads"),
    (["-P", "solo"], "threads"),
    (["-P", "prefork"], "prefork"),
    (["-Pprefork"], "prefork"),
    (["--pool=prefork"], "prefork"),
    (["-c", "2", "--pool", "prefork", "-l", "INFO"], "prefork"),
    (["-n", "prefork"], "threads"),
    (["-P", "preforks"], "threads"),
]


def test_the_pool_is_threads_unless_the_command_line_asks_for_prefork() -> None:
    script = (
        "import json, sys; from workers.app import pool_of; print(*map(pool_of, json.loads(sys.argv[1])))"
    )

    ran = run("-c", script, json.dumps([arguments for arguments, _ in POOLS]))

    assert ran.stdout.split() == [pool for _, pool in POOLS]


def test_importing_the_package_imports_no_celery() -> None:
    run("-c", "import sys, workers, workers.settings; assert 'celery' not in sys.modules")


def test_the_package_has_no_other_attributes() -> None:
    run("-c", "import workers; assert not hasattr(workers, 'flower')")


def test_bad_settings_end_the_worker_with_every_problem_named_and_no_traceback() -> None:
    ran = run(
        *("-m", "celery", "-A", "workers", "worker"),
        expect=1,
        SHIPPER_LEASE_MS="1",
        SHIPPER_PUMPS="many",
        SHIPPER_LOG="json",
    )

    assert "SHIPPER_PUMPS" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_missing_key_ends_the_worker_and_is_named() -> None:
    ran = run("-m", "celery", "-A", "workers", "worker", expect=1, GAMEBALL_API_KEY="")

    assert ran.stderr.strip().endswith(
        "shipper: GAMEBALL_API_KEY is not set: set it, or GAMEBALL_API_KEY_FILE"
    )


def test_hooks_that_cannot_be_imported_end_the_worker() -> None:
    ran = run("-m", "celery", "-A", "workers", "worker", expect=1, SHIPPER_HOOKS="no_such_module")

    assert "SHIPPER_HOOKS names no_such_module, which fails: ModuleNotFoundError" in ran.stderr


def test_a_redis_that_may_lose_events_ends_the_worker_where_durability_is_required(
    redis7: RedisServer,
) -> None:
    ran = run(
        *("-m", "celery", "-A", "workers", "worker"),
        expect=1,
        SHIPPER_REDIS_URL=redis7.url,
        SHIPPER_REQUIRE_DURABLE_REDIS="true",
    )

    assert "SHIPPER_REDIS_URL the append-only file is off" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_worker_that_waits_for_redis_can_be_told_to_end(private_server: StartServer) -> None:
    server = private_server()
    server.kill()
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "workers", "worker"],
        cwd=ROOT,
        env={**os.environ, **ENVIRON, "SHIPPER_REDIS_URL": server.url},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    until(lambda: "ledger.unavailable" in process.stderr.readline())  # type: ignore[union-attr]

    process.terminate()

    assert process.wait(30) == 0
    process.stderr.close()
