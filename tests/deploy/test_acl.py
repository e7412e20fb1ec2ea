"""The users of deploy/acl: what each may do is what its scripts and its code ask for, no more and no less."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError, ResponseError

from shipper.ledger.keys import FIXED
from shipper.ledger.scripts import load
from tests.deploy.needs import LANE, needs_of
from tests.support.acl import FOLDER, Users
from tests.support.programs import find_redis
from tests.support.servers import RedisServer

ROOT: Final = Path(__file__).parents[2]
SCRIPTS: Final = {
    "shipper-producer": {"enqueue", "peek"},
    "shipper-worker": {"claim", "settle", "sweep", "retire", "forget", "hook_claim", "hook_settle", "status"}
    | {"alarm", "job_step", "observe"},
    "shipper-viewer": {"show", "status", "audit_events", "audit_lanes", "audit_letters", "letter_lanes"},
    "shipper-operator": {"redrive", "discard", "expunge", "pause", "resume", "mend", "recount", "hook_redo"}
    | {
        "edit",
        "restore",
        "give_out",
        "note",
        "job_start",
        "job_fill",
        "job_turn",
        "show",
        "status",
        "audit_events",
        "audit_lanes",
        "audit_letters",
        "letter_lanes",
        "mend_letters",
        "mend_people",
    },
}
"""`status` is also asked by the probe of a worker's container."""
RUN: Final = {"eval_ro", "evalsha_ro"}
LOOK: Final = {
    "hget",
    "hgetall",
    "hmget",
    "hscan",
    "lpos",
    "lrange",
    "scan",
    "sscan",
    "xrevrange",
    "zscan",
} | {
    *("zlexcount", "zmscore", "zrange", "zrevrank"),
}
"""What the inspector asks beside scripts."""
PLAIN: Final = {
    "shipper-producer": RUN | {"eval", "evalsha", "wait"},
    "shipper-worker": RUN
    | {"eval", "evalsha", "blpop", "time", "info", "config|get", "hscan"}  # doctor's too, in its container
    | {"hget", "hgetall", "hlen", "hmget", "zlexcount", "zmscore", "zrange"}  # what redrive jobs send next
    | {"brpop", "llen", "lpush", "ltrim", "sadd", "multi", "exec"},  # kombu's
    "shipper-viewer": RUN | LOOK | {"time", "info", "config|get"},
    "shipper-operator": RUN | LOOK | {"eval", "evalsha", "smembers", "time", "info", "config|get"},
}
CONNECTION: Final = {
    *("asking", "auth", "echo", "hello", "ping", "quit", "readonly", "readwrite", "reset", "select"),
    *("wait", "waitaof"),
    *(f"client|{name}" for name in ("caching", "capa", "getname", "getredir", "help", "id", "import-source")),
    *(f"client|{name}" for name in ("info", "no-touch", "reply", "setinfo", "setname")),
    *(f"client|{name}" for name in ("tracking", "trackinginfo")),
    *(f"command|{name}" for name in ("count", "docs", "getkeys", "getkeysandflags", "help", "info", "list")),
}
"""What a client library may say of its own connection. Redis 7.0 refuses the name of SETINFO."""
ASKED: Final = re.compile(r'(?:\.ask|_scan|_unless_refused|pack_command)\((?:ledger, )?"([A-Z]+)"')
SAMPLES: Final = {
    "hget": ["f"],
    "hmget": ["f"],
    "hset": ["f", "v"],
    "hdel": ["f"],
    "hexists": ["f"],
    "hincrby": ["f", "1"],
    "zscore": ["m"],
    "zmscore": ["m"],
    "zadd": ["1", "m"],
    "zrem": ["m"],
    "zcount": ["0", "1"],
    "zrange": ["0", "1"],
    "zrevrank": ["m"],
    "zlexcount": ["-", "+"],
    "zremrangebyscore": ["0", "1"],
    "zremrangebyrank": ["0", "1"],
    "lpos": ["e"],
    "lrange": ["0", "1"],
    "lrem": ["0", "e"],
    "lindex": ["0"],
    "ltrim": ["0", "1"],
    "rpush": ["e"],
    "lpush": ["e"],
    "sadd": ["m"],
    "srem": ["m"],
    "sismember": ["m"],
    "smismember": ["m"],
    "hscan": ["0"],
    "zscan": ["0"],
    "sscan": ["0"],
    "blpop": ["1"],
    "brpop": ["1"],
    "xadd": ["*", "f", "v"],
    "xtrim": ["MINID", "0"],
    "xrevrange": ["+", "-"],
}
"""What stands behind the key where a command wants more."""
NOT_ALLOWED: Final = "can't run|no permissions to run|not allowed from script"
READS: Final = (
    {"hget", "hmget", "hexists", "hgetall", "hlen", "hvals", "hscan", "zscore", "zmscore", "zcount", "zrange"}
    | {"zrevrank", "zlexcount", "zcard", "zscan", "lpos", "lrange", "lindex", "llen", "sismember", "scard"}
    | {"smismember"}
    | {"smembers", "sscan", "exists", "xlen", "xrevrange"}
)


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Users:
    return Users(tmp_path_factory.mktemp("acl"))


