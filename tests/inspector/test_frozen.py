"""A choice is frozen: what becomes a letter after it is left, by whatever way, and however slow."""

from __future__ import annotations

from io import BytesIO

import pytest
from redis import Redis

from shipper.inspector import Change, Filter, Inspector
from shipper.ledger.jobs import carry_on, job_of, next_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import forget, job_step
from shipper.outcome import State
from tests.inspector.story import HOUR, LOST, MINUTE, REFUSED, SETTINGS, Story
from tests.inspector.test_jobs import carry, refused
from tests.inspector.test_jobs import settle as answer_all
from tests.support.waiting import until


@pytest.fixture
def inspector(ledger: Ledger) -> Inspector:
    return Inspector(ledger, SETTINGS, operator="mona")


def now_of(redis: Redis) -> int:
    seconds, micros = redis.time()
    return seconds * 1000 + micros // 1000


def test_two_people_who_begin_the_same_job_by_ids_send_each_event_once(
    story: Story, inspector: Inspector, ledger: Ledger, redis: Redis
) -> None:
    ids = refused(story, "c-1")
    first, second = (inspector.jobs.start(ids, rate=1000) for _ in range(2))
    carry(inspector, ledger, first)
    answer_all(story, redis, REFUSED)

    carry(inspector, ledger, second)

    assert (inspector.jobs.find(second.job).sent, inspector.jobs.find(second.job).left) == (0, {"later": 1})


def test_a_yes_is_for_what_was_unclear_when_it_was_given(
    story: Story, inspector: Inspector, ledger: Ledger, redis: Redis
) -> None:
    refused(story, "c-1")
    wanted = Filter(customer_id="c-1")
    first, second = (inspector.jobs.start(wanted, rate=1000, may_duplicate=True) for _ in range(2))
    carry(inspector, ledger, first)
    answer_all(story, redis, LOST)

    carry(inspector, ledger, second)

    assert inspector.jobs.find(second.job).left == {"later": 1}


def test_a_job_leaves_what_a_person_sent_by_hand_and_what_died_anew(
    story: Story, inspector: Inspector, ledger: Ledger, redis: Redis
) -> None:
    ids = refused(story, "c-1")
    job = inspector.jobs.start(ids, rate=1000, may_duplicate=True)
    inspector.letters.redrive(inspector.letters.choose(ids), may_duplicate=False)
    answer_all(story, redis, LOST)

    carry(inspector, ledger, job)

    assert inspector.jobs.find(job.job).left == {"later": 1}
    assert inspector.event(ids[0]).state is State.UNCLEAR


def test_a_worker_that_was_stopped_between_its_look_and_its_step_sends_no_new_death(
    story: Story, inspector: Inspector, ledger: Ledger, redis: Redis
) -> None:
    ids = refused(story, "c-1")
    job = inspector.jobs.start(Filter(reason="refused"), rate=1000, may_duplicate=True)
    state = job_of(ledger, job.job)
    assert state is not None
    found, ends = next_of(ledger, state)
    inspector.letters.redrive(inspector.letters.choose(ids), may_duplicate=False)
    answer_all(story, redis, LOST)

    late = job_step(job.job, state.cursor, found, nothing_more=ends, now=now_of(redis) + MINUTE)

    assert ledger.run(late) == ("done", 0)
    assert inspector.jobs.find(job.job).left == {"later": 1}


@pytest.mark.parametrize("may_duplicate", [True, False])
def test_a_question_that_stood_for_minutes_redrives_what_was_chosen_before_it(
    may_duplicate: bool, story: Story, inspector: Inspector, redis: Redis
) -> None:
    ids = refused(story, "c-1", "c-2")
    choice = inspector.letters.choose(ids)
    inspector.letters.redrive(inspector.letters.choose(ids[1:]), may_duplicate=False)
    answer_all(story, redis, REFUSED)

    handled = inspector.letters.redrive(choice, may_duplicate=may_duplicate)

    assert (handled.done, handled.left) == (1, {"later": 1})


def test_an_end_that_a_fast_clock_put_into_the_future_is_chosen_by_its_id(
    story: Story, inspector: Inspector, redis: Redis
) -> None:
    story.now = now_of(redis) + HOUR
    (event_id,) = refused(story, "c-1")

    handled = inspector.letters.redrive(inspector.letters.choose([event_id]), may_duplicate=False)

    assert handled.done == 1


