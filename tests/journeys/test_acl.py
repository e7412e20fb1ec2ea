"""The whole journey under the users of deploy/acl: everybody can do their work, and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError
from redis.retry import Retry

import shipper
from shipper.cli import cli
from shipper.client import _current
from shipper.ledger.failure import ForbiddenError
from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import (
    Operation,
    claim,
    discard,
    expunge,
    forget,
    hook_claim,
    hook_redo,
    mend,
    pause,
    recount,
    redrive,
    resume,
    retire,
    settle,
    show,
    status,
    sweep,
)
from shipper.ledger.pool import make_pool
from shipper.settings import Settings
from tests.journeys.conftest import BUDGET_MS
from tests.support.acl import Users, denied
from tests.support.sandbox import Sandbox
from tests.support.servers import RedisServer, StartServer
from tests.support.stage import Stage
from tests.support.worker import PATIENT

HOOKS: Final = """
from shipper import completion_hook

@completion_hook("fine")
def fine(response, error):
    pass

@completion_hook("fails")
def fails(response, error):
    raise RuntimeError("no")
"""
SETTINGS: Final = Settings()
WRITES: Final[dict[str, Operation[Any]]] = {
    "claim": claim(["t1"], SETTINGS, worker="w"),
    "settle": settle([], SETTINGS),
    "sweep": sweep(SETTINGS),
    "forget": forget(SETTINGS),
    "retire": retire("k1"),
    "redrive": redrive(["E1"], spread_ms=0, after_ms=0, may_duplicate=True, line=b"{}"),
    "discard": discard(["E1"]),
    "expunge": expunge(["E1"]),
    "pause": pause(),
    "resume": resume(),
    "mend": mend("lane", ["E1"]),
    "recount": recount(),
    "hook_claim": hook_claim("t1", SETTINGS),
    "hook_redo": hook_redo("retry", ["E1:0"]),
}
OPERATORS: Final = {"redrive", "discard", "expunge", "pause", "resume", "mend", "recount", "hook_redo"}
ADMINS: Final = (
    ("FLUSHALL",),
    ("FLUSHDB",),
    ("CONFIG", "SET", "appendonly", "no"),
    ("CONFIG", "REWRITE"),
    ("ACL", "LIST"),
    ("ACL", "SETUSER", "default", "on", "nopass", "~*", "+@all"),
    ("SHUTDOWN", "NOSAVE"),
    ("REPLICAOF", "127.0.0.1", "1"),
    ("MONITOR",),
    ("KEYS", "*"),
    ("CLIENT", "KILL", "TYPE", "normal"),
    ("SCRIPT", "FLUSH"),
    ("SCRIPT", "KILL"),
    ("FUNCTION", "LOAD", "#!lua name=x\nredis.register_function('f', function() end)"),
    ("MODULE", "LIST"),
    ("SAVE",),
    ("BGREWRITEAOF",),
    ("SWAPDB", "0", "1"),
    ("RENAME", key_of("default", "rec"), "mine"),
    ("MIGRATE", "127.0.0.1", "1", key_of("default", "rec"), "0", "10"),
    ("DUMP", key_of("default", "rec")),
    ("SET", "a-key-of-the-app", "x"),
    ("GET", "a-key-of-the-app"),
)


class Cast:
    """A server with its users, a stage whose own ledger is the admin's, and each user's command line."""

    def __init__(self, stage: Stage, users: Users, server: RedisServer) -> None:
        self.stage = stage
        self.server = server
        self.users = users

    def url(self, user: str) -> str:
        return self.users.url(f"shipper-{user}", self.server)

    def ledger(self, user: str, stack: ExitStack) -> Ledger:
        pool = make_pool(self.url(user), budget_ms=5000)
        stack.callback(pool.disconnect)
        return Ledger(pool)

    def raw(self, user: str) -> Redis:
        return Redis.from_url(self.url(user))

    def run(self, user: str, *arguments: str, code: int = 0) -> Result:
        gameball = {"GAMEBALL_BASE_URL": self.stage.sandbox.url, "GAMEBALL_API_KEY": "k"}
        result = CliRunner(env={"SHIPPER_REDIS_URL": self.url(user), **gameball}).invoke(cli, list(arguments))
        assert result.exit_code == code, (arguments, result.output, result.exception)
        return result


@pytest.fixture(params=["redis7", "valkey9"])
def cast(
    request: pytest.FixtureRequest,
    private_server: StartServer,
    tmp_path_factory: pytest.TempPathFactory,
    shared_sandbox: Sandbox,
) -> Iterator[Cast]:
    users = Users(tmp_path_factory.mktemp("acl"))
    server = users.start(private_server, on=request.param)
    shared_sandbox.reset()
    shared_sandbox.clear_faults()
    url = users.url("shipper-producer", server)
    shipper.configure(Settings(redis_url=url, enqueue_budget_ms=BUDGET_MS))
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("stage")
        stage = Stage(server, shared_sandbox, folder, stack, environment=PATIENT)
        yield Cast(stage, users, server)
    shipper.close()
    _current.client = None


def test_everybody_can_do_their_work_and_the_server_refused_nothing(cast: Cast) -> None:
    stage = cast.stage
    stage.sandbox.add_fault({"code": 3009}, {"event": "bad"})
    stage.sandbox.add_fault({"status": 500, "when": "after"}, {"event": "vague"})
    worker: dict[str, Any] = {"redis_url": cast.url("worker"), "hook_tries": 1}
    delivering = stage.worker("-Q", "shipper.deliver", **worker)
    stage.worker("-Q", "shipper.hooks", hooks=HOOKS, **worker)

    dead = _enqueue_in_every_way(stage)
    stage.until(lambda: stage.count("hooks_told") == 1 and stage.count("hooks_failed") == 2)
    stage.until(lambda: stage.count("dead") == 4 and stage.count("unclear") == 1)
    _look(cast, dead[0])
    with stage.server.client() as admin:
        admin.client_kill_filter(_type="normal", skipme=True)
    after = stage.enqueue("c-after", hook="fine")
    stage.until_state(after, "delivered")
    _put_right(cast, dead, stage)
    delivering.terminate()

    assert delivering.wait() == 0
    assert denied(cast.server) == []
    stage.assert_sound()


def _enqueue_in_every_way(stage: Stage) -> list[str]:
    """Enqueue as producers do; return the ids of those that Gameball will refuse, the first with a hook."""
    stage.enqueue("c-1", hook="fine")
    stage.enqueue("c-2", hook="fails")
    for _ in range(2):
        stage.enqueue("c-3", idempotency_key="once")
    asyncio.run(_enqueue_async())
    for atomic in (False, True):
        answers = shipper.enqueue_events(
            [{"customerId": f"c-{i}", "events": {f"bulk_{atomic}": {}}} for i in range(50)], atomic=atomic
        )
        assert all(isinstance(answer, shipper.Receipt) for answer in answers)
    stage.enqueue("c-vague", "vague", on_unclear="park")
    return [
        stage.enqueue("c-bad-0", "bad", hook="fails"),
        *(stage.enqueue(f"c-bad-{i}", "bad", of={"i": i}) for i in range(1, 4)),
    ]


async def _enqueue_async() -> None:
    await shipper.aenqueue_event({"customerId": "c-4", "events": {"a": {}}})
    await shipper.aenqueue_events([{"customerId": "c-5", "events": {"a": {}}}])
    await shipper.aclose()


def _look(cast: Cast, event_id: str) -> None:
    for command in (
        ("status",),
        ("show", event_id),
        ("dead", "list"),
        ("dead", "list", "--reason", "refused", "--event", "bad"),
        ("dead", "show", event_id),
        ("dead", "reasons"),
        ("hooks", "list"),
        ("doctor",),
        ("audit",),
        ("health",),
        ("config",),
    ):
        cast.run("viewer", *command)
    cast.run("worker", "health")
    cast.run("worker", "doctor")


def _put_right(cast: Cast, dead: list[str], stage: Stage) -> None:
    stage.sandbox.clear_faults()
    redriven, discarded, erased, filtered = dead
    cast.run("operator", "dead", "redrive", redriven, "--yes")
    cast.run("operator", "dead", "discard", discarded, "--yes")
    cast.run("operator", "expunge", "c-bad-2", "--yes")
    cast.run("operator", "dead", "redrive", "--reason", "refused", "--yes")
    cast.run("operator", "dead", "redrive", "--reason", "unclear", "--may-duplicate", "--yes")
    cast.run("operator", "hooks", "retry", "--all")
    cast.run("operator", "pause")
    cast.run("operator", "resume")
    cast.run("operator", "audit")
    stage.until_state(redriven, "delivered")
    stage.until_state(filtered, "delivered")
    stage.until(lambda: stage.count("hooks_failed") >= 4)
    cast.run("operator", "hooks", "discard", "--all", "--yes")
    stage.until_at_rest()
    cast.run("operator", "mend")
    cast.run("operator", "doctor")
    assert stage.show(erased).state.value == "expunged"
    assert stage.show(discarded).state.value == "discarded"


def test_a_viewer_can_change_nothing(cast: Cast) -> None:
    cast.stage.enqueue("c-1", hook="fine")
    with ExitStack() as stack:
        viewer = cast.ledger("viewer", stack)
        before = _dump(cast.server)

        for name, operation in WRITES.items():
            with pytest.raises(ForbiddenError, match="shipper-viewer"):
                viewer.run(operation)
            assert name
        refused = cast.run("viewer", "pause", code=1)
        _assert_each_is_refused(cast, "viewer", *ADMINS, ("DEL", key_of("default", "rec")))

        assert _dump(cast.server) == before
    said = " ".join(refused.output.split())
    assert said.startswith("Error: Redis does not let the user shipper-viewer do this (")
    assert said.endswith("docs/acl.md and deploy/acl/users.template say which rights each user needs")
    assert "Traceback" not in refused.output


def test_a_producer_can_neither_work_nor_read_what_it_was_not_told_of(cast: Cast) -> None:
    event_id = cast.stage.enqueue("c-1")
    with ExitStack() as stack:
        producer = cast.ledger("producer", stack)
        before = _dump(cast.server)

        for operation in (*WRITES.values(), show([event_id]), status()):
            with pytest.raises(ForbiddenError, match="shipper-producer"):
                producer.run(operation)
        _assert_each_is_refused(
            cast,
            "producer",
            *ADMINS,
            ("HGETALL", key_of("default", "rec")),
            ("HSCAN", key_of("default", "rec"), "0"),
            ("ZRANGE", key_of("default", "dead"), "0", "-1"),
            ("HGET", key_of("default", "hj"), f"{event_id}:0"),
            ("SCAN", "0"),
            ("INFO",),
            ("LPUSH", "shipper.deliver", "x"),
        )

        assert _dump(cast.server) == before


def test_a_worker_can_neither_decide_for_a_person_nor_administer(cast: Cast) -> None:
    cast.stage.enqueue("c-1")
    with ExitStack() as stack:
        worker = cast.ledger("worker", stack)
        before = _dump(cast.server)

        _assert_each_is_refused(
            cast,
            "worker",
            *ADMINS,
            ("SCAN", "0"),
            ("HVALS", key_of("default", "rec")),
            ("LPUSH", "celery", "x"),
        )
        with pytest.raises(ForbiddenError):
            worker.run(recount())

        assert _dump(cast.server) == before


def test_an_operator_reaches_neither_the_queue_nor_redis_itself(cast: Cast) -> None:
    cast.stage.enqueue("c-1")
    before = _dump(cast.server)

    _assert_each_is_refused(
        cast, "operator", *ADMINS, ("LPUSH", "shipper.deliver", "x"), ("BRPOP", "shipper.hooks", "1")
    )
    with ExitStack() as stack, pytest.raises(ForbiddenError):
        cast.ledger("operator", stack).run(claim(["t1"], SETTINGS, worker="w"))

    assert _dump(cast.server) == before


def test_an_enqueue_of_a_user_without_the_right_is_refused_and_has_accepted_nothing(cast: Cast) -> None:
    shipper.configure(Settings(redis_url=cast.url("viewer"), enqueue_budget_ms=BUDGET_MS))

    with pytest.raises(shipper.LedgerUnavailableError, match="the user shipper-viewer") as caught:
        cast.stage.enqueue("c-1")

    assert type(caught.value) is ForbiddenError
    assert _dump(cast.server) == {}


def test_nobody_gets_in_without_a_name_but_to_ask_whether_redis_is_up(cast: Cast) -> None:
    plain: dict[str, Any] = {"port": cast.server.port, "protocol": 2, "retry": Retry(NoBackoff(), 0)}

    with Redis(**plain) as nobody, pytest.raises(AuthenticationError, match="Authentication required"):
        nobody.ping()
    with Redis(**plain, username="shipper-probe", password="any") as probe:
        assert probe.ping() is True
        with pytest.raises(NoPermissionError):
            probe.get("x")


def test_doctor_names_what_a_user_may_not_look_at_and_ends_in_order(cast: Cast) -> None:
    with cast.server.client() as admin:
        less = ("-config", "-info", "-eval_ro", "-evalsha_ro")
        admin.execute_command("ACL", "SETUSER", "shipper-viewer", *less)

    seen = cast.run("viewer", "doctor", "--json")

    found = {line["about"]: line for line in map(json.loads, seen.stdout.splitlines())}
    assert found["redis"]["result"] == "ok"
    assert found["persistence"]["told"].startswith("cannot read appendonly")
    assert "the user shipper-viewer" in found["hooks default"]["told"]
    assert {found[about]["result"] for about in ("version", "persistence", "eviction", "hooks default")} == {
        "warning"
    }


def test_a_worker_that_may_not_look_at_redis_itself_warns_of_nothing_and_works(cast: Cast) -> None:
    with cast.server.client() as admin:
        admin.execute_command("ACL", "SETUSER", "shipper-worker", "-config", "-info")
    worker = cast.stage.worker(redis_url=cast.url("worker"))

    event_id = cast.stage.enqueue("c-1")

    cast.stage.until_state(event_id, "delivered")
    assert worker.running
    assert "Traceback" not in worker.log


def _assert_each_is_refused(cast: Cast, user: str, *commands: tuple[str, ...]) -> None:
    with cast.raw(user) as client:
        for command in commands:
            with pytest.raises(NoPermissionError):
                client.execute_command(*command)


def _dump(server: RedisServer) -> dict[bytes, bytes]:
    with server.client() as admin:
        return {key: admin.dump(key) for key in sorted(admin.keys("*"))}
