"""The groups of dead letters: how many, why, since when, and one to look at."""

from __future__ import annotations

from typing import Any

import pytest

from shipper.inspector import Filter, Inspector, ReasonGroup, Reasons
from tests.inspector.story import FIELD, HOUR, LOST, NOW, REFUSED, SPENT, Story


def test_letters_are_grouped_by_reason_code_and_name_the_largest_first(
    story: Story, inspector: Inspector
) -> None:
    story.enqueue("c-1", "visit")
    story.calls(REFUSED)
    story.passes(HOUR)
    newest = story.enqueue("c-2", "visit")
    story.calls(REFUSED)
    spent = story.enqueue("c-3", "visit")
    story.calls(SPENT)
    parked = story.enqueue("c-4", "ünïcode 🎉", on_unclear="park")
    story.calls(LOST)

    reasons = inspector.letters.reasons()

    at = NOW + 120
    assert reasons == Reasons(
        groups=(
            ReasonGroup(
                account="default",
                reason="refused",
                code=3009,
                event_name="visit",
                field=None,
                count=2,
                customers=2,
                doubtful=0,
                first_at=at,
                last_at=at + HOUR + 120,
                example=newest,
                means="Something that the event is about is inactive, mostly the customer.",
                helps="Activate the customer in Gameball's dashboard, then send again; "
                "or discard what an inactive customer did.",
                command="shipper dead redrive --reason refused --code 3009 --event visit --field none",
            ),
            ReasonGroup(
                account="default",
                reason="spent",
                code=5000,
                event_name="visit",
                field=None,
                count=1,
                customers=1,
                doubtful=1,
                first_at=at + HOUR + 240,
                last_at=at + HOUR + 240,
                example=spent,
                means="Gameball failed in the middle: it may have applied the events.",
                helps="Wait until it works again. Look in the dashboard whether some customers have their "
                "rewards before you send all.",
                command="shipper dead redrive --reason spent --code 5000 --event visit --field none",
            ),
            ReasonGroup(
                account="default",
                reason="unclear",
                code=None,
                event_name="ünïcode 🎉",
                field=None,
                count=1,
                customers=1,
                doubtful=0,
                first_at=at + HOUR + 360,
                last_at=at + HOUR + 360,
                example=parked,
                means="Nobody knows whether Gameball applied these events: the answer was lost and their "
                "policy is not to try again.",
                helps="Look in Gameball's dashboard whether the customers have the rewards. Send again only "
                "what is missing: points may double.",
                command="shipper dead redrive --may-duplicate --reason unclear --code none "
                "--event 'ünïcode 🎉' --field none",
            ),
        ),
        left_out=0,
    )


def test_letters_are_told_apart_by_the_field_that_was_refused(story: Story, inspector: Inspector) -> None:
    for customer in ("c-1", "c-1", "c-2"):
        story.enqueue(customer, "order")
        story.calls(FIELD)
    story.enqueue("c-1", "order")
    story.calls(REFUSED)

    groups = inspector.letters.reasons().groups

    assert [(group.code, group.field, group.count, group.customers) for group in groups] == [
        (3003, "total", 3, 2),
        (3009, None, 1, 1),
    ]
    assert (
        groups[0].command == "shipper dead redrive --reason refused --code 3003 --event order --field total"
    )
    assert (
        inspector.letters.choose(
            Filter(reason="refused", code="3003", event_name="order", field="total")
        ).count
        == 3
    )


@pytest.mark.parametrize(
    ("events", "changes"),
    [
        ({"order": {"total": "12"}}, ["order.total"]),
        ({"order": {"items": [{"total": "12"}]}}, ["order.PROPERTY"]),
        ({"order": {"total": 12, "items": [{"total": "12"}]}}, ["order.PROPERTY"]),
        ({"order": {"total": "12"}, "visit": {}}, ["order.total", "visit.PROPERTY"]),
        ({"order": {"total": "12"}, "visit": {"total": 1}}, ["order.PROPERTY", "visit.PROPERTY"]),
        ({"order": {}}, ["order.PROPERTY"]),
    ],
    ids=["a property", "deeper", "and deeper", "of one event", "of either event", "missing"],
)
def test_an_edit_names_the_refused_field_only_where_it_can_be_nothing_else(
    events: dict[str, Any], changes: list[str], story: Story, inspector: Inspector
) -> None:
    story.enqueue("c-1", events=events)
    story.calls(FIELD)

    edits = sorted(group.edit or "" for group in inspector.letters.reasons().groups)

    assert [edit.split(" --set ")[1] for edit in edits] == [f"{change}=JSON --dry-run" for change in changes]


def test_an_event_of_two_names_is_in_a_group_for_each(story: Story, inspector: Inspector) -> None:
    story.enqueue("c-1", "visit", "review")
    story.calls(REFUSED)

    groups = inspector.letters.reasons().groups

    assert {(group.event_name, group.count) for group in groups} == {("visit", 1), ("review", 1)}


def test_the_smallest_groups_are_left_out_and_counted(story: Story, inspector: Inspector) -> None:
    for name, size in (("visit", 3), ("review", 2), ("order", 1)):
        story.enqueue_many([(f"c-{i}", {name: {}}) for i in range(size)])
        story.calls(REFUSED)

    reasons = inspector.letters.reasons(most=2)

    assert [(group.event_name, group.count) for group in reasons.groups] == [("visit", 3), ("review", 2)]
    assert reasons.left_out == 1


def test_a_group_that_was_discarded_is_no_group(story: Story, inspector: Inspector) -> None:
    story.enqueue("c-1", "visit")
    story.calls(REFUSED)
    inspector.letters.discard(inspector.letters.choose(Filter(event_name="visit")))

    assert inspector.letters.reasons() == Reasons(groups=(), left_out=0)
