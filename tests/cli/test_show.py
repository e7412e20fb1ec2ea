"""`shipper show` for a person: how an event spent its time, with whom it travelled, and its hook."""

from __future__ import annotations

import json

from redis import Redis

from tests.cli.conftest import Open, Run, one
from tests.inspector.story import NOW, REFUSED, Story

LINES = [
    {"at": NOW + 9000, "number": 1, "verdict": "refused_for_now", "outcome": "retry", "worker": "w1"}
    | {"took_ms": 100, "delay_ms": 2000, "claimed": NOW + 8990, "of": 12}
    | {"held": [["lane", NOW, NOW + 500], ["throttled", NOW + 400, NOW + 8400]]}
    | {"with": [f"01HF7YAT00000000000000000{i}" for i in range(8)]},
    {"at": NOW + 11_200, "number": 2, "verdict": "permanent", "outcome": "dead: refused", "worker": "w1"}
    | {"claimed": NOW + 11_200},
    {"at": NOW + 90_000, "outcome": "edited", "by": "mona", "places": "visit.page"},
    {"at": NOW + 93_000, "outcome": "redriven", "may_duplicate": False, "by": "ben", "job": "J1"},
    {"at": NOW + 95_000, "number": 3, "verdict": "permanent", "outcome": "dead: refused", "worker": "w1"},
]


def planted(story: Story, redis: Redis) -> str:
    event_id = story.enqueue("c-1", "visit", hook="told")
    story.calls(REFUSED)
    story.hooks_fail("no such user")
    redis.hset("{shipper:default}:why", event_id, "\n".join(map(json.dumps, LINES)))
    return event_id


def test_waits_siblings_edits_and_the_hook_are_drawn(run: Run, story: Story, redis: Redis) -> None:
    event_id = planted(story, redis)

    drawn = " ".join(run("show", event_id).stdout.split())

    assert "hook told: given up after 1 tries, the last said: no such user" in drawn
    assert (
        "waited 400 ms behind its customer's earlier events, 8 s held: throttled, 590 ms for its turn"
        in drawn
    )
    assert "with 01HF7YAT000000000000000000 01HF7YAT000000000000000001" in drawn
    assert "01HF7YAT000000000000000007 and 3 more" in drawn
    assert "waited 2 s backoff, 100 ms for its turn" in drawn
    assert "waited 1 min as a dead letter" in drawn
    assert "edited by mona and sent again: visit.page" in drawn
    assert "sent again by ben in job J1: a new life with a fresh budget" in drawn


def test_what_a_waiting_event_waits_for_is_drawn(run: Run, story: Story) -> None:
    story.enqueue("c-1", "visit")
    second = story.enqueue("c-1", "order")

    drawn, told = run("show", second).stdout, one(run("show", second, "--json"))

    assert "waits for  1 earlier event(s) of its customer" in drawn
    assert (told["waits_for"], told["behind"], told["hook_standing"]) == ("lane", 1, None)


def test_the_context_that_an_event_came_with_is_drawn(run: Run, story: Story) -> None:
    event_id = story.enqueue("c-1", "visit", context="request_id=r-1%1b&tenant=t")

    drawn, told = run("show", event_id).stdout, one(run("show", event_id, "--json"))

    lines = [line.rstrip() for line in drawn.splitlines()]
    assert {"context    request_id=r-1\\x1b", "context    tenant=t"} <= set(lines)
    assert told["context"] == {"request_id": "r-1\x1b", "tenant": "t"}


def test_nothing_of_it_is_wider_than_the_terminal(in_terminal: Open, story: Story, redis: Redis) -> None:
    terminal = in_terminal("show", planted(story, redis))

    assert terminal.await_end() == 0
    assert [line for line in terminal.text.splitlines() if len(line) > 80] == []
