"""Redrive jobs: a frozen set, carried on by whoever steps it, and told as it goes."""

from __future__ import annotations

import pytest
from redis import Redis

from shipper.envelope import lane_of
from shipper.inspector import Filter, Inspector, Job, JobNotFoundError, JobStateError, TrailFilter
from shipper.ledger.jobs import carry_on
from shipper.ledger.ledger import Ledger
from shipper.outcome import State
from shipper.settings import Settings
from tests.inspector.story import ACCEPTED, HOUR, LOST, REFUSED, SETTINGS, Answer, Story
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
        return all(inspector.job(job.job).looked_at == job.total for job in jobs)

    until(looked_at)


def settle(story: Story, redis: Redis, answer: Answer) -> None:
    """Let all that waits be answered, at the time of the server."""
    seconds, micros = redis.time()
    story.now = seconds * 1000 + micros // 1000 + HOUR
    while story.calls(answer):
        pass


def _is_all(inspector: Inspector, ledger: Ledger, job: Job) -> bool:
    carry_on(ledger, job.job)
    return not inspector.letters(Filter(), limit=1).letters or inspector.job(job.job).over


def test_a_job_sends_what_its_filter_found_and_nothing_that_dies_later(
    story: Story, inspector: Inspector, ledger: Ledger, redis: Redis
) -> None:
    first, second = refused(story, "c-1", "c-2")
    job = inspector.start_job(Filter(reason="refused"), rate=1000)
    settle(story, redis, REFUSED)
    later = refused(story, "c-3")[0]

    carry(inspector, ledger, job)

    assert inspector.job(job.job).sent == 2
    assert [inspector.event(i).state for i in (first, second, later)] == [
        State.WAITING,
        State.WAITING,
        State.DEAD,
    ]


def test_a_job_tells_how_it_goes_until_all_has_ended(
    story: Story, inspector: Inspector, ledger: Ledger, redis: Redis
) -> None:
    refused(story, "c-1", "c-2")
    started = inspector.start_job(Filter(), rate=1000, because="activated")
    carry(inspector, ledger, started)
    settle(story, redis, ACCEPTED)

    carry_on(ledger, started.job)

    done = inspector.job(started.job)
    assert (started.state, started.total, started.sent) == ("running", 2, 0)
    assert (done.state, done.sent, done.delivered, done.open, done.over) == ("done", 2, 2, 0, True)
    assert (done.operator, done.about.partition(" ")[0], done.rate) == ("mona", "activated:", 1000)
    assert inspector.jobs() == (done,)


def test_two_jobs_for_the_same_letters_send_each_once(
    story: Story, inspector: Inspector, ledger: Ledger
) -> None:
    refused(story, "c-1", "c-2")
    jobs = [inspector.start_job(Filter(), rate=1000) for _ in range(2)]

    until(lambda: all(_is_all(inspector, ledger, job) for job in jobs))

    assert sum(inspector.job(job.job).sent for job in jobs) == 2
    assert inspector.status().redriven == 2


def test_unclear_letters_stay_until_a_person_says_yes(
    story: Story, inspector: Inspector, ledger: Ledger
) -> None:
    unclear = story.enqueue("c-1", "visit", on_unclear="park")
    story.calls(LOST)
    careful = inspector.start_job(Filter(), rate=1000)
    carry(inspector, ledger, careful)
    bold = inspector.start_job(Filter(), rate=1000, may_duplicate=True)

    carry(inspector, ledger, bold)

    assert (inspector.job(careful.job).left, inspector.job(bold.job).sent) == ({"unclear": 1}, 1)
    assert inspector.event(unclear).state is State.WAITING


def test_a_job_for_one_customer_keeps_ids_and_not_the_customer(
    story: Story, inspector: Inspector, ledger: Ledger, redis: Redis
) -> None:
    mine, _ = refused(story, "canary-customer", "c-2")

    job = inspector.start_job(Filter(customer_id="canary-customer"), rate=1000)

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
        carry(inspector, ledger, inspector.start_job(wanted, rate=1000))

    lane = [each.decode() for each in ledger.ask("LRANGE", f"{PREFIX}l:{lane_of('c-1')}", 0, -1)]
    assert lane == [ids[3], ids[4], *ids[:3]]


def test_a_job_that_fails_again_stops_by_itself_and_says_why(
    story: Story, inspector: Inspector, ledger: Ledger, redis: Redis
) -> None:
    refused(story, *(f"c-{i}" for i in range(25)))
    job = inspector.start_job(Filter(), rate=1000)
    carry(inspector, ledger, job)
    settle(story, redis, REFUSED)

    carry_on(ledger, job.job)

    stopped = inspector.job(job.job)
    assert (stopped.state, stopped.failed) == ("stopped", 25)
    assert stopped.why == "25 of the last 25 failed again, most as refused 3009"
    assert stopped.codes == {"refused 3009": 25}
    assert inspector.resume_job(job.job).state == "running"


def test_a_job_is_paused_resumed_and_cancelled_by_a_person(
    story: Story, inspector: Inspector, ledger: Ledger
) -> None:
    refused(story, "c-1", "c-2")
    job = inspector.start_job(Filter(), rate=1000).job

    paused = inspector.pause_job(job)
    sent_while_paused = carry_on(ledger, job)
    resumed = inspector.resume_job(job)
    cancelled = inspector.cancel_job(job)

    assert [paused.state, resumed.state, cancelled.state] == ["paused", "running", "cancelled"]
    assert (sent_while_paused, carry_on(ledger, job)) == (0, 0)
    with pytest.raises(JobStateError, match="is cancelled: it cannot resume"):
        inspector.resume_job(job)
    with pytest.raises(JobNotFoundError, match="has no redrive job J-none"):
        inspector.cancel_job("J-none")
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

    assert inspector.start_job(Filter()).rate == rate


@pytest.mark.parametrize("rate", [0, -1, 1001, float("nan")])
def test_a_rate_that_is_none_is_refused(rate: float, inspector: Inspector, redis: Redis) -> None:
    with pytest.raises(ValueError, match="is none"):
        inspector.start_job(Filter(), rate=rate)

    assert inspector.jobs() == ()


def test_nothing_to_do_is_done_at_the_first_step(inspector: Inspector, ledger: Ledger, redis: Redis) -> None:
    job = inspector.start_job(Filter())

    carry_on(ledger, job.job)

    assert (inspector.job(job.job).state, inspector.workers()) == ("done", 0)
    assert isinstance(inspector.job(job.job), Job)
