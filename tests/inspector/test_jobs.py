"""Redrive jobs: a frozen set, carried on by whoever steps it, and told as it goes."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from shipper.envelope import lane_of, seal
from shipper.inspector import Filter, Inspector, Job, JobNotFoundError, JobStateError, TrailFilter, jobs
from shipper.ledger.jobs import carry_on, due_jobs
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Operation, enqueue, forget, job_fill, job_step
from shipper.outcome import State
from shipper.settings import Settings
from tests.inspector.story import ACCEPTED, HOUR, LOST, MINUTE, REFUSED, SECOND, SETTINGS, Answer, Story
from tests.support.waiting import until

PREFIX = "{shipper:default}:"


@pytest.fixture
def inspector(ledger: Ledger) -> Inspector:
    return Inspector(ledger, SETTINGS, operator="mona")


def refused(story: Story, *customers: str, name: str = "visit") -> list[str]:
    ids = []
    for customer in customers:
        ids.append(story.enqueue(customer, name))
        while story.calls(REFUSED):
            pass
    return ids


def carry(inspector: Inspector, ledger: Ledger, *jobs: Job) -> None:
    """Carry jobs on, as workers would, until all of theirs was looked at."""

    def looked_at() -> bool:
        for job in jobs:
            carry_on(ledger, job.job)
        return all(inspector.jobs.find(job.job).looked_at == job.total for job in jobs)

    until(looked_at)


def settle(story: Story, redis: Redis, answer: Answer) -> None:
    """Let all that waits be answered, at the time of the server."""
    seconds, micros = redis.time()
    story.now = seconds * 1000 + micros // 1000 + HOUR
    while story.calls(answer):
        pass


def _is_all(inspector: Inspector, ledger: Ledger, job: Job) -> bool:
    carry_on(ledger, job.job)
    return not inspector.letters.page(Filter(), limit=1).letters or inspector.jobs.find(job.job).over


def test_a_job_sends_what_its_filter_found_and_nothing_that_dies_later(
    story: Story, inspector: Inspector, ledger: Ledger, redis: Redis
) -> None:
    first, second = refused(story, "c-1", "c-2")
    job = inspector.jobs.start(Filter(reason="refused"), rate=1000)
    settle(story, redis, REFUSED)
    later = refused(story, "c-3")[0]

    carry(inspector, ledger, job)

    assert inspector.jobs.find(job.job).sent == 2
    assert [inspector.event(i).state for i in (first, second, later)] == [
        State.WAITING,
        State.WAITING,
        State.DEAD,
    ]


def test_a_job_tells_how_it_goes_until_all_has_ended(
    story: Story, inspector: Inspector, ledger: Ledger, redis: Redis
) -> None:
    refused(story, "c-1", "c-2")
    started = inspector.jobs.start(Filter(), rate=1000, because="activated")
    carry(inspector, ledger, started)
    settle(story, redis, ACCEPTED)

    carry_on(ledger, started.job)

    done = inspector.jobs.find(started.job)
    assert (started.state, started.total, started.sent) == ("running", 2, 0)
    assert (done.state, done.sent, done.delivered, done.open, done.over) == ("done", 2, 2, 0, True)
    assert (done.operator, done.about.partition(" ")[0], done.rate) == ("mona", "activated:", 1000)
    assert inspector.jobs.all() == (done,)


def test_two_jobs_for_the_same_letters_send_each_once(
    story: Story, inspector: Inspector, ledger: Ledger
) -> None:
    refused(story, "c-1", "c-2")
    jobs = [inspector.jobs.start(Filter(), rate=1000) for _ in range(2)]

    until(lambda: all(_is_all(inspector, ledger, job) for job in jobs))

    assert sum(inspector.jobs.find(job.job).sent for job in jobs) == 2
    assert inspector.status().redriven == 2


def test_unclear_letters_stay_until_a_person_says_yes(
    story: Story, inspector: Inspector, ledger: Ledger
) -> None:
    unclear = story.enqueue("c-1", "visit", on_unclear="park")
    story.calls(LOST)
    careful = inspector.jobs.start(Filter(), rate=1000)
    carry(inspector, ledger, careful)
    bold = inspector.jobs.start(Filter(), rate=1000, may_duplicate=True)

    carry(inspector, ledger, bold)

    assert (inspector.jobs.find(careful.job).left, inspector.jobs.find(bold.job).sent) == ({"unclear": 1}, 1)
    assert inspector.event(unclear).state is State.WAITING


def test_a_job_for_one_customer_keeps_ids_and_not_the_customer(
    story: Story, inspector: Inspector, ledger: Ledger, redis: Redis
) -> None:
    mine, _ = refused(story, "canary-customer", "c-2")

    job = inspector.jobs.start(Filter(customer_id="canary-customer"), rate=1000)

    kept = repr(redis.hgetall(f"{PREFIX}jobs")) + repr(redis.xrange(f"{PREFIX}trail"))
    assert "canary-customer" not in kept
    assert (job.state, job.total) == ("running", 1)
    carry(inspector, ledger, job)
    assert inspector.event(mine).state is State.WAITING


def test_events_of_a_customer_go_out_in_their_order(
    story: Story, inspector: Inspector, ledger: Ledger
) -> None:
    ids = [refused(story, "c-1", name=f"n-{i}")[0] for i in range(5)]

    for wanted in (ids[4:2:-1], Filter()):
        carry(inspector, ledger, inspector.jobs.start(wanted, rate=1000))

    lane = [each.decode() for each in ledger.ask("LRANGE", f"{PREFIX}l:{lane_of('c-1')}", 0, -1)]
    assert lane == [ids[3], ids[4], *ids[:3]]


@pytest.mark.parametrize("how", ["customer", "reason", "ids"])
def test_a_producer_with_a_fast_clock_reverses_nobodys_events(
    how: str, story: Story, inspector: Inspector, ledger: Ledger, redis: Redis
) -> None:
    ids = [_accepted(story, "c-1", born=story.now + MINUTE), _accepted(story, "c-1", born=story.now)]
    while story.calls(REFUSED):
        story.passes(SECOND)
    ways: dict[str, Filter | list[str]] = {
        "customer": Filter(customer_id="c-1"),
        "reason": Filter(reason="refused"),
        "ids": ids,
    }

    carry(inspector, ledger, inspector.jobs.start(ways[how], rate=1000))

    lane = [each.decode() for each in ledger.ask("LRANGE", f"{PREFIX}l:{lane_of('c-1')}", 0, -1)]
    assert lane == ids == sorted(ids, reverse=True)


def _accepted(story: Story, customer: str, *, born: int) -> str:
    """Accept an event now whose id was made at another time, by the clock of its producer."""
    event = {"customerId": customer, "events": {"visit": {}}}
    sealed = seal(event, settings=SETTINGS, event_id=story.id_of(born), account="default")
    (admission,) = story.ledger.run(enqueue([sealed], SETTINGS, now=story.now))
    assert admission.word == "ok"
    return sealed.event_id


def test_the_audit_log_says_with_how_many_a_job_by_ids_began(story: Story, inspector: Inspector) -> None:
    inspector.jobs.start(refused(story, "c-1", "c-2"), rate=1000)

    (entry,) = inspector.trail(TrailFilter(action="job.start"))
    assert entry.count == 2


def test_a_job_says_why_it_waits(story: Story, inspector: Inspector, ledger: Ledger) -> None:
    refused(story, "c-1")
    job = inspector.jobs.start(Filter(), rate=1000)
    inspector.pause()

    carry_on(ledger, job.job)

    assert inspector.jobs.find(job.job).waits == "held"
    assert inspector.jobs.cancel(job.job).waits is None


def test_a_job_goes_on_when_a_pause_ends_though_nothing_else_happens(
    story: Story, inspector: Inspector, ledger: Ledger
) -> None:
    refused(story, "c-1")
    job = inspector.jobs.start(Filter(), rate=1000)
    inspector.pause(for_ms=0)

    carry(inspector, ledger, job)

    assert inspector.jobs.find(job.job).sent == 1


def test_what_a_job_sent_tells_who_started_it(story: Story, inspector: Inspector, ledger: Ledger) -> None:
    (event_id,) = refused(story, "c-1")
    job = inspector.jobs.start(Filter(), rate=1000)

    carry(inspector, ledger, job)

    (redriven,) = [each for each in inspector.event(event_id).timeline if each.what == "redriven"]
    assert (redriven.by, redriven.job) == ("mona", job.job)


def test_what_a_cancelled_job_sent_is_told_to_its_end(
    story: Story, inspector: Inspector, ledger: Ledger, redis: Redis
) -> None:
    refused(story, "c-1")
    job = inspector.jobs.start(Filter(), rate=1000)
    carry(inspector, ledger, job)
    inspector.jobs.cancel(job.job)
    carry_on(ledger, job.job)
    settle(story, redis, ACCEPTED)

    carry_on(ledger, job.job)

    found = inspector.jobs.find(job.job)
    assert (found.state, found.open, found.delivered) == ("cancelled", 0, 1)
    assert redis.zrange(f"{PREFIX}jdue", 0, -1) == []


def test_a_clock_that_was_set_back_does_not_hold_a_job_up(
    story: Story, inspector: Inspector, ledger: Ledger, redis: Redis
) -> None:
    refused(story, "c-1", "c-2")
    job = inspector.jobs.start(Filter(), rate=1000)
    seconds, _ = redis.time()
    ledger.run(job_step(job.job, "", [], nothing_more=False, now=seconds * SECOND + HOUR))

    ledger.run(forget(SETTINGS, now=seconds * SECOND))

    assert due_jobs(ledger, now=seconds * SECOND + SECOND) == [job.job]


@pytest.mark.parametrize("word", ["gone", "cancelled"])
def test_a_job_that_ends_while_it_is_given_its_ids_takes_no_more(
    word: str, story: Story, inspector: Inspector, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = refused(story, "c-1")

    def fill(name: str, *args: Any, **given: Any) -> Operation[str]:
        if word == "gone":
            redis.hdel(f"{PREFIX}jobs", name)
        elif inspector.jobs.find(name).state == "filling":
            inspector.jobs.cancel(name)
        return job_fill(name, *args, **given)

    monkeypatch.setattr(jobs, "job_fill", fill)

    if word == "gone":
        with pytest.raises(JobNotFoundError, match="has no redrive job"):
            inspector.jobs.start(ids)
    else:
        assert inspector.jobs.start(ids).state == "cancelled"
    assert redis.zrange(f"{PREFIX}jids", 0, -1) == []


def test_a_job_that_fails_again_stops_by_itself_and_says_why(
    story: Story, inspector: Inspector, ledger: Ledger, redis: Redis
) -> None:
    refused(story, *(f"c-{i}" for i in range(25)))
    job = inspector.jobs.start(Filter(), rate=1000)
    carry(inspector, ledger, job)
    settle(story, redis, REFUSED)

    carry_on(ledger, job.job)

    stopped = inspector.jobs.find(job.job)
    assert (stopped.state, stopped.failed) == ("stopped", 25)
    assert stopped.why == "25 of the last 25 failed again, most as refused 3009"
    assert stopped.codes == {"refused 3009": 25}
    assert inspector.jobs.resume(job.job).state == "running"


def test_a_job_is_paused_resumed_and_cancelled_by_a_person(
    story: Story, inspector: Inspector, ledger: Ledger
) -> None:
    refused(story, "c-1", "c-2")
    job = inspector.jobs.start(Filter(), rate=1000).job

    paused = inspector.jobs.pause(job)
    sent_while_paused = carry_on(ledger, job)
    resumed = inspector.jobs.resume(job)
    cancelled = inspector.jobs.cancel(job)

    assert [paused.state, resumed.state, cancelled.state] == ["paused", "running", "cancelled"]
    assert (sent_while_paused, carry_on(ledger, job)) == (0, 0)
    with pytest.raises(JobStateError, match="is cancelled: it cannot resume"):
        inspector.jobs.resume(job)
    with pytest.raises(JobNotFoundError, match="has no redrive job J-none"):
        inspector.jobs.cancel("J-none")
    actions = [entry.action for entry in inspector.trail(TrailFilter(action="job"))]
    assert actions == ["job.cancel", "job.resume", "job.pause", "job.start"]


@pytest.mark.parametrize(
    ("settings", "rate"),
    [
        ({}, 20),
        ({"pace_per_30_seconds": 0}, 50),
        ({"pace_per_30_seconds": 0, "pace_per_second": 0}, 50),
    ],
)
def test_half_of_the_pace_is_left_to_live_events(
    settings: dict[str, int], rate: float, ledger: Ledger, redis: Redis
) -> None:
    inspector = Inspector(ledger, Settings(**settings))  # type: ignore[arg-type]

    assert inspector.jobs.start(Filter()).rate == rate


@pytest.mark.parametrize("rate", [0, -1, 1001, float("nan")])
def test_a_rate_that_is_none_is_refused(rate: float, inspector: Inspector, redis: Redis) -> None:
    with pytest.raises(ValueError, match="is none"):
        inspector.jobs.start(Filter(), rate=rate)

    assert inspector.jobs.all() == ()


def test_nothing_to_do_is_done_at_the_first_step(inspector: Inspector, ledger: Ledger, redis: Redis) -> None:
    job = inspector.jobs.start(Filter())

    carry_on(ledger, job.job)

    assert (inspector.jobs.find(job.job).state, inspector.jobs.workers()) == ("done", 0)
    assert isinstance(inspector.jobs.find(job.job), Job)
