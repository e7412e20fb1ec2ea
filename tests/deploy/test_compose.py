"""What docker-compose.yml promises, and its commands as real processes on its Redis settings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

import pytest

import shipper
from shipper.client import _current
from shipper.ledger.durability import inspect_durability
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import status
from shipper.ledger.pool import make_pool
from shipper.settings import Settings
from tests.deploy.compose import ROOT, compose
from tests.support import reaper
from tests.support.sandbox import Sandbox
from tests.support.servers import HOST, RedisServer, StartServer
from tests.support.waiting import until
from tests.support.worker import Worker

SERVICES: Final = ("redis", "worker", "hooks", "web", "sandbox", "sandbox-worker")
CELERY: Final = ["celery", "-A", "workers", "worker"]
REDIS_CONF: Final = ROOT / "deploy/redis.conf"


@pytest.fixture
def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def complaints_of_the_schema(path: Path) -> str:
    said = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    return said.stdout if said.returncode else ""


def test_the_schema_finds_a_misspelt_line(tmp_path: Path) -> None:
    misspelt = tmp_path / "docker-compose.yml"
    misspelt.write_text((ROOT / "docker-compose.yml").read_text().replace("restart:", "restarts:"))

    complaints = complaints_of_the_schema(misspelt)

    assert "'restarts' was unexpected" in complaints


def test_the_probe_of_the_hooks_worker_is_about_hooks(services: dict[str, Any]) -> None:
    assert services["hooks"]["healthcheck"]["test"] == ["CMD", "shipper", "health", "--of", "hooks"]
    assert "healthcheck" not in services["worker"]  # the image's own: deliveries


def test_the_services_are_these(services: dict[str, Any]) -> None:
    assert tuple(services) == SERVICES


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_no_right_that_it_does_not_need(name: str, services: dict[str, Any]) -> None:
    service = services[name]

    assert service["user"] in {"999:999", "10001:10001"}
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("ports") == (["127.0.0.1:8642:8642"] if name == "web" else None)
    assert "privileged" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_comes_back_and_is_given_time_to_end(name: str, services: dict[str, Any]) -> None:
    service = services[name]

    assert service["restart"] == "unless-stopped"
    assert service["stop_grace_period"] == "45s"
    assert service["init"] is True


@pytest.mark.parametrize("name", SERVICES)
def test_no_key_is_in_an_environment(name: str, services: dict[str, Any]) -> None:
    keys = {
        variable: value
        for variable, value in services[name].get("environment", {}).items()
        if "KEY" in variable and not variable.endswith("_FILE")
    }

    assert keys == ({"GAMEBALL_API_KEY": "sandbox"} if name == "sandbox-worker" else {})


def test_redis_is_reached_over_a_network_that_leads_nowhere_else(services: dict[str, Any]) -> None:
    networks = compose()["networks"]

    assert services["redis"]["networks"] == ["ledger"]
    assert networks == {"ledger": {"internal": True}, "outside": None}


def test_redis_keeps_its_data_in_a_volume_and_is_asked_whether_it_answers(services: dict[str, Any]) -> None:
    redis = services["redis"]

    assert "ledger:/data" in redis["volumes"]
    assert "./deploy/redis.conf:/etc/valkey/ledger.conf:ro" in redis["volumes"]
    assert redis["healthcheck"]["test"] == ["CMD", "valkey-cli", "-e", "ping"]


@pytest.mark.parametrize("on", ["redis7", "valkey9"])
def test_redis_with_these_settings_loses_nothing(on: str, private_server: StartServer) -> None:
    server = private_server(on=on, options=redis_options())
    pool = make_pool(server.url, budget_ms=5000)

    durability = inspect_durability(pool)
    pool.disconnect()

    assert durability.problems == ()
    with server.client() as client:
        assert client.config_get("appendfsync") == {"appendfsync": "always"}
        assert client.config_get("maxmemory") == {"maxmemory": "1073741824"}


def test_workers_wait_for_redis_and_refuse_one_that_may_lose_events(services: dict[str, Any]) -> None:
    for name in ("worker", "hooks", "web", "sandbox-worker"):
        assert services[name]["depends_on"]["redis"] == {"condition": "service_healthy"}
        assert services[name]["environment"]["SHIPPER_REQUIRE_DURABLE_REDIS"] == "true"


def test_two_workers_deliver_unless_told_otherwise() -> None:
    assert compose()["services"]["worker"]["deploy"] == {"replicas": 2}
    assert compose({"SHIPPER_WORKERS": "8"})["services"]["worker"]["deploy"] == {"replicas": 8}


def test_only_who_delivers_has_the_keys() -> None:
    services = compose()["services"]

    having = {name: service["secrets"] for name, service in services.items() if service.get("secrets")}

    assert having == {
        "worker": ["gameball_api_key", "gameball_secret_key", "encryption_keys"],
        "hooks": ["encryption_keys"],
        "web": ["web_tokens", "encryption_keys"],
    }
    for name in ("hooks", "web"):
        assert [each for each in services[name]["environment"] if each.startswith("GAMEBALL_")] == []


def test_the_secret_key_is_used_only_if_its_file_is_named() -> None:
    without, given = compose(), compose({"GAMEBALL_SECRET_KEY_FILE": "/etc/secret"})

    assert without["secrets"]["gameball_secret_key"] == {"file": "/dev/null"}
    assert without["services"]["worker"]["environment"]["GAMEBALL_SECRET_KEY_FILE"] is None
    assert given["secrets"]["gameball_secret_key"] == {"file": "/etc/secret"}
    assert (
        given["services"]["worker"]["environment"]["GAMEBALL_SECRET_KEY_FILE"]
        == "/run/secrets/gameball_secret_key"
    )


@pytest.mark.parametrize("name", ["worker", "hooks", "web"])
def test_events_are_encrypted_only_if_a_file_of_keys_is_named(name: str) -> None:
    without, given = compose(), compose({"SHIPPER_ENCRYPTION_KEYS_FILE": "/etc/keys"})

    assert without["secrets"]["encryption_keys"] == {"file": "/dev/null"}
    assert without["services"][name]["environment"]["SHIPPER_ENCRYPTION_KEYS_FILE"] is None
    assert given["secrets"]["encryption_keys"] == {"file": "/etc/keys"}
    assert (
        given["services"][name]["environment"]["SHIPPER_ENCRYPTION_KEYS_FILE"]
        == "/run/secrets/encryption_keys"
    )


def test_the_page_and_the_sandbox_with_its_worker_start_only_when_asked_for(services: dict[str, Any]) -> None:
    profiles = {name: service.get("profiles", []) for name, service in services.items()}

    assert profiles == {
        "redis": [],
        "worker": [],
        "hooks": [],
        "web": ["web"],
        "sandbox": ["sandbox"],
        "sandbox-worker": ["sandbox"],
    }


def test_no_real_event_can_end_in_the_sandbox(services: dict[str, Any]) -> None:
    ledgers = {
        name: services[name]["environment"]["SHIPPER_REDIS_URL"] for name in ("worker", "sandbox-worker")
    }

    assert ledgers == {"worker": "redis://redis:6379/0", "sandbox-worker": "redis://redis:6379/15"}
    assert services["sandbox"]["networks"] == ["ledger"]
    assert services["sandbox-worker"]["network_mode"] == "service:sandbox"


def redis_options() -> dict[str, str]:
    """Return the directives of the compose file's Redis, those of its folder and network left out."""
    command = compose()["services"]["redis"]["command"]
    flags = dict(zip(command[2::2], command[3::2], strict=True))
    assert command[:2] == ["valkey-server", "/etc/valkey/ledger.conf"]
    return {"include": str(REDIS_CONF), **{name.removeprefix("--"): value for name, value in flags.items()}}


