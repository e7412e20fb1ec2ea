"""Keys of stored events, changed under load: in the right order, and with producers ahead of the workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from shipper.client import Client, _current
from shipper.inspector.encryption import check_encryption
from shipper.keyring import new_key
from shipper.settings import Settings
from tests.faults.campaign import OURS, Campaign, beside
from tests.faults.campaigns.workers import HOOKS, hooks_told_once, without_copies
from tests.faults.field import Field
from tests.faults.history import Tally
from tests.faults.side import Shipper
from tests.support.stage import Stage
from tests.support.worker import Worker

REST: Final[dict[str, Any]] = {"pause_step_ms": 500, "pause_max_ms": 2000}
"""How long a customer waits whose key is missing: a round is short."""
AHEAD_S: Final = 2.0
"""How long producers use a key that no worker has."""


def rotate(field: Field) -> str:
    """Change the key again and again; every other time producers use the new one first."""
    rounds = 2 if field.quick else 12
    old = f"k0:{new_key()}"
    encrypt_with(field, old)
    workers = [field.side.worker(hooks=HOOKS, encryption_keys=old, **REST) for _ in range(2)]
    load = field.start_load(events=1_000_000, customers=300, per_second=100)

    for number in range(1, rounds + 1):
        new = f"k{number}:{new_key()}"
        if number % 2:
            give(field, workers, f"{old},{new}")
            encrypt_with(field, f"{new},{old}")
        else:
            encrypt_with(field, f"{new},{old}")
            await_lock(field)
            field.pass_time(AHEAD_S)
            give(field, workers, f"{new},{old}")
        drain(field, old, f"{new},{old}")
        give(field, workers, new)
        old = new
    load.stop()
    field.healed()
    field.recover_within_s = 30
    field.check(hooks_told_once(field))
    field.check(untouched(field))
    return f"{rounds} keys replaced, {rounds // 2} of them used before a worker had them"


def encrypt_with(field: Field, keys: str) -> None:
    """Let the shop encrypt with the first of these keys; its calls under way end on the old connections."""
    _current.client = Client(Settings(redis_url=field.server.url, encryption_keys=keys))


def give(field: Field, workers: list[Worker], keys: str) -> None:
    """Restart one worker after the other with these keys."""
    for worker in workers:
        field.end(worker)
        worker.environment = {**worker.environment, "SHIPPER_ENCRYPTION_KEYS": keys}
        field.begin(worker)


def drain(field: Field, old: str, keys: str) -> None:
    """Wait until nothing that is stored needs the old key, as the doctor of a rotation does."""
    keyring, key_id = Settings(encryption_keys=keys).keyring, old.partition(":")[0]

    def drained() -> bool:
        _, _, stored = check_encryption(stage_of(field).ledger, keyring).told.rpartition("; ")
        return f" under {key_id}" not in stored

    field.until(drained, why=f"events are still stored under {key_id}")


def await_lock(field: Field) -> None:
    """Wait until one more worker lacked the key of an event."""
    before = locked_at(field)
    field.until(lambda: locked_at(field) != before, why="no worker lacks the key")


def locked_at(field: Field) -> str | None:
    """Return when a worker last lacked the key of an event."""
    return stage_of(field).status().meta.get("locked_at")


def untouched(field: Field) -> Callable[[Tally], Iterator[str]]:
    """Return the check that no event paid for a key that was missing."""

    def check(tally: Tally) -> Iterator[str]:
        yield from without_copies(tally)
        counters = stage_of(field).status().counters
        for name in ("dead", "unclear", "causes", "retried", "hooks_failed"):
            if count := counters.get(name, 0):
                yield f"{count} {name}, and only keys were changed"

    return check


def stage_of(field: Field) -> Stage:
    assert isinstance(field.side, Shipper)
    return field.side.stage


CAMPAIGNS: Final = (
    Campaign(
        name="key-rotation",
        tells="The key under which events are stored is replaced again and again under load, workers restart"
        " in turn; every other time producers use the new key before a worker has it. Those events must wait"
        " and go on by themselves; no attempt may be spent, nothing may die or arrive twice.",
        run=beside("encryption keys replaced", rotate, sides=OURS, settings={"hook": "noted"}),
        minutes=4,
    ),
)
