"""The audit log: who did what, found again by each of its sides, telling no customer."""

from __future__ import annotations

import pytest
from redis import Redis

from shipper.envelope import lane_of
from shipper.inspector import Filter, Inspector, TrailEntry, TrailFilter
from shipper.inspector.trail import described, name_of
from shipper.ledger.ledger import Ledger
from tests.inspector.story import REFUSED, SETTINGS, Story


@pytest.fixture
def mona(ledger: Ledger) -> Inspector:
    return Inspector(ledger, SETTINGS, operator="mona")


@pytest.fixture
def omar(ledger: Ledger) -> Inspector:
    return Inspector(ledger, SETTINGS.model_copy(update={"operator": "omar"}))


def refused(story: Story, customer: str, name: str = "visit") -> str:
    event_id = story.enqueue(customer, name, hook="told")
    story.calls(REFUSED)
    return event_id


def told(inspector: Inspector, **wanted: object) -> list[TrailEntry]:
    return list(inspector.trail(TrailFilter(**wanted)))  # type: ignore[arg-type]


def test_whatever_is_done_is_told_newest_first(story: Story, mona: Inspector, omar: Inspector) -> None:
    first, second, third = (refused(story, f"c-{i}") for i in range(3))
    story.hooks_fail("no")
    mona.pause(for_ms=60_000)
    omar.resume()
    mona.hooks.retry([first])
    mona.letters.redrive(mona.letters.choose([first]), may_duplicate=False)
    omar.letters.discard(omar.letters.choose([second]), because="a test shop")
    omar.expunge("c-2")
    omar.mend()

    entries = told(mona)

    assert [(entry.operator, entry.action, entry.count, entry.about) for entry in entries] == [
        ("omar", "mend", 0, "0 lanes, 0 counters, 0 unreadable"),
        ("omar", "mend", 0, "begun"),
        ("omar", "expunge", 1, f"lane={lane_of('c-2')}"),
        ("omar", "discard", 1, "a test shop: by ids"),
        ("mona", "redrive", 1, "by ids"),
        ("mona", "retry_hooks", 1, ""),
        ("omar", "resume", 0, ""),
        ("mona", "pause", 0, "for 60000 ms"),
    ]
    assert [entry.ids for entry in entries[2:6]] == [(third,), (second,), (first,), (f"{first}:0",)]


def test_a_large_deed_has_an_entry_for_each_hundred(story: Story, mona: Inspector) -> None:
    story.enqueue_many([(f"c-{i}", {"visit": {}}) for i in range(150)])
    while story.calls(REFUSED):
        pass

    mona.letters.discard(mona.letters.choose(Filter(event_name="visit")), because="spam")

    newer, older = told(mona)
    assert (older.count, newer.count) == (100, 50)
    assert older.deed == newer.deed
    assert len({*older.ids, *newer.ids}) == 150


def test_a_large_deed_is_one_line_for_a_person_and_the_next_page_goes_on_behind_it(
    story: Story, mona: Inspector
) -> None:
    story.enqueue_many([(f"c-{i}", {"visit": {}}) for i in range(250)])
    while story.calls(REFUSED):
        pass
    mona.pause()
    mona.letters.discard(mona.letters.choose(Filter()), because="a test")
    mona.resume()

    first, second = mona.trail(TrailFilter(), limit=2, folded=True)
    rest = list(mona.trail(TrailFilter(), beyond=second.place, folded=True))

    assert [(each.action, each.count) for each in (first, second)] == [("resume", 0), ("discard", 250)]
    assert len(second.ids) == 100
    assert second.about.startswith("a test: ")
    assert [each.action for each in rest] == ["pause"]


def test_entries_are_found_by_each_side(story: Story, mona: Inspector, omar: Inspector) -> None:
    event_id = refused(story, "c-1")
    mona.pause()
    omar.letters.redrive(omar.letters.choose([event_id]), may_duplicate=False)

    by_all = told(mona)
    assert [entry.action for entry in told(mona, operator="mona")] == ["pause"]
    assert [entry.operator for entry in told(mona, action="redrive")] == ["omar"]
    assert told(mona, event_id=event_id) == told(mona, action="redrive")
    assert told(mona, since=by_all[0].at + 60_000) == []
    assert list(mona.trail(TrailFilter(), limit=1)) == by_all[:1]
    assert list(mona.trail(TrailFilter(), beyond=by_all[0].place)) == by_all[1:]


def test_a_filter_is_described_without_the_customer_and_without_addresses() -> None:
    wanted = Filter(reason="refused", customer_id="canary", event_name="a@example.com", since=0)

    assert described(wanted) == (
        f"reason=refused event_name=*** lane={lane_of('canary')} since=1970-01-01T00:00:00.000Z"
    )
    assert described(Filter(text="customer 'canary' is inactive", code="3009")) == "code=3009 text=…"
    assert described(Filter()) == "all"


@pytest.mark.parametrize(
    ("given", "kept"),
    [("mona", "mona"), ("", "?"), ("\x1b[2J", "[2J"), ("a b", "a b"), ("x" * 99, "x" * 64), ("\u202e", "?")],
)
def test_an_operators_name_can_be_printed(given: str, kept: str) -> None:
    assert name_of(given) == kept


def test_the_login_is_not_asked_by_who_passes_a_name(redis: Redis, ledger: Ledger) -> None:
    assert Inspector(ledger, SETTINGS).operator == "?"
