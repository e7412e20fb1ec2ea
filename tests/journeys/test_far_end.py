"""A far end that loses its answers, or answers to harm: what a worker makes of it, end to end."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.faults.soak.memory import rss_of
from tests.support.hostile import HostileServer
from tests.support.stage import Stage

Do = dict[str, Any]

LOST: Final[tuple[Do, ...]] = ({"reset": True, "when": "after"}, {"close": True, "when": "after"})
"""Applied, and then a reset or the end of the connection in place of the answer."""
HOSTILE: Final[dict[str, Do]] = {
    "drips": {"drip": 2},
    "never_ends": {"oversize": 1 << 40},
    "bomb": {"wrong_body": "gzip_bomb"},
    "cut": {"wrong_body": "short"},
}


@pytest.mark.parametrize(("policy", "copies", "state"), [("retry", 2, "delivered"), ("park", 1, "unclear")])
def test_of_fifty_lost_answers_each_has_its_cause_and_parked_events_have_one_copy(
    stage: Stage, policy: str, copies: int, state: str
) -> None:
    for do in LOST:
        stage.sandbox.add_fault(do, {"event": "unlucky", "first": 25})
    stage.worker(backoff_base_ms=1000, backoff_cap_ms=1000, breaker_calls=100)

    unlucky = [stage.enqueue(f"c-{i}", "unlucky", on_unclear=policy) for i in range(50)]
    lucky = [stage.enqueue(f"c-{i}", on_unclear=policy) for i in range(50, 150)]

    stage.until_at_rest()
    shown = [stage.show(event_id) for event_id in unlucky]
    assert [each.state.value for each in shown] == [state] * 50
    assert sum(count for (_, name, _), count in stage.copies().items() if name == "unlucky") == 50 * copies
    assert stage.count("causes") == 50 * (copies - 1) + (50 if policy == "park" else 0)
    assert [stage.show(event_id).state.value for event_id in lucky] == ["delivered"] * 100
    stage.assert_sound()


def test_answers_that_drip_never_end_or_unpack_to_gigabytes_cost_a_worker_neither_time_nor_memory(
    stage: Stage,
) -> None:
    worker = stage.worker(timeout_ms=3000, lease_ms=8000)
    for i in range(20):
        stage.enqueue(f"warm-{i}")
    stage.until(lambda: stage.count("delivered") == 20)
    before_kib = rss_of(worker.pid)
    for name, do in HOSTILE.items():
        stage.sandbox.add_fault(do, {"event": name, "first": 3})
    names = [name for name in HOSTILE for _ in range(3)]

    ids = [stage.enqueue(f"c-{i}", name) for i, name in enumerate(names)]

    counters = stage.until_at_rest()
    copies = {name: sum(n for (_, of, _), n in stage.copies().items() if of == name) for name in names}
    assert counters["delivered"] == 20 + len(ids)
    assert copies == {"drips": 6, "never_ends": 3, "bomb": 3, "cut": 6}
    assert counters["causes"] == 6
    assert rss_of(worker.pid) < before_kib + 32 * 1024
    assert worker.running


def test_a_redirect_shows_another_host_neither_the_event_nor_the_key(stage: Stage) -> None:
    with HostileServer() as other:
        do = {"status": 307, "headers": {"Location": f"{other.url}/api/v4.0/integrations/events"}}
        stage.sandbox.add_fault(do, {"first": 3})
        stage.worker()

        event_id = stage.enqueue("c-42")

        shown = stage.until_state(event_id, "delivered")
        assert shown.fate is not None
        assert (shown.fate.attempts, shown.fate.causes) == (4, 0)
        assert other.connections == 0
    assert stage.arrived() == [("c-42", "write_review", {})]
