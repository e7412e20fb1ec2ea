"""A roll-back excuses one more copy of what had not ended for sure, and nothing but a loss besides."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tests.faults.history import Answer, Attempt, tally
from tests.faults.rollback import held, surplus
from tests.faults.row import Row

SENT = [
    Attempt(reference=name, customer="c", answer=Answer.YES, event_id=name) for name in ("kept", "forgotten")
]
LOSSY = Row(
    fault="failover",
    policy="park",
    injected="1 failover",
    load="2 events",
    tally=replace(tally(SENT, Counter(kept=2), {}, keeps_causes=True), unexplained=0),
    promised=False,
)


def test_what_had_ended_before_a_rollback_may_not_arrive_again() -> None:
    copies = {"ended": 2, "waited": 1}

    assert surplus(copies, [{"ended"}]) == {"ended": 1}


def test_what_had_not_ended_may_arrive_once_more_for_each_rollback() -> None:
    assert surplus({"a": 2}, [set()]) == {}
    assert surplus({"a": 3}, [set()]) == {"a": 1}
    assert surplus({"a": 3}, [set(), set()]) == {}
    assert surplus({"a": 3}, [set(), {"a"}]) == {"a": 1}


def test_a_loss_is_no_failure_of_a_setting_weaker_than_the_promise() -> None:
    row = held(LOSSY, "reported")

    assert LOSSY.tally is not None
    assert LOSSY.tally.lost == 1
    assert row.promised
    assert row.wrongs == ()


@pytest.mark.parametrize(
    ("count", "wrong"),
    [
        ("waiting", "1 events still waiting"),
        ("unexplained", "1 copies without a cause on record"),
        ("dead", "1 events dead"),
    ],
)
def test_anything_but_a_loss_is_one(count: str, wrong: str) -> None:
    assert LOSSY.tally is not None

    row = held(replace(LOSSY, tally=replace(LOSSY.tally, **{count: 1})), "reported")

    assert row.wrongs == (wrong,)


def test_what_the_field_found_counts_against_a_weaker_setting_too() -> None:
    row = held(replace(LOSSY, problems=("b arrived before a of the same customer",)), "reported")

    assert row.wrongs == ("b arrived before a of the same customer",)
    assert not row.green
