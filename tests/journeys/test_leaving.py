"""How a worker leaves: asked to, or by itself because nothing starts any more."""

from __future__ import annotations

import pytest

from tests.support.stage import Stage

GIVES_UP = """
import threading

from celery.signals import worker_ready


@worker_ready.connect
def _deaf(**_):
    from workers.app import _give_up

    threading.Timer(0.2, _give_up, args=("nothing starts",)).start()
"""


@pytest.mark.parametrize("pool", ["threads", "prefork"])
@pytest.mark.parametrize("by", ["celery -A workers worker", "shipper worker"])
def test_a_worker_that_gives_up_ends_with_an_error(stage: Stage, by: str, pool: str) -> None:
    worker = stage.worker("-P", pool, hooks=GIVES_UP, ready=False, by=by)

    assert worker.wait() == 1

    assert [fact["why"] for fact in worker.told("worker.gives_up")] == ["nothing starts"]


@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_sigterm_ends_the_claims_of_every_process(stage: Stage, pool: str) -> None:
    stage.sandbox.add_fault({"delay_ms": 300, "when": "before"})
    worker = stage.worker("-P", pool, "-c", "2", calls_in_flight=4)
    stage.enqueue_all(f"c-{number}" for number in range(400))
    stage.until(lambda: stage.count("calls") >= 4)

    worker.terminate()
    code = worker.wait()

    assert code == 0
    status = stage.status()
    assert status.counters["in_flight"] == 0
    assert status.counters["waiting"] > 300, "it went on claiming"
