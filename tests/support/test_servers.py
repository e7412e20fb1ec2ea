from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from tests.support.servers import RedisServer, StartServer
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["redis7", "valkey9"])
def on(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_killed_server_comes_back_on_its_port_with_what_it_had_fsynced(
    private_server: StartServer, on: str
) -> None:
    server = private_server(on=on, options={"appendonly": "yes", "appendfsync": "always"})
    port, pid = server.port, server.pid
    with server.client() as client:
        client.set("kept", "yes")

    server.kill()
    gone = not server.running
    server.start()

    with server.client() as client:
        assert client.get("kept") == b"yes"
    assert gone
    assert server.port == port
    assert server.pid != pid


def test_a_stopped_server_without_persistence_comes_back_empty(private_server: StartServer, on: str) -> None:
    server = private_server(on=on)
    with server.client() as client:
        client.set("lost", "yes")

    server.restart()

    with server.client() as client:
        assert client.get("lost") is None


def test_a_frozen_server_keeps_its_connections_and_answers_after_the_thaw(
    private_server: StartServer,
) -> None:
    server = private_server()
    with server.client() as client, server.client(timeout_s=0.1) as hasty:
        client.set("kept", "yes")
        connection = client.client_id()

        server.freeze()
        with pytest.raises(RedisTimeoutError):
            hasty.ping()
        server.thaw()

        assert client.get("kept") == b"yes"
        assert client.client_id() == connection


def test_a_frozen_server_can_be_stopped(private_server: StartServer) -> None:
    server = private_server()
    server.freeze()

    server.stop()

    assert not server.running


def test_a_cluster_node_owns_every_slot(private_server: StartServer, on: str) -> None:
    server = private_server(on=on, options={"cluster-enabled": "yes"})

    with server.client() as client:
        client.set("{shipper:default}:a", "1")
        info = client.execute_command("CLUSTER INFO")

    assert info["cluster_state"] == "ok"
    assert info["cluster_slots_assigned"] == "16384"


def test_a_server_with_a_password_wants_it(private_server: StartServer) -> None:
    server = private_server(password="letmein")

    with _stranger(server.port) as stranger, pytest.raises(AuthenticationError):
        stranger.ping()

    with server.client() as client:
        assert client.ping() is True


def test_a_server_with_an_acl_file_knows_its_user(private_server: StartServer, tmp_path: Path) -> None:
    acl = tmp_path / "users.acl"
    acl.write_text("user default off\nuser worker on >secret ~shipper:* +@all -flushall\n")

    server = private_server(options={"aclfile": str(acl)}, username="worker", password="secret")

    with server.client() as client:
        assert client.set("shipper:x", "1") is True
        with pytest.raises(NoPermissionError):
            client.flushall()


def test_a_server_that_cannot_start_says_why(private_server: StartServer) -> None:
    with pytest.raises(RuntimeError, match="maxmemory-policy"):
        private_server(options={"maxmemory-policy": "everything"})


def test_the_shared_client_finds_an_empty_server(redis: Redis) -> None:
    assert redis.dbsize() == 0

    redis.set("left", "behind")


def test_the_shared_client_finds_it_empty_again(redis: Redis) -> None:
    assert redis.dbsize() == 0


STARTS_AND_WAITS = """
import sys, pathlib
from tests.support.programs import find_redis, find_valkey
from tests.support.servers import RedisServer
program = find_redis() or find_valkey()
server = RedisServer(program, pathlib.Path(sys.argv[1]))
server.start()
print(server.port, flush=True)
sys.stdin.read()
"""


def test_a_server_does_not_outlive_a_test_process_that_is_killed(server: RedisServer, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTS_AND_WAITS, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        answered = _answers(port)

        process.send_signal(signal.SIGKILL)

        assert answered
        until(lambda: not _answers(port), why=lambda: f"the server on port {port} still runs")
    assert server.running


def _answers(port: int) -> bool:
    with _stranger(port) as client, suppress(RedisConnectionError):
        return bool(client.ping())
    return False


def _stranger(port: int) -> Redis:
    return Redis(port=port, retry=Retry(NoBackoff(), 0))
