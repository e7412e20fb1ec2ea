"""One event, told whole: what it is, where it is, and everything that happened to it."""

from __future__ import annotations

import json
from io import BytesIO

import pytest
from redis import Redis

from shipper.envelope import lane_of
from shipper.errors import EventNotFoundError
from shipper.inspector import Change, Filter, HookStanding, Inspector, Moment, TrailFilter, Wait
from shipper.inspector.waiting import spent
from shipper.ledger.ledger import Ledger
from shipper.outcome import OnUnclear, Retry, State, Verdict
from tests.inspector.story import ACCEPTED, BUSY_SERVER, MINUTE, NOW, REFUSED, SECOND, SETTINGS, Answer, Story


def test_a_waiting_event_tells_when_it_is_due(story: Story, inspector: Inspector) -> None:
    event_id = story.enqueue(
        "c-1", events={"visit": {"page": "/a"}}, email="ann@example.com", hook="told", on_unclear="park"
    )

    seen = inspector.event(event_id)

    assert (seen.state, seen.customer_id, seen.event_names) == (State.WAITING, "c-1", ("visit",))
    assert (seen.email, seen.events) == ("a***@***", {"visit": {"page": "/a"}})
    assert (seen.on_unclear, seen.hook, seen.attempts) == (OnUnclear.PARK, "told", 0)
    assert (seen.accepted_at, seen.due_at, seen.ended_at) == (NOW, NOW, None)
    assert seen.timeline == (Moment(at=NOW, what="accepted"), Moment(at=NOW, what="due"))


def test_an_event_under_way_tells_who_has_it(story: Story, inspector: Inspector) -> None:
    event_id = story.enqueue("c-1", "visit")
    story.passes(SECOND)
    story.claims()

    seen = inspector.event(event_id)

    assert (seen.state, seen.attempts, seen.due_at) == (State.IN_FLIGHT, 1, None)
    assert seen.timeline == (
        Moment(at=NOW, what="accepted"),
        Moment(
            at=NOW + SECOND,
            what="in_flight",
            waits=(Wait(what="waiting", ms=1000),),
            number=1,
            worker="w2",
            of=1,
        ),
    )


def test_a_dead_letter_tells_every_attempt_and_every_redrive(story: Story, inspector: Inspector) -> None:
    event_id = story.enqueue("c-1", "visit")
    story.calls(BUSY_SERVER)
    story.passes(MINUTE)
    story.calls(REFUSED)
    inspector.letters.redrive(inspector.letters.choose([event_id]), may_duplicate=False)

    seen = inspector.event(event_id)

    assert (seen.state, seen.life, seen.attempts, seen.charged) == (State.WAITING, 1, 2, 0)
    accepted, first, second, redriven, due = seen.timeline
    assert accepted == Moment(at=NOW, what="accepted")
    assert first == Moment(
        at=NOW + 120,
        what="attempt",
        number=1,
        worker="w1",
        verdict="refused_for_now",
        outcome="retry",
        of=1,
        took_ms=120,
        status=503,
        code=5003,
        delay_ms=4000,
    )
    assert second == Moment(
        at=NOW + MINUTE + 240,
        what="attempt",
        number=2,
        worker="w1",
        verdict="permanent",
        outcome="dead",
        of=1,
        took_ms=120,
        status=422,
        code=3009,
        request_id="req-9",
        answer='{"code":3009,"message":"inactive customer"}',
    )
    assert (redriven.what, redriven.outcome, due.what) == ("redriven", None, "due")


def test_the_last_attempt_is_told_beside_the_state(story: Story, inspector: Inspector) -> None:
    event_id = story.enqueue("c-1", "visit")
    story.calls(REFUSED)

    seen = inspector.event(event_id)

    assert (seen.reason, seen.code, seen.status, seen.request_id) == ("refused", 3009, 422, "req-9")
    assert seen.timeline[-1] == Moment(at=NOW + 120, what="dead")


