"""`shipper doctor` and `shipper config`: what is set up, and nothing that is secret."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import Queue
from threading import Thread

import pytest

from shipper.cli.config import hide_secrets
from tests.cli.conftest import Run, objects
from tests.support.servers import StartServer

KEY = "canary-api-key-0123456789"
STRONG = {
    "appendonly": "yes",
    "appendfsync": "always",
    "aof-load-truncated": "no",
    "maxmemory": "100mb",
    "maxmemory-policy": "noeviction",
}


class Door:
    """A port on which nothing but connecting is expected; keeps what is said there all the same."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._heard: Queue[bytes] = Queue()
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def next_heard(self) -> bytes:
        """Return what the next caller said until it hung up."""
        return self._heard.get(timeout=30)

    def close(self) -> None:
        with suppress(OSError):  # closed before
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            with caller:
                self._heard.put(caller.recv(1000))


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.close()


def results(lines: list[dict[str, str]]) -> dict[str, str]:
    return {line["about"]: line["result"] for line in lines}


def test_a_sound_setup_passes_and_nothing_is_sent(run: Run, private_server: StartServer, door: Door) -> None:
    server = private_server(options=STRONG)

    result = run(
        "doctor",
        "--json",
        SHIPPER_REDIS_URL=server.url,
        GAMEBALL_API_KEY=KEY,
        GAMEBALL_BASE_URL=door.url,
    )

    found = objects(result)
    assert set(results(found).values()) == {"ok"}
    assert results(found).keys() == {
        "redis",
        "version",
        "persistence",
        "eviction",
        "replication",
        "memory",
        "clock",
        "hooks default",
        "encryption default",
        "workers",
        "account default",
        "gameball default",
    }
    assert all(line.keys() == {"about", "result", "told"} for line in found)
    assert door.next_heard() == b""
    assert KEY not in result.output


def test_each_weakness_is_told_with_its_cure_and_fails(run: Run, door: Door) -> None:
    result = run("doctor", "--json", code=1, GAMEBALL_BASE_URL=door.url)

    found = {line["about"]: line for line in objects(result)}
    assert found["persistence"]["result"] == "failed"
    assert found["persistence"]["told"].endswith("CONFIG SET appendonly yes")
    assert found["account default"]["told"] == "GAMEBALL_API_KEY is not set: set it, or GAMEBALL_API_KEY_FILE"


def test_a_gameball_that_cannot_be_reached_fails(run: Run, private_server: StartServer, door: Door) -> None:
    server = private_server(options=STRONG)
    door.close()

    found = objects(
        run(
            "doctor",
            "--json",
            code=1,
            SHIPPER_REDIS_URL=server.url,
            GAMEBALL_API_KEY=KEY,
            GAMEBALL_BASE_URL=door.url,
        )
    )

    assert results(found)["gameball default"] == "failed"


def test_a_gameball_without_tls_behind_an_https_address_fails(
    run: Run, private_server: StartServer, door: Door
) -> None:
    server = private_server(options=STRONG)

    found = objects(
        run(
            "doctor",
            "--json",
            code=1,
            SHIPPER_REDIS_URL=server.url,
            GAMEBALL_API_KEY=KEY,
            GAMEBALL_BASE_URL=door.url.replace("http:", "https:"),
        )
    )

    assert results(found)["gameball default"] == "failed"


def test_a_foreign_package_named_workers_is_told(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "workers").mkdir()
    (tmp_path / "workers" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "workers", raising=False)

    found = {line["about"]: line for line in objects(run("doctor", "--json", code=1))}

    assert found["workers"]["result"] == "failed"
    assert f"import workers finds {tmp_path / 'workers'}" in found["workers"]["told"]
    assert "account default" not in found


def test_a_doctor_is_readable_without_a_terminal(run: Run, door: Door) -> None:
    shown = run("doctor", code=1, GAMEBALL_BASE_URL=door.url).stdout

    assert "\x1b" not in shown
    assert all(len(line.rstrip()) <= 80 for line in shown.splitlines())
    assert "failed   persistence" in shown


def test_config_tells_every_setting_and_where_it_comes_from(run: Run) -> None:
    lines = objects(run("config", "--json", SHIPPER_TIMEOUT_MS="9000", SHIPPER_ACCOUNTS="default,shop-eu"))

    found = {line["name"]: line for line in lines}
    assert found["SHIPPER_TIMEOUT_MS"] == {
        "name": "SHIPPER_TIMEOUT_MS",
        "value": 9000,
        "origin": "environment",
        "about": "longest whole attempt",
    }
    assert (found["SHIPPER_LEASE_MS"]["value"], found["SHIPPER_LEASE_MS"]["origin"]) == (30_000, "default")
    assert found["SHIPPER_ACCOUNTS"]["value"] == "default,shop-eu"
    assert found["GAMEBALL_API_KEY"]["value"] == "not set"
    assert found["GAMEBALL_SHOP_EU_BASE_URL"]["value"] == "https://api.gameball.co"


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_config_hides_every_secret(run: Run, tmp_path: Path, as_json: tuple[str, ...]) -> None:
    secret_file = tmp_path / "secret"
    secret_file.write_text(KEY)

    result = run(
        "config",
        *as_json,
        SHIPPER_REDIS_URL=f"redis://ann:{KEY}@127.0.0.1:6379/0",
        SHIPPER_BROKER_URL=f"redis://127.0.0.1/1?password={KEY}",
        GAMEBALL_API_KEY=KEY,
        GAMEBALL_SECRET_KEY_FILE=str(secret_file),
        GAMEBALL_PROXY=f"http://ann:{KEY}@proxy:3128",
    )

    assert KEY not in result.output
    assert "redis://***@127.0.0.1:6379/0" in result.output


def test_the_place_of_a_key_is_told(run: Run, tmp_path: Path) -> None:
    secret_file = tmp_path / "secret"
    secret_file.write_text(KEY)

    lines = objects(run("config", "--json", GAMEBALL_API_KEY_FILE=str(secret_file)))

    found = {line["name"]: line for line in lines}
    assert found["GAMEBALL_API_KEY"]["value"] == "set"
    assert found["GAMEBALL_API_KEY"]["origin"] == f"GAMEBALL_API_KEY_FILE={secret_file}"


def test_bad_settings_are_no_listing(run: Run) -> None:
    result = run("config", code=1, SHIPPER_PUMPS="many")

    assert result.stdout == ""
    assert "SHIPPER_PUMPS is 'many'" in result.stderr


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("", ""),
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://:pw@host/0", "redis://***@host/0"),
        ("rediss://u:p@ss@host:1/0", "rediss://***@host:1/0"),
        ("redis://host/0?db=1&password=pw&x=1", "redis://host/0?db=1&password=***&x=1"),
        ("unix:///tmp/redis.sock?PASSWORD=pw", "unix:///tmp/redis.sock?PASSWORD=***"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert hide_secrets(url) == shown