@pytest.fixture
def redis_of_compose(private_server: StartServer) -> Iterator[RedisServer]:
    server = private_server(options=redis_options())
    shipper.configure(Settings(redis_url=server.url, enqueue_budget_ms=15_000))
    yield server
    shipper.close()
    _current.client = None


@pytest.fixture
def start_service(redis_of_compose: RedisServer, tmp_path: Path) -> Iterator[Any]:
    """Start a service's own command in its own environment; what names a container is named anew."""
    with ExitStack() as stack:

        def start(name: str, sandbox: Sandbox) -> Worker:
            service = compose({"SHIPPER_HOOKS": "hooks"})["services"][name]
            assert service["entrypoint"][:4] == CELERY
            folder = tmp_path / name
            folder.mkdir()
            shutil.copy(ROOT / "examples/hooks.py", folder)
            (folder / "key").write_text("key-from-a-file\n")
            here = {
                "SHIPPER_REDIS_URL": redis_of_compose.url,
                "GAMEBALL_BASE_URL": sandbox.url,
                "GAMEBALL_API_KEY_FILE": str(folder / "key"),
            }
            worker = Worker(
                folder,
                (*service["entrypoint"][4:], *service["command"]),
                {**_texts(service["environment"]), **here},
            )
            stack.callback(worker.kill)
            worker.start()
            return worker

        yield start


