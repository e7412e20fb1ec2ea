"""Edit: a dead letter that says something else, checked like a new event, and everything that stays."""

from __future__ import annotations

import json
from typing import Any

import pytest
from redis import Redis

from shipper.envelope import lane_of, seal
from shipper.errors import EventNotFoundError
from shipper.inspector import Change, Filter, Inspector, NotEditableError, TrailFilter
from shipper.keyring import new_key
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import claim, enqueue, show
from shipper.outcome import State
from shipper.settings import Settings
from tests.inspector.story import ACCEPTED, HOUR, LOST, REFUSED, SETTINGS, Story
from tests.support.servers import RedisServer

PREFIX = "{shipper:default}:"
CONTACTS = {"email": "ann@example.com", "mobile": "+201001234567"}


@pytest.fixture
def server(redis7: RedisServer) -> RedisServer:
    """One server is enough here: the script has its table on both."""
    return redis7


def refused(story: Story, **given: Any) -> str:
    event_id = story.enqueue("c-1", events={"write_review": {"stars": "5"}}, **given)
    story.calls(REFUSED)
    story.passes(HOUR)
    return event_id


def posted(ledger: Ledger, settings: Settings = SETTINGS) -> dict[str, Any]:
    """Return what a worker would post now."""
    ((event,),) = [call.events for call in ledger.run(claim(["t-now"], settings, worker="w9")).calls]
    opened = event.record.opened(settings.keyring, account="default", event_id=event.event_id)
    found: dict[str, Any] = json.loads(opened.body)
    return found


def test_an_edited_letter_is_sent_as_it_is_now(story: Story, inspector: Inspector, ledger: Ledger) -> None:
    event_id = refused(story, **CONTACTS)
    change = Change(renames={"write_review": "review"}, sets={"review.stars": 5})

    proposed = inspector.letters.propose(event_id, change)
    done = inspector.letters.redrive_edited(proposed)

    assert (done.event_id, done.result, done.problems) == (event_id, "ok", ())
    assert [(each.what, each.place) for each in done.differences] == [
        ("renamed", "write_review"),
        ("changed", "review.stars"),
    ]
    assert inspector.audit().sound
    assert posted(ledger) == {"customerId": "c-1", "events": {"review": {"stars": 5}}, **CONTACTS}


def test_a_proposal_touches_nothing(story: Story, inspector: Inspector) -> None:
    event_id = refused(story)
    before = inspector.event(event_id)

    inspector.letters.propose(event_id, Change(sets={"write_review.stars": 5}))

    assert inspector.event(event_id) == before


def test_every_rule_of_a_new_event_is_kept_and_all_problems_told_together(
    story: Story, inspector: Inspector
) -> None:
    event_id = refused(story)
    change = Change(events={"write_review": {"stars": float("nan")}, "": {}, "visit": None})

    proposed = inspector.letters.propose(event_id, change)
    done = inspector.letters.redrive_edited(proposed)

    assert [str(problem) for problem in done.problems] == [
        "events.write_review.stars is NaN",
        "events[''] has a name that is empty",
        "events.visit is null: metadata is a dict, {} when there is none",
    ]
    assert done.result == "invalid"
    assert inspector.event(event_id).state is State.DEAD


def test_the_limits_of_the_settings_are_kept_too(story: Story, ledger: Ledger) -> None:
    event_id = refused(story)
    strict = Inspector(ledger, SETTINGS.model_copy(update={"allowed_events": ("review",)}))

    problems = strict.letters.propose(event_id, Change(renames={"write_review": "reviev"})).problems

    assert [str(problem) for problem in problems] == [
        "events.reviev is not an allowed event: did you mean review?"
    ]


def test_without_a_difference_nothing_is_sent(story: Story, inspector: Inspector) -> None:
    event_id = refused(story)

    done = inspector.letters.redrive_edited(
        inspector.letters.propose(event_id, Change(sets={"write_review.stars": "5"}))
    )

    assert (done.result, done.differences) == ("same", ())
    assert inspector.event(event_id).state is State.DEAD


def test_two_people_who_edit_it_at_once_send_it_once(story: Story, inspector: Inspector) -> None:
    event_id = refused(story)
    mine, theirs = (
        inspector.letters.propose(event_id, Change(sets={"write_review.stars": n})) for n in (4, 5)
    )

    results = [inspector.letters.redrive_edited(proposed).result for proposed in (mine, theirs)]

    assert results == ["ok", "no"]
    assert inspector.status().redriven == 1


def test_one_that_was_sent_and_refused_again_meanwhile_is_looked_at_again(
    story: Story, inspector: Inspector, redis: Redis
) -> None:
    event_id = refused(story)
    proposed = inspector.letters.propose(event_id, Change(sets={"write_review.stars": 4}))
    inspector.letters.redrive(inspector.letters.choose([event_id]), may_duplicate=False)
    seconds, _ = redis.time()
    story.now = seconds * 1000 + HOUR
    story.calls(REFUSED)

    assert inspector.letters.redrive_edited(proposed).result == "changed"