def test_a_delivered_event_has_left_its_id_and_times(story: Story, inspector: Inspector) -> None:
    event_id = story.enqueue("c-1", "visit", email="ann@example.com")
    story.passes(MINUTE)
    story.calls(ACCEPTED)

    seen = inspector.event(event_id)

    assert (seen.state, seen.attempts, seen.customer_id, seen.email) == (State.DELIVERED, 1, None, None)
    assert seen.timeline == (
        Moment(at=NOW, what="accepted"),
        Moment(at=NOW + MINUTE + 120, what="delivered"),
    )


def test_a_delivered_event_still_tells_the_causes_of_its_second_post(
    story: Story, inspector: Inspector
) -> None:
    event_id = story.enqueue("c-1", "visit")
    story.calls(Answer(verdict=Verdict.UNCLEAR, outcome=Retry(delay_ms=SECOND)))
    story.passes(MINUTE)
    story.calls(ACCEPTED)

    seen = inspector.event(event_id)

    assert (seen.state, seen.attempts, seen.causes) == (State.DELIVERED, 2, 1)


def test_an_event_that_nobody_knows_is_not_found(inspector: Inspector) -> None:
    with pytest.raises(EventNotFoundError, match="account default holds no event 01") as caught:
        inspector.event("01HF7YAT000000000000000001")

    assert caught.value.event_id == "01HF7YAT000000000000000001"


def test_contacts_are_masked_in_answers_too_unless_a_person_asks(story: Story, inspector: Inspector) -> None:
    told = Answer(
        verdict=REFUSED.verdict,
        outcome=REFUSED.outcome,
        answer="ann@example.com or +201001234567 or bob@example.com is taken",
    )
    event_id = story.enqueue("c-1", "visit", email="ann@example.com", mobile="+201001234567")
    story.calls(told)

    masked = inspector.event(event_id)
    unmasked = inspector.event(event_id, unmasked=True)

    assert (masked.email, masked.mobile) == ("a***@***", "***67")
    assert masked.timeline[1].answer == "*** or *** or *** is taken"
    assert (unmasked.email, unmasked.mobile) == ("ann@example.com", "+201001234567")
    assert unmasked.timeline[1].answer == "ann@example.com or +201001234567 or bob@example.com is taken"


@pytest.mark.parametrize(
    "record",
    [
        b"2|newer",
        b"1|l|1||f|n|s|r||3\0not json",
        b"1|l|1||f|n|s|r||3\0[]",
        b'1|l|1||f|n|s|r||3\0{"events":1}',
    ],
)
def test_a_damaged_record_is_shown_and_not_a_crash(
    record: bytes, story: Story, inspector: Inspector, redis: Redis
) -> None:
    event_id = story.enqueue("c-1", "visit")
    story.calls(REFUSED)
    redis.hset("{shipper:default}:rec", event_id, record)

    seen = inspector.event(event_id)

    assert (seen.state, seen.reason, seen.event_names) == (State.DEAD, "refused", ())
    assert len(inspector.letters.page(Filter(), limit=10).letters) == 1


def test_the_time_before_an_attempt_is_told_apart_as_far_as_a_worker_saw_it() -> None:
    spans = [("backoff", 1000, 5000), ("breaker", 4000, 7000), ("pace", 6500, 6900), ("lane", 0, 7500)]

    waits = spent(1000, 9000, spans)

    assert waits == (
        Wait(what="backoff", ms=4000),
        Wait(what="breaker", ms=2000),
        Wait(what="lane", ms=500),
        Wait(what="waiting", ms=1500),
    )
    assert spent(1000, 1000, spans) == ()


