"""`shipper status`, `health`, `pause`, `resume`: how an account stands, and what holds it."""

from __future__ import annotations

from redis import Redis

from shipper.clock import now_ms
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import sweep
from tests.cli.conftest import Run, objects, one
from tests.inspector.story import ACCEPTED, MINUTE, REFUSED, SETTINGS, Story

STATES = {"waiting", "in_flight", "delivered", "dead", "unclear", "discarded", "expunged"}


def test_status_is_one_object_an_account(run: Run, story: Story) -> None:
    story.enqueue("c-1", "visit")
    story.calls(ACCEPTED)
    story.enqueue("c-2", "visit")
    story.calls(REFUSED)
    story.enqueue("c-3", "visit")

    seen = one(run("status", "--json"))

    assert {
        name: seen[name] for name in ("account", "accepted", "delivered", "dead", "waiting", "calls")
    } == {
        "account": "default",
        "accepted": 3,
        "delivered": 1,
        "dead": 1,
        "waiting": 1,
        "calls": 2,
    }
    assert seen["accepted"] == sum(seen[state] for state in STATES)
    assert (seen["events_per_call"], seen["paused"], seen["paused_until"]) == (1.0, False, None)
    assert seen["oldest_due_ms"] > 0


def test_status_says_what_needs_a_person(run: Run, story: Story) -> None:
    story.enqueue("c-1", "visit", hook="told")
    story.calls(REFUSED)
    story.hooks_fail()
    run("pause")

    shown = run("status").stdout

    assert "paused (operator) until it is resumed: shipper resume lifts it" in shown
    assert "shipper dead reasons tells why" in shown
    assert "shipper hooks list tells which hooks failed" in shown
    assert "warning: the append-only file is off" in shown


def test_status_is_readable_without_a_terminal(run: Run, story: Story) -> None:
    story.enqueue("c-1", "visit")

    shown = run("status").stdout

    assert "\x1b" not in shown
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert [line.split()[:2] for line in shown.splitlines()[1:3]] == [["accepted", "1"], ["waiting", "1"]]


def test_health_is_an_exit_code(run: Run, story: Story) -> None:
    silent = run("health", "--json", code=1)
    story.ledger.run(sweep(SETTINGS))
    awake = run("health", "--json")

    assert one(silent)["problems"] == ["no worker has ever looked at this account"]
    assert one(awake)["healthy"] is True
    assert one(awake).keys() == {
        "account",
        "healthy",
        "problems",
        "warnings",
        "oldest_due_ms",
        "hooks_due_ms",
        "pumps",
        "swept_ms",
        "paused",
    }


def test_health_says_in_a_line_how_it_is(run: Run, story: Story) -> None:
    shown = run("health", code=1).stdout

    assert " ".join(shown.split()) == (
        "default: no worker has ever looked at this account (oldest due 0 s, 0 pump(s), swept never)"
    )


def test_health_of_hooks_fails_where_that_of_deliveries_only_warns(run: Run, ledger: Ledger) -> None:
    story = Story(ledger, now=now_ms())
    story.passes(-5 * MINUTE)
    story.enqueue("c-1", "visit", hook="told")
    story.calls(ACCEPTED)
    story.passes(5 * MINUTE)
    story.sweeps()

    delivering = run("health")
    telling = run("health", "--of", "hooks", code=1)
    every = run("health", "--of", "all", "--json", code=1)
    shown = run("status")

    unserved = "s and no worker tells them: serve shipper.hooks"
    for output in (delivering.stdout, telling.stdout, shown.stdout):
        assert unserved in " ".join(output.split())
    assert "default: healthy" in delivering.stdout
    assert one(every)["problems"][0].endswith(unserved)


def test_a_pause_has_an_end_or_none(run: Run) -> None:
    for_ever = one(run("pause", "--json"))
    for_a_while = one(run("pause", "--for", "10m", "--json"))

    assert for_ever == {
        "account": "default",
        "paused": True,
        "pause_reason": "operator",
        "paused_until": None,
    }
    assert for_a_while["paused_until"].endswith("Z")


def test_a_pause_whose_time_is_over_is_told_as_no_pause(run: Run, redis: Redis) -> None:
    run("pause")
    redis.hset("{shipper:default}:gate", "until", 1)

    drawn, told = run("status").stdout, one(run("status", "--json"))

    assert "no longer paused (operator): the next call, alone, tells if that is over" in drawn
    assert (told["paused"], told["pause_reason"], told["paused_until"]) == (False, "operator", None)


def test_resume_tells_what_held_the_account(run: Run) -> None:
    run("pause")

    held = run("resume").stdout
    free = run("resume").stdout

    assert held == "account default makes calls (it was held: operator)\n"
    assert free == "account default makes calls (nothing held it)\n"
    assert objects(run("status", "--json"))[0]["paused"] is False
