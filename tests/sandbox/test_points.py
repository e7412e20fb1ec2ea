"""Points: what each event earns, and that a duplicate shows."""

from __future__ import annotations

import pytest

from shipper.sandbox.points import Rule, Rules
from tests.support.sandbox import Sandbox

RULES = Rules(
    default=7,
    events={
        "write_review": 50,
        "purchase": Rule(property="total"),
        "upload": Rule(points=3, property="photos"),
    },
)


@pytest.mark.parametrize(
    ("name", "metadata", "points"),
    [
        ("anything", {}, 7),
        ("write_review", {"stars": 1}, 50),
        ("purchase", {"total": 12}, 12),
        ("purchase", {"total": 12.9}, 12),
        ("upload", {"photos": 1.5}, 4),
        ("purchase", {}, 0),
        ("purchase", {"total": -5}, 0),
        ("purchase", {"total": "12"}, 0),
        ("purchase", {"total": True}, 0),
        ("purchase", {"total": float("inf")}, 0),
        ("purchase", {"total": 10**400}, 0),
        ("purchase", {"total": 2**53}, 2**53),
    ],
)
def test_an_event_earns_what_its_rule_says(name: str, metadata: dict[str, object], points: int) -> None:
    found = RULES.points_for(name, metadata)

    assert found == points


def test_every_accepted_copy_is_rewarded_again(sandbox: Sandbox) -> None:
    for _ in range(3):
        sandbox.track("c-1", {"write_review": {}, "share": {}})
    sandbox.track("c-2")

    found = sandbox.ledger()

    assert found == {
        "c-1": {"points": 60, "events": 6, "calls": 3},
        "c-2": {"points": 10, "events": 1, "calls": 1},
    }


def test_the_rules_come_from_the_plan(planned_sandbox: Sandbox) -> None:
    planned_sandbox.track("c-1", {"purchase": {"total": 30}, "signup": {}, "view": {}})

    found = planned_sandbox.ledger()

    assert found == {"c-1": {"points": 161, "events": 3, "calls": 1}}
