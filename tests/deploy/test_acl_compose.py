"""deploy/acl/compose.yml fits over docker-compose.yml, and its probe gets in."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

from tests.deploy.compose import ROOT, compose
from tests.support.acl import Users
from tests.support.programs import find_valkey
from tests.support.servers import StartServer

OVERLAY: Final = ROOT / "deploy/acl/compose.yml"


@pytest.fixture
def services() -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(OVERLAY)["services"]
    return found


def test_it_is_a_compose_file() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(OVERLAY)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert said.returncode == 0, said.stdout


def test_it_adds_users_to_the_redis_of_the_file_below(services: dict[str, Any]) -> None:
    below = compose()["services"]["redis"]["command"]

    redis = services["redis"]

    command = [part.replace("${SHIPPER_REDIS_MAXMEMORY:-1gb}", "1gb") for part in redis["command"]]
    assert command == [*below, "--aclfile", "/etc/valkey/users.acl"]
    assert redis["volumes"][0].endswith(":/etc/valkey/users.acl:ro")


def test_whoever_reaches_the_ledger_there_has_a_name(services: dict[str, Any]) -> None:
    below = compose()["services"]
    in_need = {
        name
        for name, service in below.items()
        if service.get("environment", {}).get("SHIPPER_REDIS_URL", "").endswith("/0")
    }

    urls = {name: services[name]["environment"]["SHIPPER_REDIS_URL"] for name in services if name != "redis"}

    assert urls.keys() == in_need
    of_page = urls.pop("web")
    assert of_page.startswith("redis://shipper-operator:${SHIPPER_OPERATOR_PASSWORD:-}@")
    assert all(url.startswith("redis://shipper-worker:${SHIPPER_WORKER_PASSWORD:?") for url in urls.values())


def test_its_probe_says_pong_and_an_unknown_user_gets_none(
    services: dict[str, Any], private_server: StartServer, tmp_path: Any
) -> None:
    if find_valkey() is None:
        pytest.skip("no Valkey")
    server = Users(tmp_path).start(private_server, on="valkey9")
    probe = services["redis"]["healthcheck"]["test"]
    user, password = probe[probe.index("--user") + 1], probe[probe.index("--pass") + 1]

    with server.client() as admin:
        admin.connection_pool.connection_kwargs.update(username=user, password=password, protocol=2)
        said = admin.ping()

    assert said is True
