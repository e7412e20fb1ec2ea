"""Completion hooks in workers of their own and in plain ones: told, failing, hanging, deadly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from shipper.ledger.keys import key_of
from shipper.ledger.operations import pause
from shipper.outcome import State
from tests.support.stage import Stage
from tests.support.worker import Worker

HOOKS = """
import json, os, sys, time
from pathlib import Path
from shipper import completion_hook

TOLD = Path(__file__).with_name("told.jsonl")

def note(**facts):
    with TOLD.open("a") as file:
        file.write(json.dumps(facts) + "\\n")

@completion_hook("noted")
def noted(response, error):
    said = response or error
    note(truthy=bool(response), response=response is not None, error=type(error).__name__,
         **{name: getattr(said, name, None) for name in
            ("event_id", "customer_id", "events", "attempts", "status", "code", "request_id")})

@completion_hook("fails")
def fails(response, error):
    note(hook="fails")
    raise RuntimeError("canary-of-the-hook")

@completion_hook("leaves")
def leaves(response, error):
    note(hook="leaves")
    sys.exit(3)

@completion_hook("kills")
def kills(response, error):
    note(hook="kills")
    os._exit(1)

@completion_hook("hangs")
def hangs(response, error):
    note(hook="hangs")
    time.sleep(60)
"""


def told(worker: Worker) -> list[dict[str, Any]]:
    """Read what the hooks of a worker wrote."""
    path: Path = worker.folder / "told.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def last_error(stage: Stage, event_id: str) -> str:
    """Return the last error of an event's first hook job, with its number of tries."""
    stored: bytes = stage.ledger.ask("HGET", key_of("default", "hl"), f"{event_id}:0")
    return stored.decode()


def test_a_hook_is_told_of_a_delivered_event(stage: Stage) -> None:
    worker = stage.worker(hooks=HOOKS)

    event_id = stage.enqueue("c-42", of={"stars": 5}, hook="noted")

    stage.until(lambda: stage.count("hooks_told") == 1)
    (fact,) = told(worker)
    assert fact == {
        "truthy": True,
        "response": True,
        "error": "NoneType",
        "event_id": event_id,
        "customer_id": "c-42",
        "events": {"write_review": {"stars": 5}},
        "attempts": 1,
        "status": 200,
        "code": None,
        "request_id": fact["request_id"],
    }


def test_a_hook_is_told_of_a_refused_event_by_a_typed_error(stage: Stage) -> None:
    stage.sandbox.add_fault({"code": 3009})
    worker = stage.worker(hooks=HOOKS)

    event_id = stage.enqueue("c-42", of={"stars": 5}, hook="noted")

    stage.until(lambda: stage.count("hooks_told") == 1)
    (fact,) = told(worker)
    assert fact["request_id"]
    assert fact == {
        "truthy": False,
        "response": False,
        "error": "RefusedError",
        "event_id": event_id,
        "customer_id": "c-42",
        "events": {"write_review": {"stars": 5}},
        "attempts": 1,
        "status": 422,
        "code": 3009,
        "request_id": fact["request_id"],
    }


def test_a_hook_that_raises_is_told_again_and_then_listed(stage: Stage) -> None:
    worker = stage.worker(hooks=HOOKS, hook_tries=3)

    failing = stage.enqueue("c-1", hook="fails")
    fine = stage.enqueue("c-2", hook="noted")

    stage.until(lambda: stage.count("hooks_failed") == 1 and stage.count("hooks_told") == 1)
    assert [fact for fact in told(worker) if "hook" in fact] == [{"hook": "fails"}] * 3
    assert [fact["event_id"] for fact in told(worker) if "hook" not in fact] == [fine]
    assert last_error(stage, failing) == "3 - RuntimeError: canary-of-the-hook"
    assert stage.show(failing).state is State.DELIVERED
    stage.until(lambda: worker.told("hook.failed"))
    assert "canary-of-the-hook" not in worker.log
    assert len(worker.told("hook.failed")) == 1


