"""Nothing that a customer said is found in what Redis holds or writes, whatever becomes of the events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event as Flag
from typing import Any, Final

import pytest
from pydantic import SecretStr

from shipper import hooks
from shipper.envelope import seal
from shipper.hooks import completion_hook
from shipper.keyring import new_key
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import claim, discard, enqueue
from shipper.ledger.pool import make_pool
from tests.support.servers import RedisServer, StartServer
from tests.workers.desk import QUICK, Desk
from tests.workers.far_end import ACCEPTED, CLOSED, FarEnd
from workers.completion import Counter, Teller
from workers.pump import Pump, Station, new_tokens
from workers.sky import ThreadSky
from workers.slots import Slots
from workers.verdict import Answer

CANARIES: Final = {
    "customer": "canary-customer",
    "email": "canary-email@example.com",
    "mobile": "+201234canary",
    "text": "canary-of-the-metadata",
    "key": "canary-of-the-keys",
    "name": "canary_event",
    "idempotency": "canary-idempotency",
}
WRITTEN: Final = {"appendonly": "yes", "appendfsync": "always", "rdbcompression": "no", "hz": "100"}
"""Everything is on disk at once, and as it is: what is compressed would hide a canary."""


class Shop:
    """Lead events of one customer into every state, through a far end that quotes what it was sent."""

    def __init__(self, ledger: Ledger, keys: str) -> None:
        given = {"encryption_keys": SecretStr(keys), "refusal_burst": 0, "hook_tries": 1}
        self.settings = QUICK.model_copy(update=given)
        self.desk = Desk(ledger, self.settings)
        self.ledger = ledger

    def enqueue(self, state: str, **more: Any) -> str:
        """Enqueue an event that is to end in a state; each has a lane of its own."""
        event = {
            "customerId": f"{CANARIES['customer']}-{state}",
            "email": CANARIES["email"],
            "mobile": CANARIES["mobile"],
            "events": {CANARIES["name"]: {"text": CANARIES["text"], CANARIES["key"]: state}},
        }
        given = {"hook": "raises", "idempotency_key": f"{CANARIES['idempotency']}-{state}", **more}
        envelope = seal(event, settings=self.settings, **given)
        (admission,) = self.ledger.run(enqueue([envelope], self.settings))
        assert admission.word == "ok"
        return admission.event_id

    def lead_into_every_state(self) -> dict[str, str]:
        """Return an id for each state. Hooks of those that ended are given up, but for one that waits."""
        ids = {state: self.enqueue(state) for state in ("delivered", "dead", "retried")}
        ids["unclear"] = self.enqueue("unclear", on_unclear="park")
        self._pump()
        self._tell()
        ids["in flight"] = self.enqueue("in-flight")
        self.ledger.run(claim(new_tokens(1), self.settings, worker="w:2"))
        ids["discarded"] = self.enqueue("discarded")
        self.ledger.run(discard([ids["discarded"]], waiting=[ids["discarded"]]))
        ids["waiting"] = self.enqueue("waiting")
        return ids

    def _pump(self) -> None:
        with ThreadPoolExecutor(8) as executor:
            station = Station(
                ledger=self.ledger,
                sky=ThreadSky(FarEnd(_quoting).gameball, executor),
                settings=self.settings,
                worker="w:1",
                stopping=Flag(),
                slots=Slots(100),
            )
            Pump(station).run()

    def _tell(self) -> None:
        Teller(Counter(ledger=self.ledger, settings=self.settings, stopping=Flag())).run()


def _quoting(body: bytes) -> Answer:
    refused = json.dumps({"code": 3009, "message": body.decode()}).encode()
    later = json.dumps({"message": body.decode()}).encode()
    for state, answer in {
        b"-dead": Answer(status=422, body=refused),
        b"-retried": Answer(status=408, body=later, retry_after="60"),
        b"-unclear": CLOSED,
    }.items():
        if CANARIES["customer"].encode() + state in body:
            return answer
    return ACCEPTED


@pytest.fixture
def server(private_server: StartServer) -> RedisServer:
    return private_server(options=WRITTEN)


@pytest.fixture
def ledger(server: RedisServer) -> Iterator[Ledger]:
    pool = make_pool(server.url, budget_ms=3000)
    yield Ledger(pool)
    pool.disconnect()


@pytest.fixture(autouse=True)
def _hook_that_names_the_customer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "_registry", {})

    def raises(response: Any, error: Any) -> None:
        raise ValueError(f"cannot thank {(response or error).customer_id} for {(response or error).events}")

    completion_hook("raises")(raises)


def everything(server: RedisServer) -> dict[str, bytes]:
    """Return what Redis holds, key by key, and every file that it wrote."""
    with server.client() as redis:
        redis.save()
        held = {f"key {name!r}": name + bytes(redis.dump(name) or b"") for name in redis.scan_iter()}
    files = [path for path in Path(server.folder).rglob("*") if path.is_file() and path.name != "server.log"]
    assert {path.suffix for path in files} >= {".rdb", ".aof"}
    return held | {f"file {path.name}": path.read_bytes() for path in files}


def found_in(places: dict[str, bytes]) -> set[str]:
    return {canary for canary, text in CANARIES.items() for held in places.values() if text.encode() in held}


def states_of(ledger: Ledger, ids: dict[str, str]) -> dict[str, str]:
    desk = Desk(ledger, QUICK)
    return {name: desk.state(event_id) for name, event_id in ids.items()}


STATES: Final = {
    "delivered": "delivered",
    "dead": "dead",
    "retried": "waiting",
    "unclear": "unclear",
    "in flight": "in_flight",
    "discarded": "discarded",
    "waiting": "waiting",
}


def test_neither_what_a_customer_said_nor_a_key_is_in_redis_or_its_files(
    server: RedisServer, ledger: Ledger
) -> None:
    key = new_key()

    ids = Shop(ledger, f"a:{key}").lead_into_every_state()

    held = everything(server)
    assert states_of(ledger, ids) == STATES
    assert hooks_of(server) == {"waiting": 1, "failed": 3}
    assert found_in(held) == set()
    assert not any(key.encode() in each for each in held.values())


def test_without_keys_the_same_search_finds_what_customers_said(server: RedisServer, ledger: Ledger) -> None:
    ids = Shop(ledger, "").lead_into_every_state()

    assert states_of(ledger, ids) == STATES
    assert found_in(everything(server)) == CANARIES.keys() - {"idempotency"}


def hooks_of(server: RedisServer) -> dict[str, int]:
    with server.client() as redis:
        return {
            "waiting": int(redis.zcard("{shipper:default}:hooks")),
            "failed": int(redis.zcard("{shipper:default}:hf")),
        }
