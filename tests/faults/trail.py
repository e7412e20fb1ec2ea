"""Trail: one journey with every kind of trouble, in which each secret and each personal datum is a canary.

What the journey leaves behind, everywhere that somebody may look, is kept as texts to be searched.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from click.testing import CliRunner

from shipper.cli import cli
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import status
from shipper.ledger.pool import make_pool
from tests.faults.desk import Desk
from tests.support.hostile import OK, Connection, HostileServer
from tests.support.servers import HOST, RedisServer
from tests.support.waiting import until
from tests.support.worker import QUICK, ROOT, Worker

SECRETS: Final = {
    "API key": "canary-api-6f1e0b",
    "secret key": "canary-secret-9ad2c4",
    "Redis password": "canary-redis-51c7aa",
    "broker password": "canary-broker-e08d13",
    "proxy password": "canary-proxy-b7720f",
    "wrong password": "canary-wrong-4419de",
    "key that no header carries": "canary-torn-30bd86",
    "password in a base URL": "canary-base-77aa01",
    "operator's token": "canary-operator-token-e4a117",
    "viewer's token": "canary-viewer-token-09bb52",
    "token that was guessed": "canary-guessed-token-c5d8f0",
}
CUSTOMER: Final = "canary-customer-2d9c"
EMAIL: Final = "canary.person@example.org"
MOBILE: Final = "+201555098431"
TEXT: Final = "canary-said-c3b5"
PERSONAL: Final = {"customer id": CUSTOMER, "email": EMAIL, "mobile": MOBILE, "metadata": TEXT}
STEERING: Final = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\u2066\r\n" + '{"event": "forged.line"}' + "\x00\x7f"
"""Clears a screen, names a window, reorders a line, begins a line of its own."""
FORMATS: Final = "%s %(asctime)s {0.__class__} {event} ${jndi:ldap://x} [bold]x[/bold] :smile:"

TROUBLES: Final[Mapping[str, bytes]] = {
    "html": b"400 X|text/html",
    "refused": b"422 X|application/json",
    "broken": b"500 X|text/plain",
    "moved": b"302 X|text/html",
    "busy": b"429 X|text/html",
    "unauthorized": b"401 X|text/html",
}
"""Answers that echo the whole request, keys too, by the kind that a customer's id ends in."""
BRIEF: Final = ("busy", "moved", "unauthorized")
"""These hold the account up, so they happen twice and then no more."""
HOOKS: Final = """
from shipper import completion_hook

@completion_hook("tells")
def tells(response, error):
    said = response or error
    raise RuntimeError(f"{said!r} {said} {said.customer_id} {said.events}")

@completion_hook("dies")
def dies(response, error):
    import os
    os._exit(1)
"""
PRODUCER: Final = """
import json, logging, sys, warnings
logging.basicConfig(level=logging.DEBUG)
logging.captureWarnings(True)
import shipper
log = logging.getLogger("app")
for line in sys.stdin:
    given = json.loads(line)
    options = given.pop("options", {})
    try:
        log.info("accepted %r", shipper.enqueue_event(given, **options))
    except shipper.ShipperError as error:
        log.exception("refused %r", error)
print(repr(shipper.client.current().settings), repr(shipper.client.current()))
"""


