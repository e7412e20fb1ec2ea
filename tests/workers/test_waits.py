"""What a worker saw hold events back, and what of it an event's history keeps."""

from __future__ import annotations

import json

from shipper.ledger.operations import Claim
from tests.workers.far_end import UNAVAILABLE
from tests.workers.test_report import NOW, SETTINGS, claimed, landing
from workers.report import settled_call
from workers.waits import Hold, Waits


def paused(at: int, until: int, why: str = "breaker") -> Claim:
    return Claim(word="paused", now=at, at=until, why=why)


def let_through(at: int) -> Claim:
    return Claim(word="calls", now=at)


def test_a_pause_that_was_asked_about_again_is_one_and_ends_when_calls_go_through() -> None:
    waits = Waits()
    for claim in (paused(1000, 3000), paused(2000, 3000), paused(3000, 9000), let_through(5000)):
        waits.heard(claim)

    assert waits.between("lane", 0, 99_999) == (Hold(why="breaker", since=1000, until=5000),)


def test_one_hold_ends_where_another_begins() -> None:
    waits = Waits()
    for claim in (paused(1000, 9000), paused(2000, 4000, "throttled"), Claim(word="pace", now=4000, at=4300)):
        waits.heard(claim)

    assert waits.between("lane", 1500, 99_999) == (
        Hold(why="breaker", since=1500, until=2000),
        Hold(why="throttled", since=2000, until=4000),
        Hold(why="pace", since=4000, until=4300),
    )


def test_calls_of_a_customer_in_a_row_are_one_wait_for_who_stands_behind() -> None:
    waits = Waits()
    waits.landed("ann", claimed_at=1000, free_at=2000)
    waits.landed("ann", claimed_at=1900, free_at=6000)
    waits.landed("bob", claimed_at=1000, free_at=9000)
    waits.landed("ann", claimed_at=6000, free_at=7000)

    assert waits.between("ann", 0, 6500) == (Hold(why="lane", since=1000, until=6500),)


def test_a_call_after_a_rest_begins_a_wait_of_its_own() -> None:
    waits = Waits()
    waits.landed("ann", claimed_at=1000, free_at=2000)
    waits.landed("ann", claimed_at=5000, free_at=6000)

    assert waits.between("ann", 0, 9000) == (Hold(why="lane", since=5000, until=6000),)


def test_only_so_much_is_remembered_and_told() -> None:
    waits = Waits()
    for i in range(5000):
        waits.landed(f"c-{i}", claimed_at=1, free_at=2)
        waits.heard(paused(10 * i, 10 * i + 5))

    assert waits.between("c-0", 0, 9) == ()
    assert [hold.since for hold in waits.between("c-4999", 2, 99_999)] == [
        49_940,
        49_950,
        49_960,
        49_970,
        49_980,
        49_990,
    ]


def test_an_attempt_keeps_its_siblings_its_claim_and_what_held_it_back() -> None:
    waits = Waits()
    waits.heard(paused(NOW - 5000, NOW - 400))
    waits.heard(let_through(NOW))
    events = [claimed(f"E{i}") for i in range(12)]

    settled = settled_call(landing(UNAVAILABLE, *events), SETTINGS, worker="w:1", waits=waits)
    again = settled_call(landing(UNAVAILABLE, claimed("E1")), SETTINGS, worker="w:1", waits=waits)

    line, later = json.loads(settled.events[2].line), json.loads(again.events[0].line)
    assert line["of"] == 12
    assert line["with"] == ["E0", "E1", "E3", "E4", "E5", "E6", "E7", "E8"]
    assert line["claimed"] == NOW
    assert line["held"] == [["breaker", NOW - 1000, NOW - 400]]
    assert "with" not in later
    assert waits.between("lane-1", NOW, NOW + 47) == (Hold(why="lane", since=NOW, until=NOW + 47),)
