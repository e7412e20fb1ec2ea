from __future__ import annotations

import dataclasses
import json

import pytest

from tests.faults.history import Tally
from tests.faults.row import PEER, Row, from_json, to_json

GOOD = Tally(
    attempted=10,
    acknowledged=10,
    refused=0,
    doubtful=0,
    recovered=0,
    delivered=10,
    dead=0,
    unclear=0,
    waiting=0,
    lost=0,
    duplicated=1,
    unexplained=0,
    most_copies=2,
)


def row(tally: Tally | None = GOOD, *, policy: str = "retry", promised: bool = True, **more: object) -> Row:
    return Row(
        fault="Redis killed",
        policy=policy,
        injected="3 kills",
        load="10 events",
        tally=tally,
        promised=promised,
        **more,  # type: ignore[arg-type]
    )


def test_a_row_is_green_when_each_duplicate_is_explained() -> None:
    assert row().wrongs == ()
    assert row().green


@pytest.mark.parametrize(
    ("count", "wrong"),
    [
        ({"lost": 2}, "2 events lost"),
        ({"unexplained": 3}, "3 copies without a cause on record"),
        ({"waiting": 4}, "4 events still waiting"),
        ({"dead": 5}, "5 events dead"),
        ({"unclear": 6}, "6 events unclear, which were to be sent again"),
        ({"delivered": 0}, "nothing arrived"),
        ({"attempted": 0}, "nothing was sent"),
    ],
)
def test_a_row_is_red_for_each_count_that_must_be_nought(count: dict[str, int], wrong: str) -> None:
    red = row(dataclasses.replace(GOOD, **count))

    assert red.wrongs == (wrong,)
    assert not red.green


def test_events_may_be_dead_only_where_the_row_says_so_and_unclear_only_where_they_are_parked() -> None:
    assert row(dataclasses.replace(GOOD, dead=5), may_die=True).green
    assert row(dataclasses.replace(GOOD, unclear=5, most_copies=1), policy="park").green
    assert row(dataclasses.replace(GOOD, unclear=5), policy="retry and park").green


def test_a_second_copy_is_red_only_where_events_are_parked() -> None:
    assert row(policy="retry").green
    assert row(policy="park").wrongs == ("a parked event arrived twice",)


def test_a_problem_makes_a_row_red_and_a_row_without_events_can_have_one() -> None:
    red = row(None, problems=("the audit does not add up",))

    assert red.wrongs == ("the audit does not add up",)
    assert not red.green


def test_what_a_peer_loses_is_told_and_is_no_failure() -> None:
    peer = row(dataclasses.replace(GOOD, lost=5, unexplained=None), policy=PEER, promised=False)

    assert peer.wrongs == ("5 events lost",)
    assert peer.green


def test_rows_survive_being_written_as_json() -> None:
    rows = [row(recovery_ms=120, problems=("one", "two")), row(None, note="searched")]

    assert from_json(json.loads(json.dumps(to_json(rows)))) == rows
