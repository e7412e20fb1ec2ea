"""Every script on its walk: in a cluster, under a narrow ACL, and touching no key but its own."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from redis import Redis

from shipper.ledger import operations
from shipper.ledger.keys import FIXED, key_of, prefix_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.scripts import load
from tests.ledger.book import put, read
from tests.ledger.builders import NOW, accepted, envelope, settings_of, waiting
from tests.ledger.conftest import LedgerOf
from tests.ledger.test_scripts import FLAGS
from tests.ledger.tour import walk
from tests.support.servers import RedisServer, StartServer

SETTINGS = settings_of()


def test_the_walk_runs_every_script(ledger: Ledger, redis: Redis) -> None:
    assert walk(ledger, redis) == set(FLAGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A command that a script sent, and the keys that the script's header declares."""

    command: str
    key: str
    declared: frozenset[str]


KEYLESS = {"TIME", "INFO"}
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"')


def touched_by_walking(server: RedisServer, ledger: Ledger, redis: Redis) -> list[Touched]:
    """Walk while another connection hears every command."""
    found: list[Touched] = []
    declared: frozenset[str] = frozenset()
    keys_of = {load(name).sha: [key_of("default", key) for key in load(name).keys] for name in FLAGS}
    with server.client() as ear, ear.monitor() as monitor:
        walk(ledger, redis)
        redis.echo("the walk is over")
        while "the walk is over" not in (line := monitor.connection.read_response().decode()):
            words = _WORD.findall(line)
            name = words[0].upper()
            if name in {"EVALSHA", "EVALSHA_RO"}:
                declared = frozenset(keys_of[words[1]])
            elif " lua]" in line and name not in KEYLESS:
                keys = words[1:] if name == "DEL" else words[1:2]
                found += [Touched(command=name, key=key, declared=declared) for key in keys]
    return found


def test_a_script_touches_only_the_keys_it_declares_and_lanes_of_its_account(
    server: RedisServer, ledger: Ledger, redis: Redis
) -> None:
    for name in FLAGS:
        redis.script_load(load(name).text)

    touched = touched_by_walking(server, ledger, redis)

    lanes = prefix_of("default") + "l:"
    strays = {t for t in touched if t.key not in t.declared and not t.key.startswith(lanes)}
    assert strays == set()
    assert {t.key for t in touched} >= {key_of("default", name) for name in FIXED}
    assert len(touched) > 500


def test_every_script_runs_in_a_cluster_where_each_account_has_a_slot(
    private_server: StartServer, ledger_of: LedgerOf
) -> None:
    server = private_server(options={"cluster-enabled": "yes"})

    with server.client() as client:
        walked = [walk(ledger_of(account, on=server), client) for account in ("one", "two")]

        slots = {client.execute_command("CLUSTER KEYSLOT", key) for key in client.keys("*")}
    assert walked == [set(FLAGS), set(FLAGS)]
    assert len(slots) == 2


def test_accounts_hear_nothing_of_each_other(server: RedisServer, redis: Redis, ledger_of: LedgerOf) -> None:
    one, two = ledger_of("one", on=server), ledger_of("two", on=server)
    put(redis, waiting("ann", "E1"), "one")
    put(redis, waiting("ann", "E1"), "two")

    one.run(operations.claim(["t1"], SETTINGS, worker="w1", now=NOW))
    one.run(operations.settle([accepted("ann", "t1", "E1")], SETTINGS, now=NOW))
    one.run(operations.pause(now=NOW))
    two.run(operations.enqueue([envelope("E2", "bob")], SETTINGS, now=NOW))

    assert read(redis, "one").n["delivered"] == 1
    assert read(redis, "two") == (waiting("ann", "E1") + waiting("bob", "E2")).but(bell=("1",))


@pytest.mark.parametrize("on", ["redis7", "valkey9"])
def test_a_user_who_may_touch_one_account_only_can_do_everything_in_it(
    on: str, private_server: StartServer, ledger_of: LedgerOf
) -> None:
    server = private_server(on=on)
    with server.client() as admin:
        admin.execute_command(
            "ACL", "SETUSER", "app", "on", ">pass", "~{shipper:default}:*", "+@all", "-@admin", "-info"
        )
        app = ledger_of(on=_as_user(server, "app", "pass"))

        scripts = walk(app, admin)

        assert scripts == set(FLAGS)
        assert "run_id" not in read(admin).meta


def _as_user(server: RedisServer, username: str, password: str) -> RedisServer:
    """The same server, spoken to as another user."""
    seen = RedisServer(server.program, server.folder, username=username, password=password)
    seen.port = server.port
    return seen


def test_a_viewer_sees_and_cannot_touch(private_server: StartServer, ledger_of: LedgerOf) -> None:
    server = private_server()
    with server.client() as admin:
        put(admin, waiting("ann", "E1"))
        admin.execute_command(
            "ACL", "SETUSER", "viewer", "on", ">pass", "~{shipper:default}:*", "+@all", "-@write"
        )
        viewer = ledger_of(on=_as_user(server, "viewer", "pass"))

        shown = viewer.run(operations.show(["E1"], now=NOW))
        status = viewer.run(operations.status(now=NOW))
        with pytest.raises(Exception, match="does not let the user viewer"):
            viewer.run(operations.discard(["E1"], waiting=["E1"], now=NOW))

        assert shown[0] is not None
        assert status.counters["waiting"] == 1
        assert read(admin) == waiting("ann", "E1")


def test_a_command_denied_in_mid_script_leaves_an_event_that_the_next_try_puts_right(
    private_server: StartServer, ledger_of: LedgerOf
) -> None:
    server = private_server()
    with server.client() as admin:
        admin.execute_command("ACL", "SETUSER", "app", "on", ">pass", "~*", "+@all", "-rpush")
        app = ledger_of(on=_as_user(server, "app", "pass"))
        event, again = (
            operations.enqueue([envelope("E1", explicit=explicit)], SETTINGS, now=NOW)
            for explicit in (False, True)
        )
        with pytest.raises(Exception, match="does not let the user app"):
            app.run(event)
        admin.execute_command("ACL", "SETUSER", "app", "+rpush")

        answer = app.run(again)

        assert answer[0].word == "dup"
        assert read(admin).lanes == {"ann": ["E1"]}
        assert read(admin).due == {"ann": NOW}