@pytest.fixture
def admin(server: RedisServer, users: Users) -> Iterator[Redis]:
    """A client of a shared server that has the users, beside its open default one."""
    with server.client() as client:
        for rule in users.file.read_text().splitlines():
            _, name, *rights = rule.split()
            if name not in {"default", "admin"}:
                client.execute_command("ACL", "SETUSER", name, "reset", *rights)
        yield client
        client.acl_deluser(*SCRIPTS, "shipper-probe")


def may(admin: Redis, user: str, *command: str) -> str:
    """Return OK, or why Redis would refuse the command to the user."""
    try:
        answer: bytes = admin.execute_command("ACL", "DRYRUN", user, *command)
    except ResponseError as error:
        return str(error)
    return answer.decode()


def commands_of(admin: Redis) -> dict[str, int]:
    """Return every command of the server with its arity: those with subcommands by these alone."""
    found: dict[str, int] = {}
    for name, arity, *rest in admin.execute_command("COMMAND INFO"):
        subcommands = {sub[0].decode(): sub[1] for sub in rest[-1]}
        found.update(subcommands or {name.decode(): arity})
    return found


def granted(admin: Redis, user: str) -> set[str]:
    """Return the commands that a user may run on some key, or on none."""
    found = set()
    for name, arity in commands_of(admin).items():
        words = name.split("|")
        answer = may(admin, user, *words, *["1"] * (abs(arity) - len(words)))
        if "no permissions to run" not in answer:
            found.add(name)
    return found


@pytest.mark.parametrize("user", SCRIPTS)
def test_a_user_may_run_just_the_commands_that_its_scripts_and_code_ask_for(admin: Redis, user: str) -> None:
    needed = {command for script in SCRIPTS[user] for command, _ in needs_of(script)} | PLAIN[user]

    found = granted(admin, user)

    assert found - CONNECTION == needed - CONNECTION
    assert found & {"client|kill", "client|list", "client|pause", "config|set", "acl|setuser"} == set()


@pytest.mark.parametrize("user", SCRIPTS)
def test_a_user_may_run_every_command_of_its_scripts_on_the_keys_they_name(admin: Redis, user: str) -> None:
    needs = sorted(need for script in SCRIPTS[user] for need in needs_of(script))

    refused = {
        (command, key): may(admin, user, *_words(command, key))
        for command, key in needs
        if may(admin, user, *_words(command, key)) != "OK"
    }

    assert refused == {}


def test_a_producer_may_run_nothing_else_on_any_key(admin: Redis) -> None:
    needed = {need for script in SCRIPTS["shipper-producer"] for need in needs_of(script)}
    everything = {(command, key) for command in SAMPLES for key in (*FIXED, LANE)}

    allowed = {need for need in everything if may(admin, "shipper-producer", *_words(*need)) == "OK"}

    assert allowed == {need for need in needed if need[0] in SAMPLES}


def test_a_producer_may_name_to_a_script_just_the_key_that_its_scripts_are_given(admin: Redis) -> None:
    scripts = [load(name) for name in SCRIPTS["shipper-producer"]]
    given = {("EVAL_RO" if script.reads_only else "EVAL", script.keys[0]) for script in scripts}

    allowed = {
        (command, key)
        for command in ("EVAL", "EVAL_RO")
        for key in FIXED
        if may(admin, "shipper-producer", command, "return 1", "1", _full(key)) == "OK"
    }

    assert allowed == given


def test_a_viewer_may_write_no_key_at_all(admin: Redis) -> None:
    writes = sorted(command for command in SAMPLES if command not in READS)

    tried = [(command, key) for command in writes for key in (*FIXED, LANE)]
    allowed = [need for need in tried if may(admin, "shipper-viewer", *_words(*need)) == "OK"]

    assert allowed == []
    assert may(admin, "shipper-viewer", "EVALSHA", "0" * 40, "1", _full("rec")) != "OK"


@pytest.mark.parametrize("user", SCRIPTS)
@pytest.mark.parametrize("key", ["a-key-of-the-app", "{other}:rec", "celery", "unacked", "shipper.other"])
def test_nobody_touches_a_key_outside(admin: Redis, user: str, key: str) -> None:
    reads = [*_behind("hget", key)], [*_behind("lpush", key)], ["DEL", key], ["EVAL_RO", "return 1", "1", key]

    assert [may(admin, user, *command) for command in reads if may(admin, user, *command) == "OK"] == []


@pytest.mark.parametrize("user", sorted({*SCRIPTS} - {"shipper-worker"}))
def test_only_workers_reach_the_queue(admin: Redis, user: str) -> None:
    for queue in ("shipper.deliver", "shipper.hooks"):
        assert may(admin, user, "LPUSH", queue, "x") != "OK"
        assert may(admin, user, "BRPOP", queue, "1") != "OK"
        assert may(admin, "shipper-worker", "LPUSH", queue, "x") == "OK"


