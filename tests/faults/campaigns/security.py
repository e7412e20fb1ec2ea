"""Security under fire: users of the shipped ACL, and a search for what nobody may say, while things break."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from tests.faults.campaign import ALWAYS, OURS, RETRY, Campaign, Ground
from tests.faults.field import Check, Field
from tests.faults.row import Row
from tests.support.acl import Users, denied
from tests.support.programs import Program, find_redis, find_valkey
from tests.support.servers import RedisServer
from tests.support.worker import KEY

PASSWORD: Final = "canary-password-7713a9"
BELONG: Final = ("rec", "why", "hj", "hl")
"""Where an event's text may be: its record, its history, its hook job."""
SAID: Final = b"reference"
"""The key of the load's metadata: where it is, there is what an event said."""
SLOW: Final = {"latency_ms": 20}
TROUBLES: Final[tuple[tuple[dict[str, Any], dict[str, Any]], ...]] = (
    ({"status": 500, "html": f"<p>APIKey: {KEY}</p>", "when": "before"}, {"share": 0.1}),
    ({"reset": True, "when": "after"}, {"share": 0.02}),
    ({"status": 401, "code": 1000, "body": {"code": 1000, "message": f"no key {KEY}"}}, {"first": 5}),
    ({"status": 429, "html": KEY}, {"first": 5}),
)
"""What Gameball does to a share of the calls; it quotes the key where it can."""


def search_for_canaries(ground: Ground) -> Iterator[Row]:
    """Kill workers and Redis while Gameball quotes keys; then look for them and for what customers said."""
    for policy in OURS:
        ground.say(f"canaries: {policy}")
        server = _server(ground, find_redis() or find_valkey(), password=PASSWORD)
        with ground.field(policy, server=server, sandbox=SLOW, settings={"hook": "nobody"}) as field:
            field.check(_leaks(field))
            yield field.row("canaries in all that is said", _trouble(field, "-l", "DEBUG", redis_too=True))


def work_under_acl(ground: Ground) -> Iterator[Row]:
    """Let app and workers be users of the shipped ACL, on both servers, while workers are killed."""
    for on in (find_redis(), find_valkey()):
        if on is None:
            continue
        ground.say(f"users of the ACL: {on.name} {on.version}")
        users = Users(ground.place("acl"))
        server = _server(ground, on, users=users)
        server.start()
        app = {"redis_url": users.url("shipper-producer", server)}
        with ground.field(RETRY, server=server, sandbox=SLOW, settings=app) as field:
            field.check(_denials(field))
            injected = _trouble(field, redis_url=users.url("shipper-worker", server))
            yield field.row(f"least rights, on {on.name} {on.version}", injected)


def _server(
    ground: Ground, program: Program | None, *, password: str = "", users: Users | None = None
) -> RedisServer:
    assert program is not None, "neither Redis nor Valkey is here: run `make install`"
    folder = ground.place("redis")
    if users is None:
        return RedisServer(program, folder, ALWAYS, password=password)
    options = {**ALWAYS, "aclfile": str(users.file), "acllog-max-len": "1000"}
    return RedisServer(program, folder, options, username="admin", password=users.password("admin"))


def _trouble(field: Field, *arguments: str, redis_too: bool = False, **settings: object) -> str:
    """Kill every few seconds under load, and let Gameball misbehave all the while."""
    kills = 2 if field.quick else 15
    workers = [
        field.side.worker(*arguments, ready=style == "json", log=style, **settings)
        for style in ("json", "human")
    ]
    for do, match in TROUBLES:
        field.sandbox.add_fault(do, match)
    field.start_load(events=kills * 300, customers=200, per_second=100)
    for kill in range(kills):
        field.pass_time(field.random.uniform(2.0, 3.5))
        field.kill(workers[kill % 2])
        if redis_too and kill % 5 == 4:
            field.server.kill()
            field.server.start()
    field.sandbox.clear_faults()
    field.healed()
    return f"{kills} kills, and {len(TROUBLES)} kinds of bad answers to a tenth of the calls"


def _denials(field: Field) -> Check:
    return lambda _: [f"the server refused {each}" for each in denied(field.server)]


def _leaks(field: Field) -> Check:
    return lambda _: _places_with_canaries(field)


def _places_with_canaries(field: Field) -> Iterator[str]:
    """Complain of each place where a canary is, and must not be."""
    places: dict[str, bytes] = {
        worker.folder.name: worker.log_path.read_bytes() for worker in field.side.workers
    }
    places["Redis' log"] = field.server.log.encode()
    for name, content in places.items():
        if SAID in content:
            yield f"{name} says what a customer did"
    with field.server.client() as admin:
        for key in admin.keys("*"):
            place, content = key.decode(), _content(admin, key)
            places[place] = key + content
            if place.rpartition(":")[2] not in BELONG and SAID in content:
                yield f"{place} holds what a customer did"
    for path in field.server.folder.rglob("*.aof"):
        places[path.name] = path.read_bytes()
    for name, content in places.items():
        for secret in (KEY, PASSWORD):
            if secret.encode() in content:
                yield f"{name} holds {secret}"


def _content(admin: Any, key: bytes) -> bytes:
    readers: dict[bytes, Callable[[], Any]] = {
        b"hash": lambda: admin.hgetall(key),
        b"list": lambda: admin.lrange(key, 0, -1),
        b"zset": lambda: admin.zrange(key, 0, -1),
        b"set": lambda: admin.smembers(key),
        b"string": lambda: admin.get(key),
    }
    return repr(readers.get(admin.type(key), bytes)()).encode()


CAMPAIGNS: Final = (
    Campaign(
        name="canaries",
        tells="Workers that log everything, in both styles, and Redis are killed under load while Gameball"
        " answers with errors that quote the API key. Then keys, passwords and what customers said are looked"
        " for in every log, key, value and append-only file.",
        run=search_for_canaries,
        minutes=4,
    ),
    Campaign(
        name="acl",
        tells="App and workers have the users of deploy/acl, on Redis and on Valkey, while workers are killed"
        " and Gameball errs. The servers must have refused nothing.",
        run=work_under_acl,
        minutes=4,
    ),
)
