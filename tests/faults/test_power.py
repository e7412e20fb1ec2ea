"""The power is cut: what `always` acknowledged is there; what `everysec` loses is bounded and told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Final, Protocol

import pytest

from shipper.ledger.durability import inspect_durability
from shipper.ledger.pool import make_pool
from tests.conftest import compiler_or_skip, program_or_skip
from tests.faults.power.power import STRICT, PoweredServer, compile_shim, mend_file, sure_ms
from tests.faults.power.traffic import Traffic
from tests.support.waiting import until

ALWAYS: Final = {"appendonly": "yes", "appendfsync": "always"}
SOUND: Final = {"redis7": STRICT, "valkey9": ALWAYS}
"""What makes each of the two keep whole transitions: Redis wants a torn file mended for it."""
EVERYSEC: Final = {"appendonly": "yes", "appendfsync": "everysec"}
SEED: Final = 20261123


class Power(Protocol):
    """Start a server whose machine may lose power."""

    def __call__(self, options: Mapping[str, str], *, on: str = "redis7") -> PoweredServer: ...


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler_or_skip()
    library = compile_shim(tmp_path_factory.mktemp("shim"))
    assert library is not None
    return library


@pytest.fixture
def powered(shim: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Power]:
    with ExitStack() as stack:

        def start(options: Mapping[str, str], *, on: str = "redis7") -> PoweredServer:
            folder = tmp_path_factory.mktemp("powered")
            server = PoweredServer(program_or_skip(on), folder, options, shim=shim)
            stack.callback(server.kill)
            server.start()
            return server

        yield start


@pytest.mark.parametrize("on", SOUND)
def test_a_power_loss_takes_nothing_that_was_acknowledged_under_always(on: str, powered: Power) -> None:
    server = powered(SOUND[on], on=on)
    chance = Random(SEED)  # noqa: S311 - reproducible is the point
    with Traffic(server.url) as traffic:
        for cut in range(4):
            traffic.flow(more=chance.randint(50, 200))
            if cut % 2:
                with server.client() as client:
                    client.bgrewriteaof()

            server.lose_power(chance if cut % 3 else None)
            server.start()

            assert traffic.judge().keeps_all
        traffic.flow(more=50)
        traffic.stop()

    assert traffic.judge().keeps_all
    assert traffic.rolled_back == 0


def stands_unsynced(server: PoweredServer, traffic: Traffic) -> bool:
    """Stop a server that has acknowledged what it has not synced: left alone, it might just do so."""
    if server.unsynced_ms() < 300:
        return False
    server.freeze()
    synced_at = server.synced_at()
    if sum(at > synced_at for at in traffic.accepted.copy().values()) > 10:
        return True
    server.thaw()
    return False


def test_what_a_power_loss_takes_under_everysec_is_bounded_and_reported_and_the_rest_adds_up(
    powered: Power,
) -> None:
    server = powered(EVERYSEC)
    pool = make_pool(server.url, budget_ms=5000)
    warned = inspect_durability(pool).warnings
    pool.disconnect()
    with Traffic(server.url) as traffic:
        traffic.flow(more=100)
        early_at = min(traffic.accepted.copy().values())
        until(lambda: sure_ms(server.entries()) > early_at * 1000)
        until(lambda: stands_unsynced(server, traffic))

        loss = server.lose_power()
        server.start()

        judgement = traffic.judge()
        until(lambda: traffic.rolled_back)

    assert "appendfsync is everysec: a power loss may lose the last two seconds" in warned
    assert judgement.lost
    assert min(judgement.lost.values()) >= loss.sure_at > early_at
    assert judgement.unsound == ()


def test_the_check_that_always_passes_fails_an_everysec_that_is_called_always(powered: Power) -> None:
    server = powered(EVERYSEC)
    with Traffic(server.url) as traffic:
        traffic.flow(more=100)
        until(lambda: stands_unsynced(server, traffic))

        server.lose_power()
        server.start()
        judgement = traffic.judge()

    assert not judgement.keeps_all


def test_no_name_that_redis_gave_a_file_waits_for_the_sync_of_its_folder(powered: Power) -> None:
    server = powered(ALWAYS)
    with server.client() as client:
        client.set("key", "value")
        client.bgrewriteaof()
        until(lambda: _rewritten(server))
        client.set("key", "more")

        named = [entry.path for entry in server.entries() if entry.kind == "R"]
        waiting = server.unsynced_names()

    assert any(path.endswith("base.rdb") for path in named)
    assert waiting == []


def test_a_power_loss_drops_what_was_not_synced_and_keeps_what_was(powered: Power) -> None:
    server = powered({"appendonly": "yes", "appendfsync": "no"})
    with server.client() as client:
        client.set("synced", "1")
        client.config_set("appendfsync", "always")
        client.set("synced-too", "1")
        client.config_set("appendfsync", "no")
        client.set("lost", "1")

    loss = server.lose_power()
    server.start()

    with server.client() as client:
        assert sorted(client.keys()) == [b"synced", b"synced-too"]
    assert loss.dropped_bytes == len(b"*3\r\n$3\r\nSET\r\n$4\r\nlost\r\n$1\r\n1\r\n")


def _rewritten(server: PoweredServer) -> bool:
    with server.client() as client:
        info = client.info("persistence")
        return not (info["aof_rewrite_in_progress"] or info["aof_rewrite_scheduled"])


def test_a_file_torn_before_the_last_is_cut_where_it_is_sound_and_what_follows_the_gap_is_dropped(
    tmp_path: Path,
) -> None:
    files = tmp_path / "appendonlydir"
    files.mkdir()
    one, two = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n", b"*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n2\r\n"
    (files / "aof.1.incr.aof").write_bytes(one + two[:-9])
    (files / "aof.2.incr.aof").write_bytes(two)
    (files / "aof.manifest").write_text(
        "file aof.1.incr.aof seq 1 type i\nfile aof.2.incr.aof seq 2 type i\n"
    )

    mend_file(program_or_skip("redis7"), tmp_path)

    assert (files / "aof.1.incr.aof").read_bytes() == one
    assert (files / "aof.2.incr.aof").read_bytes() == b""