def test_what_a_worker_wrote_of_holds_and_siblings_is_in_the_timeline(
    story: Story, inspector: Inspector, redis: Redis
) -> None:
    event_id = story.enqueue("c-1", "visit")
    story.calls(REFUSED)
    lines = [
        {"at": NOW + 9000, "number": 1, "verdict": "x", "outcome": "retry", "took_ms": 100, "delay_ms": 2000}
        | {"claimed": NOW + 8990, "held": [["lane", NOW, NOW + 500], ["throttled", NOW + 400, NOW + 8400]]}
        | {"of": 3, "with": ["A", "B"]},
        {"at": NOW + 12_000, "number": 2, "verdict": "crashed", "outcome": "retry"},
        {"at": NOW + 20_000, "outcome": "redriven", "by": "ann", "job": "J1"},
    ]
    redis.hset("{shipper:default}:why", event_id, "\n".join(map(json.dumps, lines)))

    _, first, second, redriven, _ = inspector.event(event_id).timeline

    assert first.siblings == ("A", "B")
    assert first.waits == (
        Wait(what="lane", ms=400),
        Wait(what="throttled", ms=8000),
        Wait(what="waiting", ms=590),
    )
    assert second.waits is None
    assert (redriven.by, redriven.job) == ("ann", "J1")
    assert redriven.waits == (Wait(what="letter", ms=8000),)


def test_a_waiting_event_tells_what_it_waits_for(story: Story, inspector: Inspector, redis: Redis) -> None:
    first, second = story.enqueue("c-1", "visit"), story.enqueue("c-1", "order")

    due = [(seen.waits_for, seen.behind) for seen in map(inspector.event, (first, second))]
    inspector.pause()
    held = inspector.event(first)
    inspector.resume()
    redis.zadd("{shipper:default}:due", {lane_of("c-1"): 9e12})
    later = inspector.event(first)

    assert due == [("turn", 0), ("lane", 1)]
    assert (held.waits_for, later.waits_for) == ("operator", "waiting")


def test_an_event_tells_how_it_stands_with_its_hook(story: Story, inspector: Inspector) -> None:
    event_id = story.enqueue("c-1", "visit", hook="told", email="ann@example.com")
    standings = [inspector.event(event_id).hook_standing]
    story.calls(REFUSED)
    standings.append(inspector.event(event_id).hook_standing)
    story.hooks_fail("no user ann@example.com")
    standings.append(inspector.event(event_id).hook_standing)
    inspector.hooks.discard([event_id])
    standings.append(inspector.event(event_id).hook_standing)

    assert standings == [
        None,
        HookStanding(standing="waiting", due_at=NOW + 120),
        HookStanding(standing="failed", tries=1, error="no user ***", failed_at=NOW + 120),
        HookStanding(standing="told"),
    ]


def test_who_asks_for_contacts_stands_on_the_audit_log(story: Story, ledger: Ledger) -> None:
    event_id = story.enqueue("c-1", "visit", email="ann@example.com")
    inspector = Inspector(ledger, SETTINGS, operator="ann")

    inspector.event(event_id)
    inspector.event(event_id, unmasked=True)

    (entry,) = inspector.trail(TrailFilter())
    assert (entry.operator, entry.action, entry.ids) == ("ann", "unmask", (event_id,))


def test_a_line_of_its_history_that_is_none_is_told_and_all_else_goes_on(
    story: Story, inspector: Inspector, redis: Redis
) -> None:
    spoilt, sound = (story.enqueue(f"c-{i}", "visit") for i in range(2))
    story.calls(REFUSED)
    (lines,) = redis.hmget("{shipper:default}:why", [spoilt])
    bad = '{"at":"yesterday","outcome":"imported"}\n'
    redis.hset("{shipper:default}:why", spoilt, bad + str(lines, "utf-8"))  # type: ignore[arg-type]

    told = [moment.what for moment in inspector.event(spoilt).timeline]
    found = inspector.letters.correct(
        inspector.letters.choose(Filter(reason="refused")), Change(renames={"visit": "stay"})
    )
    file = BytesIO(b"".join(inspector.letters.export(inspector.letters.choose([spoilt, sound]))))

    assert told == ["accepted", "unreadable", "attempt", "dead"]
    assert found.fits == 2
    assert inspector.letters.check_export(file)[1] == 2
