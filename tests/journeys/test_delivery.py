"""One event's way through real processes: producer, Redis, Celery worker, HTTP, and what came of it."""

from __future__ import annotations

import pytest

from shipper.outcome import Reason, State
from tests.support.stage import Stage


def test_an_event_arrives_as_it_was_enqueued(stage: Stage) -> None:
    stage.worker()

    event_id = stage.enqueue("c-42", of={"stars": 5, "text": "schön 🎈", "__type__": "x", "tags": []})

    shown = stage.until_state(event_id, "delivered")
    assert stage.arrived() == [
        ("c-42", "write_review", {"stars": 5, "text": "schön 🎈", "__type__": "x", "tags": []})
    ]
    assert shown.fate is not None
    assert shown.fate.attempts == 1
    stage.assert_sound()


@pytest.mark.parametrize(
    ("pool", "leaves_quickly"),
    [(("-P", "threads"), True), (("-P", "solo"), True), (("-P", "gevent"), True), (("-P", "prefork"), False)],
    ids=["threads", "solo", "gevent", "prefork"],
)
def test_every_pool_delivers_and_ends_in_order(
    stage: Stage, pool: tuple[str, ...], leaves_quickly: bool
) -> None:
    worker = stage.worker(*pool, "-c", "4", hooks=TOLD, pump_ms=500)

    ids = [stage.enqueue(f"c-{i % 20}", f"visit-{i // 20}", hook="told") for i in range(60)]

    stage.until(lambda: stage.count("hooks_told") == 60)
    counters = stage.until_at_rest()
    assert (counters["delivered"], counters.get("causes", 0)) == (60, 0)
    assert (
        len({(customer, name) for customer, name, _ in stage.arrived()}) == len(stage.arrived()) == len(ids)
    )
    assert worker.told("flight.failed") == worker.told("dispatcher.failed") == []
    stage.assert_sound()
    worker.terminate()
    # billiard may wait for 30 s for children that have long ended.
    assert worker.wait(within_s=20 if leaves_quickly else 45) == 0


TOLD = """
from shipper import completion_hook

@completion_hook("told")
def told(response, error):
    pass
"""


def test_an_event_refused_for_now_is_retried(stage: Stage) -> None:
    stage.sandbox.add_fault({"status": 503}, {"first": 2})
    stage.worker()

    event_id = stage.enqueue("c-42")

    shown = stage.until_state(event_id, "delivered")
    assert shown.fate is not None
    assert shown.fate.attempts == 3
    assert len(stage.arrived()) == 1
    assert stage.count("causes") == 0


def test_a_connection_reset_before_gameball_applied_the_event_costs_an_attempt_and_no_copy(
    stage: Stage,
) -> None:
    stage.sandbox.add_fault({"reset": True, "when": "before"}, {"first": 1})
    stage.worker()

    event_id = stage.enqueue("c-42")

    shown = stage.until_state(event_id, "delivered")
    assert shown.fate is not None
    assert shown.fate.attempts == 2
    assert len(stage.arrived()) == 1
    assert stage.count("causes") == 1


def test_a_lost_answer_has_its_cause_on_record_and_makes_a_second_copy(stage: Stage) -> None:
    stage.sandbox.add_fault({"reset": True, "when": "after"}, {"first": 1})
    stage.worker()

    event_id = stage.enqueue("c-42")

    stage.until_state(event_id, "delivered")
    assert len(stage.arrived()) == 2
    assert stage.count("causes") == 1


def test_a_parked_event_whose_answer_was_lost_is_unclear_and_never_sent_again(stage: Stage) -> None:
    stage.sandbox.add_fault({"reset": True, "when": "after"}, {"first": 1})
    stage.worker()

    event_id = stage.enqueue("c-42", on_unclear="park")
    stage.until_state(event_id, "unclear")
    behind = stage.enqueue("c-42")
    stage.until_state(behind, "delivered")

    shown = stage.show(event_id)
    assert shown.state is State.UNCLEAR
    assert [line["verdict"] for line in shown.history] == ["unclear"]
    assert len(stage.arrived()) == 2
    stage.assert_sound()


def test_a_refused_event_is_a_dead_letter_and_those_behind_it_go_on(stage: Stage) -> None:
    stage.sandbox.add_fault({"code": 3009}, {"event": "bad"})
    stage.worker()

    bad = stage.enqueue("c-42", "bad")
    stage.until_state(bad, "dead")
    good = stage.enqueue("c-42", "good")
    stage.until_state(good, "delivered")

    dead = stage.show(bad)
    assert (dead.tried.reason, dead.tried.code, dead.tried.number) == (Reason.REFUSED, 3009, 1)
    (attempt,) = dead.history
    assert (attempt["verdict"], attempt["status"], attempt["outcome"]) == ("permanent", 422, "dead: refused")
    assert attempt["request_id"]
    assert stage.arrived() == [("c-42", "good", {})]
    stage.assert_sound()


def test_events_that_wait_together_leave_in_one_call(stage: Stage) -> None:
    for name in ("a", "b", "c", "d"):
        stage.enqueue("c-42", name, of={"name": name})

    stage.worker()

    stage.until(lambda: stage.count("delivered") == 4)
    assert [call["events"] for call in stage.sandbox.accepted()] == [
        {"a": {"name": "a"}, "b": {"name": "b"}, "c": {"name": "c"}, "d": {"name": "d"}}
    ]


def test_a_merged_call_that_is_refused_is_split_and_only_the_guilty_event_dies(stage: Stage) -> None:
    stage.sandbox.add_fault({"code": 2000}, {"event": "bad"})
    ids = {name: stage.enqueue("c-42", name) for name in ("a", "bad", "c", "d")}

    stage.worker()

    counters = stage.until_at_rest()
    assert (counters["delivered"], counters["dead"]) == (3, 1)
    assert [name for _, name, _ in stage.arrived()] == ["a", "c", "d"]
    assert [line["outcome"] for line in stage.show(ids["bad"]).history] == ["solo", "dead: refused"]
    assert stage.sandbox.stats()["calls"] == 5


def test_missing_credentials_pause_the_account_and_it_resumes_by_itself(stage: Stage) -> None:
    fault = stage.sandbox.add_fault({"status": 401, "code": 1000})
    worker = stage.worker()

    for i in range(40):
        stage.enqueue(f"c-{i}")
    stage.until(lambda: stage.status().gate.get("why") == "credentials")
    refused = stage.sandbox.stats()["by_status"]["401"]
    stage.until(lambda: stage.sandbox.stats()["by_status"]["401"] >= refused + 3)
    while_paused = stage.status()
    stage.sandbox.remove_fault(fault)

    counters = stage.until_at_rest()
    assert (counters["delivered"], counters.get("dead", 0), counters.get("causes", 0)) == (40, 0, 0)
    assert while_paused.counters.get("delivered", 0) == 0
    assert len(stage.arrived()) == 40
    assert stage.status().gate == {}
    assert worker.running


def test_two_workers_never_call_for_one_customer_at_a_time_and_keep_the_order(stage: Stage) -> None:
    stage.sandbox.add_fault({"delay_ms": 5, "when": "before"})
    stage.worker()
    stage.worker()

    for i in range(100):
        stage.enqueue("hot", of={"n": i})

    counters = stage.until_at_rest()
    assert counters["delivered"] == 100
    assert [metadata["n"] for _, _, metadata in stage.arrived()] == list(range(100))
    assert stage.sandbox.stats()["overlaps"] == 0
