"""Redrive and discard: what was chosen, all of it once, in its order, and nothing else."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from redis import Redis

from shipper.envelope import lane_of
from shipper.inspector import Choice, Filter, Handled, Inspector, Left
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import status
from shipper.outcome import State
from tests.inspector.story import HOUR, LOST, REFUSED, Story

PREFIX = "{shipper:default}:"


def parked(story: Story, customer: str = "c-9") -> str:
    event_id = story.enqueue(customer, "visit", on_unclear="park")
    story.calls(LOST)
    return event_id


def refused(story: Story, customer: str, name: str = "visit") -> str:
    event_id = story.enqueue(customer, name)
    story.calls(REFUSED)
    return event_id


def test_a_choice_tells_how_many_and_how_many_of_them_are_unclear(story: Story, inspector: Inspector) -> None:
    dead, unclear = refused(story, "c-1"), parked(story)

    by_filter = inspector.letters.choose(Filter(event_name="visit"))
    by_ids = inspector.letters.choose([unclear, dead, dead])

    assert (by_filter.count, by_filter.unclear) == (2, 1)
    assert by_ids == Choice(count=2, unclear=1, doubtful=0, at=by_ids.at, ids=(dead, unclear))


def test_redriven_letters_wait_again_and_unclear_ones_stay(story: Story, inspector: Inspector) -> None:
    dead, unclear = refused(story, "c-1"), parked(story)

    handled = inspector.letters.redrive(inspector.letters.choose(Filter()), may_duplicate=False)

    assert handled == Handled(
        account="default", done=1, left={"unclear": 1}, examples=(Left(event_id=unclear, why="unclear"),)
    )
    assert inspector.event(dead).state is State.WAITING
    assert inspector.event(unclear).state is State.UNCLEAR


def test_unclear_letters_are_sent_again_on_a_persons_word(story: Story, inspector: Inspector) -> None:
    unclear = parked(story)

    handled = inspector.letters.redrive(inspector.letters.choose(Filter(unclear=True)), may_duplicate=True)

    assert (handled.done, handled.left) == (1, {})
    assert inspector.event(unclear).state is State.WAITING


def test_a_large_redrive_keeps_order_and_is_spread_over_all_its_scripts(
    story: Story, inspector: Inspector, ledger: Ledger, redis: Redis
) -> None:
    story.enqueue_many([(f"c-{i}", {"visit": {}}) for i in range(250)])
    while story.calls(REFUSED):
        story.passes(HOUR)

    began = ledger.run(status()).now
    inspector.letters.redrive(inspector.letters.choose(Filter()), may_duplicate=False, spread_ms=1000)
    now = ledger.run(status()).now

    scores: Any = redis.zrange(f"{PREFIX}due", 0, -1, withscores=True)
    due = [int(score) for _, score in scores]
    took = now - began  # each script counts from its own time
    assert len(due) == 250
    assert 248_000 <= due[-1] - due[0] <= 250_000 + took
    assert due[-1] - now <= 250_000
    assert max(later - earlier for earlier, later in pairwise(due)) <= 2000 + took


def test_events_of_a_customer_go_out_in_the_order_in_which_they_died(
    story: Story, inspector: Inspector, redis: Redis
) -> None:
    first, second = refused(story, "c-1"), refused(story, "c-1", "review")

    inspector.letters.redrive(inspector.letters.choose([second, first]), may_duplicate=False)

    lane: Any = redis.lrange(f"{PREFIX}l:{lane_of('c-1')}", 0, -1)
    assert [event_id.decode() for event_id in lane] == [first, second]


def test_letters_that_die_after_the_choice_are_not_in_it(
    story: Story, inspector: Inspector, redis: Redis
) -> None:
    refused(story, "c-1")
    choice = inspector.letters.choose(Filter(reason="refused"))
    seconds, micros = redis.time()
    story.now = seconds * 1000 + micros // 1000 + HOUR
    later = refused(story, "c-2")

    handled = inspector.letters.redrive(choice, may_duplicate=False)

    assert handled.done == 1
    assert inspector.event(later).state is State.DEAD


def test_redriving_twice_sends_each_event_once(story: Story, inspector: Inspector) -> None:
    dead = refused(story, "c-1")
    choice = inspector.letters.choose([dead])
    inspector.letters.redrive(choice, may_duplicate=False)

    again = inspector.letters.redrive(choice, may_duplicate=False)

    assert (again.done, again.left) == (0, {"no": 1})
    assert inspector.status().redriven == 1


def test_discarded_letters_are_gone_and_counted(story: Story, inspector: Inspector) -> None:
    dead, kept = refused(story, "c-1", "visit"), refused(story, "c-2", "review")

    handled = inspector.letters.discard(inspector.letters.choose(Filter(event_name="visit")))

    assert handled == Handled(account="default", done=1, left={}, examples=())
    assert inspector.event(dead).state is State.DISCARDED
    assert inspector.event(kept).state is State.DEAD
    assert inspector.audit().sound


def test_a_waiting_event_that_blocks_its_lane_can_be_discarded_by_its_id(
    story: Story, inspector: Inspector
) -> None:
    waiting = story.enqueue("c-1", "visit")
    story.enqueue("c-2", "visit")
    story.claims()

    choice = inspector.letters.choose([waiting, "01HF7YAT00000000000000ZZZZ"])
    handled = inspector.letters.discard(choice, waiting_too=True)

    assert handled.done + handled.left.get("in_flight", 0) == 1
    assert handled.left["no"] == 1


def test_progress_is_told_chunk_by_chunk(story: Story, inspector: Inspector) -> None:
    story.enqueue_many([(f"c-{i}", {"visit": {}}) for i in range(150)])
    while story.calls(REFUSED):
        pass
    told: list[int] = []

    inspector.letters.discard(inspector.letters.choose(Filter()), told=told.append)

    assert told == [100, 50]


@pytest.mark.parametrize("server", ["redis7"], indirect=True)
def test_a_redrive_is_a_cause_in_the_events_history(story: Story, inspector: Inspector) -> None:
    unclear = parked(story)
    inspector.letters.redrive(inspector.letters.choose([unclear]), may_duplicate=True)

    whats = [moment.what for moment in inspector.event(unclear).timeline]

    assert whats == ["accepted", "attempt", "redriven", "due"]
