"""What does not add up is found: a table of small frauds, each on evidence that else agrees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from shipper.local.report import report_of
from shipper.local.shop import Done
from shipper.local.sums import Copy, Ended, Evidence, Shipped, adds_up
from shipper.outcome import State

REVIEW: Final = Shipped(
    event_id="ID-REVIEW",
    done=Done(
        reference="S-1",
        customer_id="ann",
        email="",
        name="write_review",
        metadata={"reference": "S-1", "stars": 5},
    ),
)
VIEW: Final = Shipped(
    event_id="ID-VIEW",
    done=Done(
        reference="S-2", customer_id="ann", email="", name="view_product", metadata={"reference": "S-2"}
    ),
)
SHARE: Final = Shipped(
    event_id="ID-SHARE",
    done=Done(
        reference="S-3", customer_id="bob", email="", name="share_referral", metadata={"reference": "S-3"}
    ),
)
SPIN: Final = Shipped(
    event_id="ID-SPIN",
    done=Done(reference="S-4", customer_id="bob", email="", name="spin_wheel", metadata={"reference": "S-4"}),
)


def copy_of(shipped: Shipped, seq: int, **changed: Any) -> Copy:
    done = shipped.done
    given = {"seq": seq, "customer_id": done.customer_id, "name": done.name, "metadata": done.metadata}
    return Copy(**{**given, **changed})


# Ann's review was answered with 500 after it was applied, and sent again: 50 points twice, for one cause.
# Bob's share was parked in doubt, his spin refused.
GOOD: Final = Evidence(
    shipped=(REVIEW, VIEW, SHARE, SPIN),
    ended={
        "ID-REVIEW": Ended(state=State.DELIVERED, causes=1),
        "ID-VIEW": Ended(state=State.DELIVERED),
        "ID-SHARE": Ended(state=State.UNCLEAR, causes=1, reason="unclear"),
        "ID-SPIN": Ended(state=State.DEAD, reason="refused", code=3003),
    },
    copies=(copy_of(REVIEW, 1), copy_of(REVIEW, 2), copy_of(VIEW, 3), copy_of(SHARE, 4)),
    balances={"ann": 101, "bob": 100},
    told={"ID-REVIEW": 1, "ID-SHARE": 2, "ID-SPIN": 1},
    counters={
        "accepted": 4,
        "delivered": 2,
        "dead": 1,
        "unclear": 1,
        "causes": 2,
        "calls": 4,
        "events_sent": 5,
    },
)


def without(mapping: Any, key: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name != key}


def test_evidence_that_agrees_adds_up() -> None:
    assert adds_up(GOOD) == []


@pytest.mark.parametrize(
    ("fraud", "problem"),
    [
        (
            lambda: replace(GOOD, ended=without(GOOD.ended, "ID-VIEW")),
            "S-2 (ID-VIEW) is unknown to the ledger",
        ),
        (
            lambda: replace(GOOD, ended={**GOOD.ended, "ID-VIEW": Ended(state=State.WAITING)}),
            "S-2 (ID-VIEW) is waiting though all is at rest",
        ),
        (
            lambda: replace(GOOD, copies=[copy for copy in GOOD.copies if copy.reference != "S-2"]),
            "S-2 (ID-VIEW) is delivered, and Gameball never accepted it",
        ),
        (
            lambda: replace(GOOD, copies=[*GOOD.copies, copy_of(VIEW, 5, metadata={"reference": "S-9"})]),
            "Gameball accepted 'S-9' (line 5), which the shop never shipped",
        ),
        (
            lambda: replace(
                GOOD, copies=[copy_of(REVIEW, 1, metadata={"reference": "S-1", "stars": 4}), *GOOD.copies[1:]]
            ),
            "S-1 arrived (line 1) other than it was shipped",
        ),
        (
            lambda: replace(GOOD, copies=[*GOOD.copies, copy_of(VIEW, 5)]),
            "S-2 (ID-VIEW) is delivered with 0 causes on record, and was accepted 2 times",
        ),
        (
            lambda: replace(GOOD, copies=[*GOOD.copies, copy_of(SPIN, 5)]),
            "S-4 (ID-SPIN) is dead with 0 causes on record, and was accepted 1 times",
        ),
        (
            lambda: replace(GOOD, counters={**GOOD.counters, "causes": 0}),
            "1 duplicates have only 0 causes on record",
        ),
        (
            lambda: replace(
                GOOD,
                copies=[*GOOD.copies, copy_of(SHARE, 5)],
                ended={**GOOD.ended, "ID-SHARE": Ended(state=State.DELIVERED, causes=1)},
            ),
            "S-3 (ID-SHARE) was to be parked in doubt, and was accepted 2 times",
        ),
        (
            lambda: replace(GOOD, copies=[copy_of(VIEW, 1), copy_of(REVIEW, 2), copy_of(SHARE, 3)]),
            "S-2 of ann arrived before S-1, which happened first",
        ),
        (
            lambda: replace(GOOD, balances={**GOOD.balances, "ann": 102}),
            "ann has 102 points in Gameball's ledger, and should have 101",
        ),
        (
            lambda: replace(GOOD, balances={**GOOD.balances, "eve": 5}),
            "eve has 5 points in Gameball's ledger, and should have 0",
        ),
        (
            lambda: replace(GOOD, told=without(GOOD.told, "ID-SPIN")),
            "nobody was told how S-4 (ID-SPIN) ended",
        ),
        (
            lambda: replace(GOOD, told={**GOOD.told, "ID-VIEW": 1}),
            "a hook was told of ID-VIEW, which has none",
        ),
        (
            lambda: replace(GOOD, counters={**GOOD.counters, "delivered": 3}),
            "the ledger counts 3 delivered, and there are 2",
        ),
        (
            lambda: replace(GOOD, counters={**GOOD.counters, "waiting": 1}),
            "the ledger counts 1 waiting, and there are 0",
        ),
        (
            lambda: replace(GOOD, findings=["lane x: is in due and in lease"]),
            "audit: lane x: is in due and in lease",
        ),
    ],
)
def test_what_does_not_agree_is_found(fraud: Callable[[], Evidence], problem: str) -> None:
    found = adds_up(fraud())

    assert problem in found


def test_events_of_one_call_have_no_order_among_them() -> None:
    together = [copy_of(VIEW, 1), copy_of(REVIEW, 1), copy_of(SHARE, 2)]

    found = adds_up(replace(GOOD, copies=together, balances={"ann": 51, "bob": 100}))

    assert found == []


def test_the_report_counts_what_the_evidence_says() -> None:
    stats = {"max_per_second": 17, "by_status": {"200": 3, "500": 1, "422": 1}}

    report = report_of(
        GOOD, stats=stats, pace_per_second=200, worker_killed="worker-1", calls_cut_off=3, took_ms=1200
    )

    assert (report.accepted, report.delivered, report.dead, report.unclear, report.lost) == (4, 2, 1, 1, 0)
    assert dict(report.dead_by_reason) == {"refused 3003": 1}
    assert (report.calls, report.events_per_call) == (4, 1.25)
    assert (report.duplicates, report.causes) == (1, 2)
    assert (report.points, report.points_of_duplicates) == (201, 50)
    assert (report.hooks, report.hooks_told) == (3, 3)
    assert report.problems == ()


def test_a_lost_event_is_counted_and_told() -> None:
    lost = replace(GOOD, ended=without(GOOD.ended, "ID-VIEW"))

    report = report_of(
        lost,
        stats={"max_per_second": 0, "by_status": {}},
        pace_per_second=200,
        worker_killed="",
        calls_cut_off=0,
        took_ms=1,
    )

    assert report.lost == 1
    assert "S-2 (ID-VIEW) is unknown to the ledger" in report.problems
