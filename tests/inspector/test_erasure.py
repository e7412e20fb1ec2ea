"""Erasing a customer: whatever the ledger holds of them, wherever it is."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from shipper.envelope import lane_of
from shipper.inspector import Erasure, Inspector
from shipper.outcome import State
from tests.inspector.story import ACCEPTED, LOST, REFUSED, Story

CANARY = "canary@example.com"


def dump(redis: Any) -> bytes:
    """Return everything that Redis holds, as one text."""
    found = b""
    for key in redis.scan_iter("*"):
        kind = redis.type(key)
        found += key
        if kind == b"hash":
            found += b"".join(b"".join(pair) for pair in redis.hgetall(key).items())
        elif kind == b"list":
            found += b"".join(redis.lrange(key, 0, -1))
        elif kind == b"zset":
            found += b"".join(redis.zrange(key, 0, -1))
    return found


def test_nothing_is_left_of_a_customer(story: Story, inspector: Inspector, redis: Redis) -> None:
    story.enqueue("ann", "visit", email=CANARY)
    story.calls(REFUSED)
    story.enqueue("ann", "review", email=CANARY, on_unclear="park")
    story.calls(LOST)
    story.enqueue("ann", "order", email=CANARY, hook="told")
    story.calls(ACCEPTED)
    under_way = story.enqueue("ann", "visit", email=CANARY, solo=True)
    story.claims()
    story.enqueue("ann", "review", email=CANARY)
    kept = story.enqueue("bob", "visit")
    assert CANARY.encode() in dump(redis)

    erasure = inspector.expunge("ann")

    assert erasure == Erasure(
        account="default",
        expunged=4,
        waiting=1,
        in_flight=1,
        dead=1,
        unclear=1,
        hooks=1,
        may_still_be_sent=(under_way,),
        left=0,
    )
    assert CANARY.encode() not in dump(redis)
    assert inspector.event(kept).state is State.WAITING
    assert inspector.audit().sound


def test_a_customer_of_whom_nothing_is_known_is_erased_at_once(inspector: Inspector) -> None:
    erasure = inspector.expunge("nobody")

    assert (erasure.expunged, erasure.hooks, erasure.left) == (0, 0, 0)


def test_a_long_lane_is_erased_whole(story: Story, inspector: Inspector) -> None:
    story.enqueue_many([("ann", {"visit": {}})] * 450)

    erasure = inspector.expunge("ann")

    assert (erasure.expunged, erasure.waiting) == (450, 450)


def test_events_of_a_corrupt_lane_are_found_among_the_records(
    story: Story, inspector: Inspector, redis: Redis
) -> None:
    event_id = story.enqueue("ann", "visit", email=CANARY)
    lane = f"{{shipper:default}}:l:{lane_of('ann')}"
    redis.delete(lane)
    redis.set(lane, "forged")

    erasure = inspector.expunge("ann")

    assert erasure.expunged == 1
    assert inspector.event(event_id).state is State.EXPUNGED
    assert CANARY.encode() not in dump(redis)


@pytest.mark.parametrize("server", ["redis7"], indirect=True)
def test_an_id_without_a_record_does_not_keep_it_busy(
    story: Story, inspector: Inspector, redis: Redis
) -> None:
    event_id = story.enqueue("ann", "visit")
    redis.hdel("{shipper:default}:rec", event_id)

    erasure = inspector.expunge("ann")

    assert (erasure.expunged, erasure.left) == (0, 0)
