"""`shipper hooks`: what could not be told, told again or forgotten."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run, objects, one
from tests.inspector.story import ACCEPTED, SECOND, Story


def failed(story: Story, customer: str) -> str:
    event_id = story.enqueue(customer, "visit", hook="told")
    story.calls(ACCEPTED)
    story.hooks_fail("KeyError: 'visit'")
    return event_id


def test_a_failed_hook_is_an_object_of_the_vocabulary(run: Run, story: Story) -> None:
    event_id = failed(story, "c-1")

    assert one(run("hooks", "list", "--json")) == {
        "job": f"{event_id}:0",
        "event_id": event_id,
        "account": "default",
        "hook": "told",
        "ending": "delivered",
        "event_names": ["visit"],
        "customer_id": "c-1",
        "email": None,
        "mobile": None,
        "attempts": 1,
        "tries": 1,
        "error": "KeyError: 'visit'",
        "ended_at": "2023-11-14T22:13:20.120Z",
        "failed_at": "2023-11-14T22:13:20.120Z",
        "unopened": None,
    }


def test_failed_hooks_are_drawn_within_80_columns(run: Run, story: Story) -> None:
    event_id = failed(story, "c-1")

    shown = run("hooks", "list").stdout

    assert f"{event_id}:0" in shown
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert run("hooks", "discard", "--all", "--yes").stdout == "1 hook(s) discarded\n"
    assert run("hooks", "list").stdout == "no failed hooks\n"


def test_a_hook_is_tried_again_and_one_that_did_not_fail_is_told(run: Run, story: Story) -> None:
    event_id = failed(story, "c-1")

    done = one(run("hooks", "retry", event_id, "--json"))
    again = run("hooks", "retry", event_id, code=1)

    assert done == {"account": "default", "done": 1, "not_failed": []}
    assert again.stdout == f"0 hook(s) will be tried again\nno failed hook: {event_id}\n"


def test_discarding_wants_a_yes(run: Run, story: Story) -> None:
    event_id = failed(story, "c-1")

    refused = run("hooks", "discard", event_id, code=2)

    assert "Discard the failed hooks of 1 event(s) for good? Nobody is there to ask" in refused.stderr
    assert len(objects(run("hooks", "list", "--json"))) == 1


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_a_full_page_says_where_the_next_one_begins(run: Run, story: Story, as_json: tuple[str, ...]) -> None:
    older = failed(story, "c-1")
    story.passes(SECOND)
    alarm = story.alarm_hooks_fail()

    first = run("hooks", "list", "--limit", "1", *as_json)
    rest = objects(run("hooks", "list", "--before", alarm, "--json"))

    said = first.stderr if as_json else first.stdout
    assert said.endswith(f"the next page: --before {alarm}\n")
    assert [each["event_id"] for each in rest] == [older]


def test_a_page_after_what_is_no_failed_hook_is_refused(run: Run, story: Story) -> None:
    event_id = failed(story, "c-1")

    never = run("hooks", "list", "--before", "garbage", code=2)
    gone = run("hooks", "list", "--before", f"{event_id}:7", code=1)

    assert "is no hook job: an event id, or an alarm" in " ".join(never.stderr.split())
    assert f"{event_id}:7 is no failed hook any more: begin with the first page" in gone.stderr
    assert gone.stdout == ""


def test_a_page_after_a_hook_is_one_accounts(run: Run, story: Story) -> None:
    event_id = failed(story, "c-1")

    refused = run("hooks", "list", "--before", f"{event_id}:0", code=2, SHIPPER_ACCOUNTS="default,other")

    assert "choose one by --account" in refused.stderr
