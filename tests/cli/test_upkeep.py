"""`shipper audit`, `mend` and `expunge`: prove, repair, erase."""

from __future__ import annotations

from redis import Redis

from shipper.envelope import lane_of
from tests.cli.conftest import Run, one
from tests.inspector.story import REFUSED, Story


def corrupt(redis: Redis, customer: str) -> None:
    lane = f"{{shipper:default}}:l:{lane_of(customer)}"
    redis.delete(lane)
    redis.set(lane, "forged")


def test_a_sound_ledger_adds_up(run: Run, story: Story) -> None:
    story.enqueue("c-1", "visit")

    assert one(run("audit", "--json")) == {
        "account": "default",
        "sound": True,
        "accepted": 1,
        "events": 1,
        "lanes": 1,
        "findings": [],
        "moved": 0,
    }
    assert run("audit").stdout == "everything adds up: 1 accepted, 1 held in 1 lanes\n"


def test_what_an_audit_finds_can_be_mended(run: Run, story: Story, redis: Redis) -> None:
    story.enqueue("c-1", "visit")
    corrupt(redis, "c-1")

    found = one(run("audit", "--json", code=1))
    mended = one(run("mend", "--json"))

    assert found["sound"] is False
    assert {"place": f"lane {lane_of('c-1')}", "problem": "not a list"} in found["findings"]
    assert mended == {
        "account": "default",
        "lanes": 1,
        "events": 1,
        "unreadable": 0,
        "indices": 0,
        "counters": {},
        "left": [],
    }
    assert one(run("audit", "--json"))["sound"] is True


def test_findings_are_drawn_with_the_cure(run: Run, story: Story, redis: Redis) -> None:
    story.enqueue("c-1", "visit")
    corrupt(redis, "c-1")

    found = run("audit", code=1).stdout
    mended = run("mend").stdout

    assert f"  lane {lane_of('c-1')}: not a list\n" in found
    assert "shipper mend puts right what can be" in found
    assert mended == "1 lane(s) rebuilt with 1 event(s)\n"


def test_what_is_counted_of_dead_letters_is_audited_and_mended(run: Run, story: Story, redis: Redis) -> None:
    story.enqueue("ann", "visit")
    story.calls(REFUSED)
    redis.hset("{shipper:default}:kinds", "odd", 7)

    found = run("audit", code=1).stdout
    mended = run("mend").stdout

    assert "  kinds odd: counts 7 letters, not 0\n" in found
    assert mended.splitlines()[1] == "1 thing(s) put right in the indices of dead letters"
    assert one(run("audit", "--json"))["sound"] is True


def test_a_customer_is_erased_on_a_yes(run: Run, story: Story) -> None:
    story.enqueue("ann", "visit")
    story.calls(REFUSED)
    under_way = story.enqueue("ann", "visit")
    story.claims()

    refused = run("expunge", "ann", code=2)
    erased = one(run("expunge", "ann", "--yes", "--json"))

    assert "Erase all events of 'ann' for good? Nobody is there to ask" in refused.stderr
    assert erased == {
        "account": "default",
        "expunged": 2,
        "waiting": 0,
        "in_flight": 1,
        "dead": 1,
        "unclear": 0,
        "hooks": 0,
        "may_still_be_sent": [under_way],
        "left": 0,
    }


def test_what_may_still_be_sent_is_told(run: Run, story: Story) -> None:
    under_way = story.enqueue("ann", "visit")
    story.claims()

    shown = run("expunge", "ann", "--yes").stdout

    assert "1 event(s) erased" in shown
    assert f"so that a call may still arrive at Gameball:\n  {under_way}\n" in shown