def test_its_workers_deliver_and_its_hooks_worker_tells(
    start_service: Any, redis_of_compose: RedisServer, tmp_path: Path
) -> None:
    with Sandbox(tmp_path, api_key="key-from-a-file") as sandbox:
        worker = start_service("worker", sandbox)
        hooks = start_service("hooks", sandbox)

        receipt = shipper.enqueue_event(
            {"customerId": "c-42", "events": {"write_review": {"stars": 5}}}, hook="review_sent"
        )
        until(lambda: hooks.told("hook.told"), why=lambda: worker.log + hooks.log)
        worker.terminate()
        exit_code = worker.wait()

        (call,) = sandbox.accepted()

    assert (call["customerId"], call["events"]) == ("c-42", {"write_review": {"stars": 5}})
    assert [fact["event_id"] for fact in hooks.told("hook.told")] == [receipt.event_id]
    assert worker.told("hook.told") == []
    assert exit_code == 0
    assert "key-from-a-file" not in worker.log + hooks.log
    pool = make_pool(redis_of_compose.url, budget_ms=5000)
    assert Ledger(pool).run(status()).counters["delivered"] == 1
    pool.disconnect()


def test_its_page_opens_to_a_token_of_the_file_and_to_nobody_else(
    redis_of_compose: RedisServer, services: dict[str, Any], tmp_path: Path
) -> None:
    web = services["web"]
    (tmp_path / "web_tokens").write_text(f"vera:viewer:{'v' * 24}\n")
    here = {
        "SHIPPER_REDIS_URL": redis_of_compose.url,
        "SHIPPER_WEB_TOKENS_FILE": str(tmp_path / "web_tokens"),
        "SHIPPER_WEB_PROXIES": "172.16.0.0/12",
        "PYTHONPATH": str(ROOT),
    }
    assert compose()["secrets"]["web_tokens"] == {"file": "./secrets/web_tokens"}
    assert web["environment"]["SHIPPER_WEB_TOKENS_FILE"] == "/run/secrets/web_tokens"
    assert web["command"][1:3] == ["--host", "0.0.0.0"]  # noqa: S104 - of the container
    command = [part.replace("8642", "0").replace("0.0.0.0", HOST) for part in web["command"]]  # noqa: S104
    environ = {**os.environ, **_texts(web["environment"]), **here}
    with subprocess.Popen(
        [sys.executable, "-m", "shipper", *command],
        cwd=tmp_path,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as page:
        reaper.watch(page.pid)
        assert page.stdout is not None
        said = page.stdout.readline()
        port = said.rpartition(":")[2].strip()

        _, *probe = [part.replace("8642", port) for part in web["healthcheck"]["test"]]
        healthy = subprocess.run([sys.executable, *probe[1:]], env=environ, check=False).returncode
        stranger, vera = (_accounts(port, token) for token in ("x" * 24, "v" * 24))
        page.terminate()
        exit_code = page.wait(30)
        reaper.forget(page.pid)
        left = page.stderr.read() if page.stderr else ""

    assert said == f"the page is at http://{HOST}:{port}\n", left
    assert (healthy, stranger, vera, exit_code) == (0, 401, 200, 0)
    assert "v" * 24 not in left


def _accounts(port: str, token: str) -> int:
    connection = HTTPConnection(HOST, int(port), timeout=10)
    connection.request("GET", "/api/v1/accounts", headers={"Authorization": f"Bearer {token}"})
    status = connection.getresponse().status
    connection.close()
    return status


def _texts(environment: Mapping[str, Any]) -> dict[str, str]:
    return {name: value or "" for name, value in environment.items()}
