"""The Redis that is started here: durable, on the port it had, with one run at a time on its data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import redis

from shipper.local.child import Role
from shipper.local.folder import FolderTakenError, held_folder, keep_port, last_port
from shipper.local.port import free_port
from shipper.local.program import find_program
from shipper.local.server import pid_behind, server_role, url_of
from shipper.local.supervisor import Supervisor
from tests.local.told import Told, wait_until


def server_in(folder: Path, port: int, *, holds: tuple[int, ...] = ()) -> Role:
    return server_role(find_program(), folder=folder, port=port, environ=os.environ, holds=holds)


def test_it_answers_for_itself_and_keeps_what_it_acknowledged(supervisor: Supervisor, tmp_path: Path) -> None:
    port = supervisor.start_server(lambda port: server_in(tmp_path, port))

    with redis.Redis.from_url(url_of(port)) as client:
        wait_until(lambda: pid_behind(url_of(port)) == supervisor.pids()["redis"], "another answers")
        assert client.config_get("append*")["appendonly"] == "yes"
        assert client.config_get("append*")["appendfsync"] == "always"
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("bind") == {"bind": "127.0.0.1"}


def test_killed_it_comes_back_on_its_port_with_its_data(
    supervisor: Supervisor, told: Told, tmp_path: Path
) -> None:
    port = supervisor.start_server(lambda port: server_in(tmp_path, port))
    with redis.Redis.from_url(url_of(port)) as client:
        client.set("event", "accepted")

    supervisor.kill("redis")

    told.wait_for("redis", "process.ready", 2)
    with redis.Redis.from_url(url_of(port)) as client:
        assert client.get("event") == b"accepted"


def test_a_folder_with_blanks_and_quotes_in_its_name_will_do(supervisor: Supervisor, tmp_path: Path) -> None:
    folder = tmp_path / 'a shop\'s "data"'
    folder.mkdir()

    supervisor.start_server(lambda port: server_in(folder, port))

    assert list(folder.glob("appendonlydir/*.aof"))


def test_where_nobody_listens_there_is_no_pid() -> None:
    assert pid_behind(url_of(free_port())) == 0


def test_a_folder_is_held_by_one_run_at_a_time(tmp_path: Path) -> None:
    with (
        held_folder(tmp_path / "data"),
        pytest.raises(FolderTakenError, match="is in use"),
        held_folder(tmp_path / "data"),
    ):
        pass

    with held_folder(tmp_path / "data"):
        pass


def test_a_server_that_outlives_its_run_still_holds_the_folder(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    with held_folder(tmp_path) as lock:
        supervisor.start_server(lambda port: server_in(tmp_path, port, holds=(lock,)))

    with pytest.raises(FolderTakenError), held_folder(tmp_path):
        pass


def test_the_port_of_the_last_time_is_remembered(tmp_path: Path) -> None:
    before = last_port(tmp_path)

    keep_port(tmp_path, 23456)

    assert before == 0
    assert last_port(tmp_path) == 23456
