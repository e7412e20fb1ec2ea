"""Keys are rotated under load, in the right order and in the wrong one, by real workers and producers."""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from threading import Event, Thread
from typing import Any, Self

from shipper.admission import Receipt
from shipper.client import Client
from shipper.envelope import seal
from shipper.inspector.encryption import check_encryption
from shipper.keyring import new_key
from shipper.settings import Settings
from tests.journeys.conftest import BUDGET_MS
from tests.support.stage import Stage
from tests.support.worker import Worker

A, B = f"a:{new_key()}", f"b:{new_key()}"
CUSTOMERS = 20
REST_S = 0.008

HOOKS = """
from shipper import completion_hook

@completion_hook("told")
def told(response, error):
    pass
"""


class Producers:
    """Enqueue numbered events, two at a time, each thread those of customers of its own."""

    def __init__(self, stage: Stage, keys: str) -> None:
        self.accepted: dict[str, list[int]] = defaultdict(list)
        self._url = stage.server.url
        self._clients: list[Client] = []
        self._enough = Event()
        self._threads = [Thread(target=self._produce, args=(first,)) for first in range(2)]
        self.encrypt_with(keys)

    def encrypt_with(self, keys: str) -> None:
        """Encrypt with the first of these keys from now on."""
        settings = Settings(redis_url=self._url, encryption_keys=keys, enqueue_budget_ms=BUDGET_MS)
        self._clients.append(Client(settings))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join()
        for client in self._clients:
            client.close()

    def _produce(self, first: int) -> None:
        for number in count(first, 2):
            if self._enough.wait(REST_S):
                return
            client, customer = self._clients[-1], f"c-{number % CUSTOMERS}"
            event = {"customerId": customer, "events": {f"visit-{number}": {"n": number}}}
            (answer,) = client.admit([seal(event, settings=client.settings, hook="told")])
            assert isinstance(answer, Receipt)
            self.accepted[customer].append(number)


def end(worker: Worker) -> None:
    """End a worker in order."""
    worker.terminate()
    assert worker.wait() == 0


def arrived_in_order(stage: Stage) -> dict[str, list[int]]:
    """Return the numbers that Gameball accepted of each customer, sorted within one call."""
    found: dict[str, list[int]] = defaultdict(list)
    for call in stage.sandbox.accepted():
        found[call["customerId"]] += sorted(of["n"] for of in call["events"].values())
    return found


def events_under(stage: Stage, keys: str) -> str:
    """Return what a doctor who has these keys says of what is stored."""
    return check_encryption(stage.ledger, Settings(encryption_keys=keys).keyring).told


def test_a_key_is_rotated_under_load_and_nothing_waits_is_lost_or_doubled(stage: Stage) -> None:
    with Producers(stage, A) as producers:
        old = stage.worker(ready=False, hooks=HOOKS, encryption_keys=A)
        between = stage.worker(hooks=HOOKS, encryption_keys=f"{A},{B}")
        old.await_ready()
        end(old)
        producers.encrypt_with(f"{B},{A}")
        stage.until(lambda: "under a" not in events_under(stage, f"{B},{A}"))
        stage.worker(hooks=HOOKS, encryption_keys=B)
        end(between)
        before = stage.count("delivered")
        stage.until(lambda: stage.count("delivered") > before + 50)

    counters = stage.until_at_rest()
    stage.until(lambda: stage.count("hooks_told") == counters["accepted"])
    assert arrived_in_order(stage) == producers.accepted
    assert counters["delivered"] == sum(map(len, producers.accepted.values()))
    assert {counters.get(name, 0) for name in ("dead", "unclear", "causes", "retried")} == {0}
    assert [worker.told("hook.locked") for worker in stage.workers] == [[]] * len(stage.workers)
    stage.assert_sound()


def test_events_under_a_key_that_workers_lack_wait_until_they_know_it(stage: Stage) -> None:
    rest: dict[str, Any] = {"pause_step_ms": 500, "pause_max_ms": 2000}
    old = stage.worker(hooks=HOOKS, encryption_keys=A, **rest)

    with Producers(stage, f"{B},{A}") as producers:
        stage.until(lambda: len(old.told("delivery.settled")) > 3)
        held = stage.status()
    new = stage.worker(hooks=HOOKS, encryption_keys=f"{A},{B}", **rest)
    end(old)

    counters = stage.until_at_rest()
    stage.until(lambda: stage.count("hooks_told") == counters["accepted"])
    notes = {fact["note"] for fact in old.told("delivery.settled") if fact["verdict"] == "encryption_key"}
    assert held.gate == {}
    assert "locked_at" in held.meta
    assert held.counters.get("delivered", 0) == 0
    assert notes == {"encrypted under key b, which is not among SHIPPER_ENCRYPTION_KEYS"}
    assert arrived_in_order(stage) == producers.accepted
    assert {counters.get(name, 0) for name in ("dead", "unclear", "causes", "retried")} == {0}
    assert stage.status().gate == {}
    assert new.running
    stage.assert_sound()