@dataclass(slots=True)
class Trail:
    """What is left: names of places, and what stands there."""

    logs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    """Of commands, without `--unmasked`."""
    unmasked: dict[str, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    """Of all keys in Redis."""
    values: dict[str, bytes] = field(default_factory=dict)
    exports: dict[str, str] = field(default_factory=dict)
    """Files of letters, which hold what customers said for whoever asked for it."""
    files: dict[str, bytes] = field(default_factory=dict)
    """What Redis wrote to its disk."""
    titles: dict[str, bytes] = field(default_factory=dict)
    """Command lines of processes, as anybody on the machine may see them."""
    heads: bytes = b""
    bodies: bytes = b""
    """What Gameball got."""

    def everything(self) -> Iterator[tuple[str, bytes]]:
        """Yield every place where no secret may ever be."""
        for kind in (self.logs, self.outputs, self.unmasked, self.exports):
            yield from ((name, text.encode("utf-8", "surrogateescape")) for name, text in kind.items())
        yield "names of keys", "\n".join(self.names).encode()
        for found in (self.values, self.files, self.titles):
            yield from found.items()


def echoing(connection: Connection, at_crash: Callable[[], object]) -> None:
    """Play a Gameball that answers by the customer's id, and repeats what it was sent when it complains."""
    while (body := connection.hear()) is not None:
        kind = next((kind for kind in TROUBLES if f"{CUSTOMER}-{kind}".encode() in body), "")
        if f"{CUSTOMER}-crash".encode() in body:
            at_crash()
            return None
        if f"{CUSTOMER}-silent".encode() in body:
            return connection.hold()
        if f"{CUSTOMER}-reset".encode() in body:
            return connection.reset()
        met = sum(f"{CUSTOMER}-{kind}".encode() in other for other in connection.bodies)
        if not kind or (kind in BRIEF and met > 2):
            connection.say(OK)
            continue
        status, _, content_type = TROUBLES[kind].partition(b"|")
        keys = f"APIKey: {SECRETS['API key']} SecretKey: {SECRETS['secret key']}".encode()
        said = {"code": 3009, "message": (keys + b" " + body + STEERING.encode()).decode()}
        answer = json.dumps(said).encode() if b"json" in content_type else keys + body + STEERING.encode()
        head = b"Content-Type: %b\r\nLocation: http://127.0.0.1:1/%b\r\nContent-Length: %d" % (
            content_type,
            SECRETS["API key"].encode(),
            len(answer),
        )
        connection.say(b"HTTP/1.1 %b\r\n%b\r\n\r\n%b" % (status, head, answer))
    return None


class Journey:
    """Make the journey on one server."""

    def __init__(self, server: RedisServer, folder: Path, stack: ExitStack) -> None:
        self.server = server
        self.folder = folder
        self.trail = Trail()
        self._stack = stack
        self._gameball = stack.enter_context(
            HostileServer(lambda connection: echoing(connection, self._crash))
        )
        self._workers: list[Worker] = []
        with server.client() as admin:
            admin.execute_command(
                "ACL", "SETUSER", "broker", "on", f">{SECRETS['broker password']}", "~*", "&*", "+@all"
            )
        pool = make_pool(server.url, budget_ms=5000)
        stack.callback(pool.disconnect)
        self.ledger = Ledger(pool)
        self.environment = {
            **QUICK,
            "SHIPPER_REDIS_URL": server.url,
            "SHIPPER_BROKER_URL": f"redis://broker:{SECRETS['broker password']}@{HOST}:{server.port}/1",
            "GAMEBALL_BASE_URL": self._gameball.url,
            "GAMEBALL_API_KEY": SECRETS["API key"],
            "GAMEBALL_SECRET_KEY": SECRETS["secret key"],
            "SHIPPER_ACCOUNTS": "default,proxied",
            "GAMEBALL_PROXIED_BASE_URL": self._gameball.url,
            "GAMEBALL_PROXIED_API_KEY": SECRETS["API key"],
            "GAMEBALL_PROXIED_PROXY": f"http://user:{SECRETS['proxy password']}@127.0.0.1:1",
            "SHIPPER_MAX_ATTEMPTS": "2",
            "SHIPPER_MAX_CRASHES": "1",
            "SHIPPER_BREAKER_CALLS": "100",
            "SHIPPER_HOOK_TRIES": "2",
            "SHIPPER_RETRY_AFTER_MAX_MS": "200",
        }

    def make(self) -> Trail:
        """Walk it, and gather what it left."""
        misled = self._misled_workers()
        only = ("-l", "DEBUG", "-Q", "shipper.deliver")
        first = self._worker("json", *only, SHIPPER_LOG="json")
        self._worker(
            "human", "-l", "DEBUG", "-Q", "shipper.hooks", "-P", "prefork", "-c", "2", SHIPPER_LOG="human"
        )
        with self.server.client() as admin:
            admin.execute_command("SELECT", 1)
            admin.lpush("shipper.deliver", f"{TEXT} {STEERING}", json.dumps({"body": TEXT}))
        self._produce("producer", list(wishes()))
        self._until(lambda n: n["delivered"] > 0 and n["hooks_failed"] > 2)
        self._until(_at_rest)
        self._note_titles()
        for worker in misled:
            worker.kill()
        self._produce("a late producer", [event("crash", options={"hook": "tells"})])
        until(lambda: not first.running)
        self._worker("after a crash", *only, SHIPPER_LOG="json")
        self._produce("a producer without Redis", [event("x")], SHIPPER_REDIS_URL=self._url("wrong password"))
        self._until(lambda n: n["crashed"] > 0 and _at_rest(n))
        self._command_lines()
        self._desk()
        self._note_titles()
        for worker in self._workers:
            worker.kill()
            self.trail.logs[worker.folder.name] = worker.log
        self._search_redis()
        self.trail.heads, self.trail.bodies = b"".join(self._gameball.heads), b"".join(self._gameball.bodies)
        return self.trail

    def _worker(self, name: str, *arguments: str, ready: bool = True, **environment: str) -> Worker:
        folder = self.folder / name.replace(" ", "-")
        folder.mkdir()
        (folder / "our_hooks.py").write_text(HOOKS)
        worker = Worker(folder, arguments, {**self.environment, "SHIPPER_HOOKS": "our_hooks", **environment})
        self._stack.callback(worker.kill)
        self._workers.append(worker)
        worker.start(ready=ready and environment.get("SHIPPER_LOG") == "json")
        return worker

    def _misled_workers(self) -> list[Worker]:
        """Start workers whose settings cannot work; most end by themselves."""
        only = ("-Q", "shipper.deliver")
        torn = f"{SECRETS['key that no header carries']}\nX-Evil: 1"
        base = f"https://user:{SECRETS['password in a base URL']}@api.example.org"
        return [
            self._worker("wrong password", ready=False, SHIPPER_REDIS_URL=self._url("wrong password")),
            self._worker("wrong broker", *only, ready=False, SHIPPER_BROKER_URL=self._url("wrong password")),
            self._worker("torn key", ready=False, GAMEBALL_API_KEY=torn),
            self._worker("base URL", ready=False, GAMEBALL_BASE_URL=base),
            self._worker(
                "no URL", ready=False, SHIPPER_REDIS_URL=f"redis://x:{SECRETS['wrong password']}/#@h"
            ),
        ]

    def _url(self, secret: str) -> str:
        return f"redis://:{SECRETS[secret]}@{HOST}:{self.server.port}/0"

    def _produce(self, name: str, wishes: list[dict[str, Any]], **environment: str) -> None:
        said = subprocess.run(
            [sys.executable, "-c", PRODUCER],
            input="".join(json.dumps(wish) + "\n" for wish in wishes),
            env={**os.environ, **self.environment, **environment, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        self.trail.logs[name] = said.stdout + said.stderr

    def _crash(self) -> None:
        """Kill whoever delivers, in the middle of its call."""
        for worker in self._workers:
            if worker.folder.name == "json" and worker.running:
                worker.kill()

    def _until(self, condition: Callable[[Counter[str]], object]) -> None:
        until(lambda: condition(Counter(self._counters())), within_s=60, why=lambda: str(self._counters()))

    def _counters(self) -> dict[str, int]:
        return self.ledger.run(status()).counters

    def _command_lines(self) -> None:
        with self.server.client() as admin:
            ids = [key.decode() for key in admin.hkeys("{shipper:default}:rec")]
        file = self.folder / "events.jsonl"
        file.write_text(
            "\n".join([json.dumps(event("file", email="no address " + EMAIL)), f"{{{TEXT}", STEERING])
        )
        looks = [["status"], ["dead", "list"], ["dead", "reasons"], ["hooks", "list"], ["config"], ["doctor"]]
        looks += [["audit"], ["health"], ["send", str(file)], *(["show", event_id] for event_id in ids)]
        looks += [["dead", "list", "--reason", "refused"], ["show", f"{TEXT}{STEERING}"], [TEXT + STEERING]]
        for look in looks:
            for way in ([], ["--json"]):
                self.trail.outputs[f"shipper {' '.join([*look, *way])!a}"] = self._run(*look, *way)
        self.trail.outputs["a wrong password"] = self._run(
            "status", "--redis-url", self._url("wrong password")
        )
        for event_id in ids:
            self.trail.unmasked[event_id] = self._run("show", event_id, "--unmasked", "--json")
        self.trail.outputs["expunge"] = self._run("expunge", f"{CUSTOMER}-html", "--yes")

    def _desk(self) -> None:
        """Go round what operators have, then look at what that left on the command line."""
        with self.server.client() as admin:
            ids = [
                event_id.decode()
                for key in ("dead", "uncl")
                for event_id in admin.zrange(f"{{shipper:default}}:{key}", 0, -1)
            ]
        tokens = {role: SECRETS[f"{role}'s token"] for role in ("operator", "viewer")}
        one_account = {**self.environment, "SHIPPER_ACCOUNTS": "default"}
        desk = Desk(self.folder / "desk", one_account, tokens)
        self.trail.logs["web"] = desk.go_round(
            ids,
            customer=f"{CUSTOMER}-refused",
            text=TEXT,
            steering=STEERING,
            wrong=SECRETS["token that was guessed"],
        )
        self.trail.outputs |= {f"page {name}": said for name, said in desk.pages.items()}
        self.trail.unmasked |= desk.unmasked
        self.trail.exports |= desk.exports
        kept = self.folder / "letters.jsonl"
        preview = ["dead", "redrive", "--all", "--dry-run", "--sample", "2"]
        looks = [["trail"], ["dead", "jobs", "list"], ["metrics"], preview]
        looks += [["dead", "edit", "--all", "--set", f"{TEXT}=1", "--dry-run"], ["status"]]
        looks += [["dead", "export", "--all", "--output", str(kept)], ["dead", "import", str(kept), "--yes"]]
        for look in looks:
            for way in ([], ["--json"]):
                self.trail.outputs[f"shipper {' '.join([*look, *way])!a}"] = self._run(*look, *way)

    def _run(self, *arguments: str) -> str:
        ours = ("SHIPPER_", "GAMEBALL_", "REDIS_")
        nothing = {name: None for name in os.environ if name.startswith(ours)}
        result = CliRunner(env={**nothing, **self.environment, "SHIPPER_ACCOUNTS": "default"}).invoke(
            cli, list(arguments)
        )
        assert result.exception is None or isinstance(result.exception, SystemExit), (
            arguments,
            result.exc_info,
        )
        return result.output

    def _note_titles(self) -> None:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                pid, group = int(process.name), os.getpgid(int(process.name))
                if group in {worker.pid for worker in self._workers}:
                    self.trail.titles[f"process {pid}"] = (process / "cmdline").read_bytes()
            except OSError:
                continue

    def _search_redis(self) -> None:
        for db in (0, 1):
            with self.server.client() as admin:
                admin.execute_command("SELECT", db)
                for key in admin.keys("*"):
                    self.trail.names.append(key.decode("utf-8", "backslashreplace"))
                    self.trail.values[self.trail.names[-1]] = _content(admin, key)
        for path in self.server.folder.rglob("*"):
            if path.is_file() and path.name != "server.log":
                self.trail.files[path.name] = path.read_bytes()
        self.trail.logs["Redis"] = self.server.log


def _at_rest(n: Counter[str]) -> bool:
    return n["waiting"] + n["in_flight"] == 0


def _content(admin: Any, key: bytes) -> bytes:
    match admin.type(key):
        case b"hash":
            return repr(admin.hgetall(key)).encode()
        case b"list":
            return repr(admin.lrange(key, 0, -1)).encode()
        case b"zset":
            return repr(admin.zrange(key, 0, -1)).encode()
        case b"stream":
            return repr(admin.xrange(key)).encode()
        case b"set":
            return repr(admin.smembers(key)).encode()
        case _:
            return repr(admin.get(key)).encode()


def event(kind: str, **more: Any) -> dict[str, Any]:
    """Return an event whose every free text is a canary; Gameball's answer goes by its kind."""
    hostile = {"said": TEXT, "screen": f"{TEXT}{STEERING}", "format": f"{TEXT} {FORMATS}", "__type__": TEXT}
    told = {"customerId": f"{CUSTOMER}-{kind}", "email": EMAIL, "mobile": MOBILE}
    return {**told, "events": {"write_review": hostile}, **more}


def wishes() -> Iterator[dict[str, Any]]:
    """Yield what the app enqueues, good and bad."""
    for kind in ("fine", "silent", "reset", *TROUBLES):
        yield event(kind, options={"hook": "tells", "idempotency_key": f"{TEXT}-{kind}"})
        yield event(f"{kind}-parked", options={"hook": "tells", "on_unclear": "park"})
    yield event("dies", options={"hook": "dies"})
    yield event("nobody", options={"hook": "no.such.hook"})
    yield event("proxied", options={"account": "proxied", "on_unclear": "park"})
    # What is refused
    yield event("fine", events={"write_review": {}}, options={"idempotency_key": f"{TEXT}-fine"})
    yield event("bad", email=f"no address {EMAIL} {TEXT}")
    yield event("bad", mobile=f"no number {MOBILE} {TEXT}{STEERING}")
    yield event("bad", events={f"name {STEERING}": {"a": float("inf"), "b": 2**60}})
    yield event("bad", events={"write_review": {"text": TEXT * 6000}})
    yield event("bad", events=TEXT)
    yield event("bad", options={"on_unclear": f"whatever{STEERING}"})
    yield event("bad", options={"hook": f"whatever{STEERING}"})
    yield event("bad", options={"event_id": f"whatever{STEERING}"})
    yield event("bad", options={"idempotency_key": f"{TEXT}{STEERING}" * 40})
    yield {**event("bad"), f"whatever{STEERING}": TEXT}
    yield {"customerId": [TEXT], "events": {"a": [TEXT]}}