def test_an_unclear_letter_wants_a_persons_word(story: Story, inspector: Inspector) -> None:
    event_id = story.enqueue("c-1", events={"write_review": {"stars": "5"}}, on_unclear="park")
    story.calls(LOST)
    proposed = inspector.letters.propose(event_id, Change(sets={"write_review.stars": 5}))

    results = [
        inspector.letters.redrive_edited(proposed, may_duplicate=each).result for each in (False, True)
    ]

    assert proposed.unclear
    assert results == ["unclear", "ok"]


def test_a_producer_that_tries_again_is_told_of_its_event_and_not_refused(
    story: Story, inspector: Inspector, ledger: Ledger
) -> None:
    event_id = refused(story, idempotency_key="review:9")
    inspector.letters.redrive_edited(
        inspector.letters.propose(event_id, Change(sets={"write_review.stars": 5}))
    )
    first, edited = (
        seal(
            {"customerId": "c-1", "events": {"write_review": {"stars": stars}}},
            settings=SETTINGS,
            idempotency_key="review:9",
        )
        for stars in ("5", 5)
    )

    admissions = ledger.run(enqueue([first, edited], SETTINGS))

    assert [(each.word, each.event_id) for each in admissions] == [("dup", event_id), ("conflict", event_id)]


def test_the_history_tells_who_edited_what_and_not_to_which_value(story: Story, ledger: Ledger) -> None:
    event_id = refused(story)
    inspector = Inspector(ledger, SETTINGS, operator="ann")
    inspector.letters.redrive_edited(
        inspector.letters.propose(event_id, Change(sets={"write_review.text": "secret"}))
    )

    (shown,) = ledger.run(show([event_id]))

    assert shown
    first, line = shown.history
    assert first["verdict"] == "permanent"
    assert line == {
        "at": line["at"],
        "outcome": "edited",
        "by": "ann",
        "places": "write_review.text",
        "may_duplicate": False,
    }
    (entry,) = inspector.trail(TrailFilter(action="edit"))
    assert (entry.operator, entry.ids, entry.about) == ("ann", (event_id,), "1 difference(s)")


def test_its_pages_and_counts_follow_its_new_name(story: Story, inspector: Inspector, redis: Redis) -> None:
    event_id = refused(story)
    inspector.letters.redrive_edited(
        inspector.letters.propose(event_id, Change(renames={"write_review": "review"}))
    )
    seconds, _ = redis.time()
    story.now = seconds * 1000 + HOUR
    story.calls(REFUSED)

    pages = [
        inspector.letters.page(Filter(event_name=name), limit=9).letters
        for name in ("write_review", "review")
    ]

    assert [[letter.event_id for letter in page] for page in pages] == [[], [event_id]]
    assert inspector.audit().sound


def test_what_was_encrypted_is_so_again_under_the_key_of_today(ledger: Ledger, redis: Redis) -> None:
    old, new = new_key(), new_key()
    before, today = (Settings(encryption_keys=keys) for keys in (f"k1:{old}", f"k2:{new},k1:{old}"))
    story = Story(ledger, settings=before)
    event_id = refused(story)

    inspector = Inspector(ledger, today)
    done = inspector.letters.redrive_edited(
        inspector.letters.propose(event_id, Change(sets={"write_review.text": "secret"}))
    )

    found: Any = redis.hget(f"{PREFIX}rec", event_id)
    history: Any = redis.hget(f"{PREFIX}why", event_id)
    assert done.result == "ok"
    assert b"\0\x01\x02k2" in found
    assert b"secret" not in found + history
    assert b"write_review" not in found + history
    assert posted(ledger, today)["events"] == {"write_review": {"stars": "5", "text": "secret"}}
    assert inspector.event(event_id).timeline


def test_what_is_no_letter_cannot_be_edited(story: Story, inspector: Inspector, redis: Redis) -> None:
    delivered = story.enqueue("c-2", "visit")
    story.calls(ACCEPTED)
    damaged = refused(story)
    redis.hset(f"{PREFIX}rec", damaged, b"2|newer")

    with pytest.raises(NotEditableError, match="is delivered, no dead letter"):
        inspector.letters.propose(delivered, Change())
    with pytest.raises(NotEditableError, match="cannot be read: it can only be discarded"):
        inspector.letters.propose(damaged, Change())
    with pytest.raises(EventNotFoundError):
        inspector.letters.propose("01HF7YAT000000000000000001", Change())


def test_it_waits_behind_what_its_customer_did_meanwhile(
    story: Story, inspector: Inspector, redis: Redis
) -> None:
    event_id = refused(story)
    later = story.enqueue("c-1", "visit")

    inspector.letters.redrive_edited(
        inspector.letters.propose(event_id, Change(sets={"write_review.stars": 5}))
    )

    lane: Any = redis.lrange(f"{PREFIX}l:{lane_of('c-1')}", 0, -1)
    assert [each.decode() for each in lane] == [later, event_id]
