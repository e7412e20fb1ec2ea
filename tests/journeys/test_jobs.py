"""Redrive jobs beside real workers: they outlive whoever carries them on."""

from __future__ import annotations

from typing import Any

from shipper.inspector import Filter, Inspector
from shipper.settings import Settings
from tests.support.stage import Stage


def letters(stage: Stage, customers: int, *, names: int = 1) -> list[str]:
    """Let Gameball refuse an event of each customer; return the ids in the order of each customer."""
    stage.sandbox.add_fault({"status": 422, "body": {"code": 3009, "message": "inactive"}})
    ids = [stage.enqueue(f"c-{i % customers}", f"n-{i // customers}") for i in range(customers * names)]
    stage.until(lambda: stage.count("dead") == len(ids))
    stage.sandbox.clear_faults()
    return ids


def inspector(stage: Stage) -> Inspector:
    return Inspector(stage.ledger, Settings(), operator="mona")


def test_a_job_outlives_every_worker_that_carries_it_on_and_sends_each_event_once(stage: Stage) -> None:
    brief: dict[str, Any] = {"timeout_ms": 1000, "connect_timeout_ms": 1000, "lease_ms": 6000}
    stage.worker(refusal_burst=0, **brief)
    ids = letters(stage, 60, names=2)
    desk = inspector(stage)

    job = desk.jobs.start(Filter(reason="refused"), rate=50).job
    stage.until(lambda: desk.jobs.find(job).sent > 10)
    stage.workers[-1].kill()
    stage.worker(refusal_burst=0, **brief)

    stage.until(lambda: desk.jobs.find(job).over)
    done = desk.jobs.find(job)
    assert (done.state, done.sent, done.delivered, done.failed, done.left) == ("done", 120, 120, 0, {})
    assert stage.count("redriven") == len(ids)
    assert len(stage.copies()) == 120
    assert sum(stage.copies().values()) - 120 <= stage.count("causes")
    stage.assert_sound()


def test_a_job_waits_in_the_ledger_until_there_is_a_worker_and_two_of_one_set_send_it_once(
    stage: Stage,
) -> None:
    worker = stage.worker(refusal_burst=0)
    letters(stage, 20)
    worker.terminate()
    worker.wait()
    desk = inspector(stage)
    jobs = [desk.jobs.start(Filter(), rate=100).job for _ in range(2)]
    waiting = [desk.jobs.find(job).sent for job in jobs]

    stage.worker()
    stage.worker()

    stage.until(lambda: all(desk.jobs.find(job).over for job in jobs))
    assert waiting == [0, 0]
    assert sum(desk.jobs.find(job).sent for job in jobs) == 20
    assert set(stage.copies().values()) == {1}
    stage.assert_sound()


def test_a_job_that_mends_nothing_stops_by_itself(stage: Stage) -> None:
    stage.worker(refusal_burst=0)
    letters(stage, 120)
    stage.sandbox.add_fault({"status": 422, "body": {"code": 3009, "message": "inactive"}})
    desk = inspector(stage)

    job = desk.jobs.start(Filter(), rate=20).job

    stage.until(lambda: desk.jobs.find(job).state == "stopped")
    stopped = desk.jobs.find(job)
    assert stopped.sent < 120
    assert stopped.why is not None
    assert stopped.why.endswith("failed again, most as refused 3009")
    stage.assert_sound()
