"""Correction: one change to many letters, each checked like a new event, and what it does not fit left."""

from __future__ import annotations

from typing import Any

import pytest

from shipper.inspector import Change, Filter, Inspector, Left, TrailFilter
from shipper.ledger.ledger import Ledger
from shipper.outcome import State
from tests.inspector.story import ACCEPTED, HOUR, LOST, REFUSED, SETTINGS, Story
from tests.support.servers import RedisServer

RENAMED = Filter(event_name="order_placed")
CURE = Change(renames={"order_placed": "purchase"}, numbers=("purchase.total",))


@pytest.fixture
def server(redis7: RedisServer) -> RedisServer:
    """One server is enough here: the script has its table on both."""
    return redis7


@pytest.fixture
def broken(story: Story) -> list[str]:
    """Letters of a deploy that renamed an event and wrote its total as a text, oldest first."""
    ids = [
        story.enqueue(f"c-{i % 3}", events={"order_placed": {"total": f"{i}.5", "note": "gift"}})
        for i in range(250)
    ]
    while story.calls(REFUSED):
        story.passes(1000)
    return ids


def events_of(inspector: Inspector, event_id: str) -> Any:
    return inspector.event(event_id).events


def test_a_change_is_counted_and_shown_before_anything_is_touched(
    story: Story, inspector: Inspector, broken: list[str]
) -> None:
    story.enqueue("odd", events={"order_placed": {"total": "twelve"}})
    story.enqueue("twice", events={"order_placed": {"total": "1"}, "purchase": {}})
    story.calls(REFUSED)

    found = inspector.letters.correct(inspector.letters.choose(RENAMED), CURE)

    assert (found.fits, found.unclear, found.left) == (250, 0, {"invalid": 2})
    assert found.problems == {
        "purchase.total is no text of a number": 1,
        "purchase would be there twice": 1,
        "purchase.total is not there": 1,
    }
    assert found.event_id == broken[0]
    assert [(each.what, each.before, each.after) for each in found.differences] == [
        ("renamed", "order_placed", "purchase"),
        ("changed", "0.5", 0.5),
    ]
    assert inspector.status().dead == 252
    assert events_of(inspector, broken[0]) == {"order_placed": {"total": "0.5", "note": "gift"}}


def test_each_letter_is_changed_and_sent_and_what_it_does_not_fit_stays_dead(
    story: Story, inspector: Inspector, broken: list[str]
) -> None:
    odd = story.enqueue("odd", events={"order_placed": {"total": "twelve"}})
    story.calls(REFUSED)
    other = story.enqueue("c-1", "visit")
    story.calls(REFUSED)

    done = inspector.letters.redrive_corrected(inspector.letters.choose(RENAMED), CURE, spread_ms=0)
    story.now = inspector.event(broken[0]).timeline[-1].at + HOUR
    while story.calls(ACCEPTED):
        story.passes(1000)

    assert (done.done, done.left, done.examples) == (
        250,
        {"invalid": 1},
        (Left(event_id=odd, why="invalid"),),
    )
    assert {inspector.event(each).state for each in broken} == {State.DELIVERED}
    assert [inspector.event(each).state for each in (odd, other)] == [State.DEAD, State.DEAD]
    assert inspector.audit().sound


def test_what_differs_in_each_is_kept(inspector: Inspector, broken: list[str]) -> None:
    inspector.letters.redrive_corrected(inspector.letters.choose(RENAMED), CURE)

    assert [events_of(inspector, broken[i]) for i in (7, 249)] == [
        {"purchase": {"total": 7.5, "note": "gift"}},
        {"purchase": {"total": 249.5, "note": "gift"}},
    ]


def test_they_are_spread_so_that_live_events_keep_half_of_the_quota(
    ledger: Ledger, inspector: Inspector, story: Story
) -> None:
    ids = [story.enqueue(f"c-{i}", "order_placed") for i in range(150)]
    while story.calls(REFUSED):
        story.passes(1000)

    cure = Change(renames={"order_placed": "purchase"})
    inspector.letters.redrive_corrected(inspector.letters.choose(RENAMED), cure, spread_ms=20)

    due = sorted(score for _, score in _scores(ledger))
    assert len(due) == len(ids)
    assert 149 * 20 <= due[-1] - due[0] < 149 * 20 + 1000


def _scores(ledger: Ledger) -> list[tuple[bytes, float]]:
    flat = ledger.ask("ZRANGE", "{shipper:default}:due", 0, -1, "WITHSCORES")
    return [(flat[i], float(flat[i + 1])) for i in range(0, len(flat), 2)]


def test_unclear_ones_want_a_persons_word(story: Story, inspector: Inspector) -> None:
    event_id = story.enqueue("c-1", "order_placed", on_unclear="park")
    story.calls(LOST)
    cure = Change(renames={"order_placed": "purchase"})
    choice = inspector.letters.choose(RENAMED)

    found = inspector.letters.correct(choice, cure)
    first = inspector.letters.redrive_corrected(choice, cure)
    second = inspector.letters.redrive_corrected(choice, cure, may_duplicate=True)

    assert (found.fits, found.unclear) == (1, 1)
    assert (first.done, first.left) == (0, {"unclear": 1})
    assert (second.done, second.left) == (1, {})
    assert inspector.event(event_id).state is State.WAITING


def test_run_twice_or_by_two_people_each_is_changed_once(inspector: Inspector, broken: list[str]) -> None:
    mine, theirs = (inspector.letters.choose(RENAMED) for _ in range(2))

    done = [inspector.letters.redrive_corrected(choice, CURE).done for choice in (mine, theirs)]

    assert done == [250, 0]
    assert inspector.status().redriven == 250


def test_it_stands_on_the_audit_log_with_names_and_no_value(
    ledger: Ledger, story: Story, broken: list[str]
) -> None:
    inspector = Inspector(ledger, SETTINGS, operator="ann")
    change = Change(renames={"order_placed": "purchase"}, sets={"purchase.coupon": "SECRET-7"})

    choice = inspector.letters.choose(RENAMED)
    inspector.letters.redrive_corrected(choice, change, because="the deploy of 9:00")

    entries = list(inspector.trail(TrailFilter()))
    assert [(each.operator, each.action, each.count) for each in entries] == [
        ("ann", "edit", 10),
        ("ann", "edit", 60),
        ("ann", "edit", 60),
        ("ann", "edit", 60),
        ("ann", "edit", 60),
    ]
    assert len({each.deed for each in entries}) == 1
    assert entries[0].about.startswith(
        "the deploy of 9:00: rename order_placed to purchase, 1 set: event_name=order_placed until="
    )
    assert not any("SECRET-7" in each.about for each in entries)


def test_the_rules_of_a_new_event_hold_for_each(ledger: Ledger, broken: list[str]) -> None:
    strict = Inspector(ledger, SETTINGS.model_copy(update={"allowed_events": ("purchase",)}))

    found = strict.letters.correct(
        strict.letters.choose(RENAMED), Change(renames={"order_placed": "purchse"})
    )

    assert (found.fits, found.left) == (0, {"invalid": 250})
    assert found.problems == {
        "events.purchse is not an allowed event: did you mean purchase?": 250,
    }