@pytest.mark.parametrize("user", SCRIPTS)
def test_nobody_subscribes_or_publishes(admin: Redis, user: str) -> None:
    assert may(admin, user, "PUBLISH", "celeryev", "x") != "OK"
    assert may(admin, user, "SUBSCRIBE", "celeryev") != "OK"


def test_a_script_of_ones_own_gets_no_further_than_the_user(
    server: RedisServer, users: Users, admin: Redis
) -> None:
    admin.hset(_full("rec"), "E1", "what a customer said")
    password = users.password("shipper-producer")
    with Redis(port=server.port, username="shipper-producer", password=password) as producer:
        for script in (
            "return redis.call('HGETALL', ARGV[1])",
            "return redis.call('HKEYS', ARGV[1])",
            "return redis.call('HSCAN', ARGV[1], 0)",
            "return redis.call('HRANDFIELD', ARGV[1])",
            "return redis.call('DEL', ARGV[1])",
            "return redis.call('RENAME', ARGV[1], ARGV[1])",
            "return redis.call('KEYS', '*')",
            "return redis.call('CONFIG', 'GET', '*')",
        ):
            with pytest.raises(ResponseError, match=NOT_ALLOWED):
                producer.eval(script, 1, _full("bell"), _full("rec"))
        with pytest.raises(NoPermissionError):
            producer.eval("return 1", 1, _full("dx"))
    admin.delete(_full("rec"))


def test_whoever_may_run_a_script_is_somebody_here() -> None:
    scripts = {path.stem for path in (ROOT / "shipper/ledger/lua").glob("[a-z]*.lua")}

    assert set().union(*SCRIPTS.values()) == scripts


def test_every_plain_command_of_the_code_is_somebodys_need() -> None:
    asked: set[str] = set()
    for path in [*(ROOT / "shipper").rglob("*.py"), *(ROOT / "workers").rglob("*.py")]:
        text = path.read_text()
        asked.update(ASKED.findall(text))
    commands = {command.lower() for command in asked}

    assert {"info", "time", "hscan"} <= commands
    assert commands - {"config", "ping"} <= set().union(*PLAIN.values())


def test_the_template_is_refused_until_it_is_filled(tmp_path: Path) -> None:
    program = find_redis()
    if program is None:
        pytest.skip("no redis-server")
    lines = (FOLDER / "users.template").read_text().splitlines()
    rules = [line for line in lines if not line.startswith("#")]
    (tmp_path / "users.acl").write_text(" ".join(rules).replace(" user ", "\nuser "))

    said = subprocess.run(
        [program.name, "--port", "0", "--aclfile", tmp_path / "users.acl", "--dir", tmp_path],
        executable=program.path,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )

    assert said.returncode != 0
    assert "@admin@" not in said.stdout + said.stderr or "Error" in said.stdout + said.stderr


def test_filling_again_keeps_the_passwords_and_hides_them_from_others(tmp_path: Path) -> None:
    users = Users(tmp_path / "one")
    before = {path.name: path.read_text() for path in users.folder.iterdir()}

    Users(tmp_path / "one")

    assert {path.name: path.read_text() for path in users.folder.iterdir()} == before
    passwords = [path for path in users.folder.iterdir() if path.suffix == ".password"]
    assert {path.stem for path in passwords} == {"admin", *SCRIPTS}
    assert {path.stat().st_mode & 0o777 for path in passwords} == {0o600}
    assert len({path.read_text() for path in passwords}) == len(passwords)
    assert all(re.fullmatch(r"[0-9a-f]{64}", path.read_text()) for path in passwords)
    assert not any(path.read_text() in users.file.read_text() for path in passwords)


def test_users_of_one_account_reach_no_other(tmp_path: Path, server: RedisServer) -> None:
    users = Users(tmp_path, account="shop-a")
    assert "{shipper:*}" not in users.file.read_text()
    with server.client() as admin:
        for rule in users.file.read_text().splitlines():
            _, name, *rights = rule.split()
            if name in SCRIPTS:
                admin.execute_command("ACL", "SETUSER", name, "reset", *rights)

        own = [may(admin, user, "EVAL_RO", "return 1", "1", "{shipper:shop-a}:rec") for user in SCRIPTS]
        others = [may(admin, user, "EVAL_RO", "return 1", "1", "{shipper:shop-b}:rec") for user in SCRIPTS]

        admin.acl_deluser(*SCRIPTS)
    assert own == ["OK"] * 4
    assert "OK" not in others


@pytest.mark.parametrize("account", ["Shop", "a b", "../x", "*", "a/b"])
def test_an_account_that_could_be_none_is_refused(tmp_path: Path, account: str) -> None:
    said = subprocess.run(["sh", FOLDER / "fill.sh", tmp_path, account], capture_output=True, check=False)

    assert said.returncode == 2
    assert list(tmp_path.iterdir()) == []


def _full(key: str, account: str = "default") -> str:
    return f"{{shipper:{account}}}:{'l:some-lane' if key == LANE else key}"


def _words(command: str, key: str) -> Iterable[str]:
    if not key:
        return [command]
    return _behind(command, _full(key))


def _behind(command: str, key: str) -> list[Any]:
    return [command, key, *SAMPLES.get(command, [])]
