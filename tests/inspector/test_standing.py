"""How an account stands, and whether somebody is at work on it."""

from __future__ import annotations

import re

import pytest
from redis import Redis

from shipper.envelope import lane_of
from shipper.inspector import Inspector, open_inspectors
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import claim, hook_claim, sweep
from tests.inspector.story import ACCEPTED, HOUR, MINUTE, REFUSED, SECOND, SETTINGS, Story
from tests.support.servers import StartServer

PREFIX = "{shipper:default}:"


@pytest.fixture
def story(ledger: Ledger, redis: Redis) -> Story:
    """A story that begins a second ago, by Redis' clock."""
    seconds, micros = redis.time()
    return Story(ledger, now=seconds * 1000 + micros // 1000 - SECOND)


def test_an_empty_account_stands_at_zero(inspector: Inspector) -> None:
    seen = inspector.status()

    assert (seen.accepted, seen.waiting, seen.oldest_due_ms, seen.calls) == (0, 0, 0, 0)
    assert (seen.paused, seen.events_per_call, seen.swept_ms) == (False, None, None)


def test_events_are_counted_by_state_and_calls_by_what_they_carried(
    story: Story, inspector: Inspector
) -> None:
    story.enqueue("c-1", "visit")
    story.enqueue("c-1", "review")
    story.calls(ACCEPTED)
    story.enqueue("c-2", "visit")
    story.calls(REFUSED)
    story.enqueue("c-3", "visit")
    story.claims()
    story.enqueue("c-4", "visit")

    seen = inspector.status()

    assert (seen.accepted, seen.delivered, seen.dead, seen.in_flight, seen.waiting) == (5, 2, 1, 1, 1)
    assert (seen.calls, seen.events_sent, seen.events_per_call) == (2, 3, 1.5)
    assert (seen.lanes_due, seen.lanes_in_flight, seen.lanes_blocked) == (1, 1, 0)


def test_the_oldest_due_event_tells_its_age(story: Story, inspector: Inspector) -> None:
    story.passes(-5 * MINUTE)
    story.enqueue("c-1", "visit")

    seen = inspector.status()

    assert 5 * MINUTE <= seen.oldest_due_ms < 5 * MINUTE + 30 * SECOND


def test_a_pause_tells_why_and_until_when(story: Story, inspector: Inspector) -> None:
    inspector.pause(for_ms=HOUR)
    paused = inspector.status()
    held = inspector.pause()
    for_ever = inspector.status()
    resumed = inspector.resume()

    assert (paused.paused, paused.pause_reason) == (True, "operator")
    assert paused.paused_until is not None
    assert story.now + HOUR <= paused.paused_until < story.now + HOUR + MINUTE
    assert (held.paused, held.paused_until) == (True, None)
    assert (for_ever.paused, for_ever.paused_until) == (True, None)
    assert (resumed.paused, resumed.pause_reason) == (False, "operator")
    assert inspector.status().paused is False


def test_a_pause_whose_time_is_over_holds_nothing(inspector: Inspector) -> None:
    inspector.pause(for_ms=0)

    seen = inspector.status()

    assert (seen.paused, seen.pause_reason, seen.paused_until) == (False, "operator", None)
    assert inspector.health().paused is False


def test_while_a_probe_is_under_way_the_account_is_held_until_its_lease_ends(
    story: Story, inspector: Inspector
) -> None:
    inspector.pause(for_ms=0)
    story.enqueue("c-1", "visit")
    story.passes(HOUR)
    story.claims()

    seen = inspector.status()

    assert (seen.paused, seen.pause_reason) == (True, "operator")
    assert seen.paused_until == story.now + SETTINGS.lease_ms


def test_status_warns_of_a_redis_that_keeps_nothing_and_of_corrupt_lanes(
    story: Story, inspector: Inspector, redis: Redis
) -> None:
    story.enqueue("c-1", "visit")
    lane = f"{PREFIX}l:{lane_of('c-1')}"
    redis.delete(lane)
    redis.set(lane, "forged")
    story.claims()

    seen = inspector.status()

    assert seen.lanes_broken == 1
    assert seen.warnings == (
        "the append-only file is off, so a restart loses events: CONFIG SET appendonly yes",
        "1 lane(s) are corrupt and wait: run shipper mend",
    )


def test_status_works_for_a_user_who_may_read_neither_info_nor_config(private_server: StartServer) -> None:
    server = private_server()
    with server.client() as admin:
        rules = ("%R~{shipper:*", "+evalsha_ro", "+eval_ro", "+@read", "+time")
        admin.execute_command("ACL", "SETUSER", "viewer", "on", ">secret", *rules)
    settings = SETTINGS.model_copy(update={"redis_url": f"redis://viewer:secret@127.0.0.1:{server.port}/0"})
    (inspector,) = open_inspectors(settings, ["default"])

    seen = inspector.status()

    assert (seen.accepted, seen.warnings) == (0, ())


# Health


def look(story: Story) -> None:
    """Let a worker sweep, and one of its pumps claim."""
    story.ledger.run(sweep(SETTINGS, tickets=["p1"], most_pumps=1, now=story.now))
    story.ledger.run(claim([], SETTINGS, worker="w1", ticket="p1", now=story.now))


def test_an_account_that_nobody_has_looked_at_is_not_healthy(inspector: Inspector) -> None:
    seen = inspector.health()

    assert seen.healthy is False
    assert seen.problems == ("no worker has ever looked at this account",)


def test_an_account_that_is_swept_with_nothing_due_is_healthy(story: Story, inspector: Inspector) -> None:
    story.sweeps()

    seen = inspector.health()

    assert (seen.healthy, seen.problems, seen.oldest_due_ms) == (True, (), 0)


def test_a_backlog_that_pumps_work_on_is_healthy_however_old(story: Story, inspector: Inspector) -> None:
    story.passes(-HOUR)
    story.enqueue("c-1", "visit")
    story.passes(HOUR)
    look(story)

    seen = inspector.health()

    assert (seen.healthy, seen.pumps) == (True, 1)
    assert seen.oldest_due_ms >= HOUR


def test_lanes_that_are_due_while_no_pump_runs_are_not_healthy(story: Story, inspector: Inspector) -> None:
    story.passes(-MINUTE)
    story.enqueue("c-1", "visit")
    story.passes(MINUTE)
    story.sweeps()

    seen = inspector.health()

    assert seen.healthy is False
    assert [problem.partition(" for ")[0] for problem in seen.problems] == ["a customer's events are due"]


def test_a_paused_account_is_healthy_though_lanes_are_due(story: Story, inspector: Inspector) -> None:
    story.passes(-MINUTE)
    story.enqueue("c-1", "visit")
    story.passes(MINUTE)
    story.sweeps()
    inspector.pause()

    seen = inspector.health()

    assert (seen.healthy, seen.paused) == (True, True)


def test_a_fleet_that_fell_silent_is_not_healthy(story: Story, inspector: Inspector) -> None:
    story.passes(-MINUTE)
    story.sweeps()

    seen = inspector.health()

    assert seen.healthy is False
    assert re.fullmatch(r"no worker has looked at this account for \d{2,} s", seen.problems[0])


def ask_for_hooks(story: Story) -> None:
    """Let a worker start a teller, and that ask for jobs."""
    story.ledger.run(sweep(SETTINGS, teller_tickets=["k1"], most_tellers=1, now=story.now))
    story.ledger.run(hook_claim("h1", SETTINGS, ticket="k1", now=story.now))


def told_late(story: Story) -> None:
    """Deliver an event with a hook five minutes ago, and sweep ever since."""
    story.passes(-5 * MINUTE)
    story.enqueue("c-1", "visit", hook="told")
    story.enqueue("c-2", "visit", hook="told")
    story.calls(ACCEPTED)
    story.passes(5 * MINUTE)
    look(story)


def test_hooks_that_nobody_serves_are_a_problem_of_theirs_and_a_warning_to_others(
    story: Story, inspector: Inspector
) -> None:
    told_late(story)

    seen = {of: inspector.health(of=of) for of in ("deliver", "hooks", "all")}

    assert {of: health.healthy for of, health in seen.items()} == {
        "deliver": True,
        "hooks": False,
        "all": False,
    }
    assert [warning.partition(" for ")[0] for warning in seen["deliver"].warnings] == [
        "completion hooks are due"
    ]
    assert seen["hooks"].hooks_due_ms >= 5 * MINUTE
    assert inspector.status().warnings[-1].endswith("no worker tells them: serve shipper.hooks")
    assert inspector.hooks_check().result == "warning"


def test_a_ticket_that_nobody_takes_up_is_no_worker(story: Story, inspector: Inspector) -> None:
    told_late(story)
    story.ledger.run(sweep(SETTINGS, teller_tickets=["k1"], most_tellers=1, now=story.now))

    seen = inspector.health(of="hooks")

    assert seen.healthy is False


def test_hooks_that_are_late_but_told_one_after_another_are_well(story: Story, inspector: Inspector) -> None:
    told_late(story)
    ask_for_hooks(story)

    seen = inspector.health(of="hooks")

    assert (seen.healthy, seen.warnings) == (True, ())
    assert seen.hooks_due_ms >= 5 * MINUTE
    assert inspector.hooks_check().result == "ok"


def test_hooks_that_are_due_for_a_moment_are_well_though_nobody_has_ever_asked(
    story: Story, inspector: Inspector
) -> None:
    story.enqueue("c-1", "visit", hook="told")
    story.calls(ACCEPTED)
    look(story)

    seen = inspector.health(of="hooks")

    assert (seen.healthy, seen.warnings) == (True, ())


def test_lanes_that_wait_are_a_warning_to_those_who_tell_hooks(story: Story, inspector: Inspector) -> None:
    story.passes(-MINUTE)
    story.enqueue("c-1", "visit")
    story.passes(MINUTE)
    story.sweeps()

    seen = inspector.health(of="hooks")

    assert seen.healthy is True
    assert [warning.partition(" for ")[0] for warning in seen.warnings] == ["a customer's events are due"]


def test_health_asks_one_script(story: Story, inspector: Inspector, redis: Redis) -> None:
    story.sweeps()
    inspector.health()
    redis.config_resetstat()

    inspector.health()

    stats = redis.info("commandstats")
    assert stats["cmdstat_evalsha_ro"]["calls"] == 1
    assert (
        set(stats) & {"cmdstat_eval", "cmdstat_evalsha", "cmdstat_info", "cmdstat_scan", "cmdstat_keys"}
        == set()
    )