def test_a_hook_that_no_worker_knows_is_listed_and_never_imported(stage: Stage) -> None:
    worker = stage.worker(hooks=HOOKS, hook_tries=2)

    event_id = stage.enqueue("c-1", hook="os.abort")

    stage.until(lambda: stage.count("hooks_failed") == 1)
    assert "no completion_hook is named os.abort" in last_error(stage, event_id)
    assert worker.running
    assert stage.show(event_id).state is State.DELIVERED


def test_a_hook_that_leaves_the_interpreter_has_failed_like_any_other(stage: Stage) -> None:
    worker = stage.worker("-P", "solo", hooks=HOOKS, hook_tries=2)

    event_id = stage.enqueue("c-1", hook="leaves")

    stage.until(lambda: stage.count("hooks_failed") == 1)
    assert last_error(stage, event_id) == "2 - SystemExit: 3"
    assert worker.running


def test_hooks_that_kill_their_process_or_hang_harm_neither_deliveries_nor_other_hooks(stage: Stage) -> None:
    telling = stage.worker(
        "-Q", "shipper.hooks", "-P", "prefork", "-c", "2", hooks=HOOKS, hook_tries=1, hook_timeout_ms=300
    )
    delivering = stage.worker("-Q", "shipper.deliver")

    deadly = stage.enqueue("c-1", hook="kills")
    hanging = stage.enqueue("c-2", hook="hangs")
    fine = [stage.enqueue(f"c-{i}", hook="noted") for i in range(3, 13)]

    stage.until(lambda: stage.count("delivered") == 12)
    stage.until(lambda: stage.count("hooks_told") == 10)
    stage.until(lambda: stage.count("hooks_failed") == 2)
    facts = told(telling)
    assert {fact["event_id"] for fact in facts if "hook" not in fact} == set(fine)
    assert {"hook": "kills"} in facts
    assert {"hook": "hangs"} in facts
    # On a busy machine Celery's hard limit, which kills the child, may come before the soft one is felt.
    limits = ("1 - SoftTimeLimitExceeded", "2 - its process ended, or was cut off")
    assert last_error(stage, hanging).startswith(limits)
    assert stage.show(deadly).state is State.DELIVERED
    assert (telling.running, delivering.running) == (True, True)


def test_hooks_that_hang_in_every_slot_of_a_thread_pool_end_the_worker_with_an_error(stage: Stage) -> None:
    # Its last word, which ends it, waits for a call of the longest.
    worker = stage.worker(
        hooks=HOOKS, tellers=2, hook_timeout_ms=300, timeout_ms=1000, connect_timeout_ms=1000
    )

    ids = [stage.enqueue(f"c-{i}", hook="hangs") for i in range(2)]

    stage.until(lambda: worker.told("worker.gives_up"))
    stage.until(lambda: stage.count("delivered") == len(ids))
    assert worker.wait() == 1
    assert "2 completion hooks hang: hangs" in worker.told("worker.gives_up")[0]["why"]


def test_an_alarm_hook_is_told_once_by_one_of_two_workers(stage: Stage) -> None:
    alarms = HOOKS.replace("import completion_hook", "import alarm_hook, completion_hook") + (
        "\n@alarm_hook\ndef heard(alarm):\n    note(name=alarm.name, raised=alarm.raised, mark=alarm.mark)\n"
    )
    stage.enqueue("c-42")
    stage.ledger.run(pause())

    workers = [stage.worker(hooks=alarms, alarm_oldest_due_ms=1) for _ in range(2)]

    stage.until(lambda: stage.count("hooks_told") == 1)
    assert [fact for worker in workers for fact in told(worker)] == [
        {"name": "oldest_due_ms", "raised": True, "mark": 1}
    ]
    stage.until(lambda: any(worker.told("alarm.raised") for worker in workers))
    assert sum(len(worker.told("alarm.raised")) for worker in workers) == 1