def test_a_discard_by_filter_leaves_what_is_sent_again_meanwhile(story: Story, inspector: Inspector) -> None:
    story.enqueue_many([(f"c-{i}", {"visit": {}}) for i in range(150)])
    while story.calls(REFUSED):
        pass
    choice = inspector.letters.choose(Filter(reason="refused"))
    newest = [letter.event_id for letter in inspector.letters.page(Filter(), limit=10).letters]

    def send_some_again(_: int) -> None:
        inspector.letters.redrive(inspector.letters.choose(newest), may_duplicate=False)

    handled = inspector.letters.discard(choice, because="over", told=send_some_again)

    assert handled.done == 140
    assert {inspector.event(event_id).state for event_id in newest} == {State.WAITING}


def test_a_discard_by_ids_leaves_what_was_sent_again_since_the_question(
    story: Story, inspector: Inspector, redis: Redis
) -> None:
    waits, dies = refused(story, "c-1", "c-2")
    choice = inspector.letters.choose([waits, dies])
    inspector.letters.redrive(inspector.letters.choose([dies]), may_duplicate=False)
    answer_all(story, redis, REFUSED)
    inspector.letters.redrive(inspector.letters.choose([waits]), may_duplicate=False)

    handled = inspector.letters.discard(choice, waiting_too=True)

    assert (handled.done, handled.left) == (0, {"no": 1, "later": 1})
    assert (inspector.event(waits).state, inspector.event(dies).state) == (State.WAITING, State.DEAD)


def test_what_waits_is_discarded_by_who_chose_it_waiting_and_says_so(
    story: Story, inspector: Inspector
) -> None:
    event_id = story.enqueue("c-1", "visit")
    choice = inspector.letters.choose([event_id])

    careful = inspector.letters.discard(choice)
    bold = inspector.letters.discard(choice, waiting_too=True)

    assert choice.waiting == {event_id}
    assert (careful.left, bold.done) == ({"no": 1}, 1)


def test_one_change_to_many_leaves_what_died_anew_since_they_were_chosen(
    story: Story, inspector: Inspector, redis: Redis
) -> None:
    ids = refused(story, "c-1", "c-2")
    choice = inspector.letters.choose(ids)
    inspector.letters.redrive(inspector.letters.choose(ids[1:]), may_duplicate=False)
    answer_all(story, redis, REFUSED)

    found = inspector.letters.correct(choice, Change(sets={"visit.n": 1}))

    assert (found.fits, found.left) == (1, {"later": 1})


def test_letters_that_come_in_join_no_job_that_runs(
    story: Story, inspector: Inspector, ledger: Ledger, redis: Redis
) -> None:
    ids = refused(story, "c-1", "c-2", "c-3")
    file = b"".join(inspector.letters.export(inspector.letters.choose(ids[1:])))
    inspector.letters.discard(inspector.letters.choose(ids[1:]), because="moved")
    ledger.run(forget(SETTINGS, now=now_of(redis) + 2 * SETTINGS.id_retention_ms))
    job = inspector.jobs.start(Filter(reason="refused"), rate=1000)
    came_in = inspector.letters.import_export(BytesIO(file))

    def looked_at() -> bool:
        carry_on(ledger, job.job)
        return inspector.jobs.find(job.job).looked_at == 3

    until(looked_at)
    found = inspector.jobs.find(job.job)
    assert (came_in.done, found.total, found.sent, found.left) == (2, 1, 1, {"later": 2})


def test_an_event_tells_when_it_came_in_and_from_whom(
    story: Story, inspector: Inspector, redis: Redis
) -> None:
    ids = refused(story, "c-1")
    file = b"".join(inspector.letters.export(inspector.letters.choose(ids)))
    redis.flushall()

    inspector.letters.import_export(BytesIO(file))

    timeline = inspector.event(ids[0]).timeline
    assert [moment.what for moment in timeline] == ["accepted", "attempt", "dead", "imported"]
    assert timeline[-1].by == "mona"
    assert abs(timeline[-1].at - now_of(redis)) < MINUTE
