"""Letters of which a copy may be with Gameball: who has to be asked, and what is told of the others."""

from __future__ import annotations

import pytest

from shipper.inspector import Change, Filter, Inspector
from shipper.inspector.preview import Quote
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import redrive
from tests.inspector.story import LOST, REFUSED, SPENT, Story
from tests.inspector.test_jobs import carry, refused


@pytest.fixture
def parked(story: Story) -> str:
    """An event that was unclear, was sent again on a person's word, and was refused then."""
    event_id = story.enqueue("c-1", "visit", on_unclear="park")
    story.calls(LOST)
    story.ledger.run(redrive([event_id], spread_ms=0, may_duplicate=True, now=story.now))
    story.calls(REFUSED)
    return event_id


def test_the_first_copy_of_a_parked_event_stays_where_it_may_be_whatever_became_of_the_next(
    parked: str, inspector: Inspector
) -> None:
    asked_nobody = inspector.letters.redrive(inspector.letters.choose([parked]), may_duplicate=False)
    asked = inspector.letters.redrive(inspector.letters.choose([parked]), may_duplicate=True)

    assert (asked_nobody.left, asked.done) == ({"unclear": 1}, 1)


def test_an_edit_and_a_preview_want_that_word_too(parked: str, inspector: Inspector) -> None:
    proposed = inspector.letters.propose(parked, Change(sets={"visit.n": 1}))
    edited = inspector.letters.redrive_edited(proposed, may_duplicate=False)
    choice = inspector.letters.choose([parked])
    seen = inspector.letters.preview(choice, lambda _: Quote(kind="earns"), may_duplicate=False)

    assert (proposed.unclear, edited.result) == (True, "unclear")
    assert (seen.asked, seen.left_out) == (0, 1)


def test_no_job_sends_it_without_that_word_either(parked: str, inspector: Inspector, ledger: Ledger) -> None:
    job = inspector.jobs.start([parked], rate=1000)

    carry(inspector, ledger, job)

    assert inspector.jobs.find(job.job).left == {"unclear": 1}


@pytest.mark.parametrize(
    ("wanted", "counts"),
    [
        (Filter(), (2, 1, 0)),
        (Filter(reason="refused"), (2, 1, 0)),
        (Filter(reason="spent"), (0, 0, 0)),
        (Filter(customer_id="c-1"), (1, 1, 0)),
        (Filter(customer_id="c-2"), (1, 0, 0)),
        (Filter(code="3009", event_name="visit"), (2, 1, 0)),
        (Filter(text="inactive"), (2, 1, 0)),
        (Filter(unclear=False), (2, 1, 0)),
        (Filter(until=1), (0, 0, 0)),
    ],
)
def test_a_question_counts_it_as_unclear(
    wanted: Filter, counts: tuple[int, int, int], parked: str, story: Story, inspector: Inspector
) -> None:
    refused(story, "c-2")

    choice = inspector.letters.choose(wanted)

    assert (choice.count, choice.unclear, choice.doubtful) == counts


@pytest.mark.parametrize(
    ("wanted", "doubtful"),
    [
        (Filter(), 1),
        (Filter(reason="spent"), 1),
        (Filter(reason="refused"), 0),
        (Filter(customer_id="c-1"), 1),
        (Filter(customer_id="c-2"), 0),
        (Filter(reason="spent", code="5000", event_name="visit"), 1),
        (Filter(event_name="order"), 0),
    ],
)
def test_a_question_tells_of_answers_that_were_lost_before_an_event_died(
    wanted: Filter, doubtful: int, story: Story, inspector: Inspector
) -> None:
    story.enqueue("c-1", "visit")
    story.calls(SPENT)
    refused(story, "c-2", name="order")

    choice = inspector.letters.choose(wanted)

    assert (choice.unclear, choice.doubtful) == (0, doubtful)


def test_ids_and_reasons_tell_of_them_too(story: Story, inspector: Inspector) -> None:
    event_id = story.enqueue("c-1", "visit")
    story.calls(SPENT)
    refused(story, "c-2")

    choice = inspector.letters.choose([event_id])
    groups = {group.reason: group.doubtful for group in inspector.letters.reasons().groups}

    assert (choice.unclear, choice.doubtful) == (0, 1)
    assert groups == {"spent": 1, "refused": 0}
    assert inspector.audit().sound


def test_of_many_a_question_tells_at_most_how_many_and_walks_none(
    story: Story, inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [("c-1", "visit"), ("c-1", "order"), ("c-2", "visit"), ("c-3", "visit")]
    story.enqueue_many([(customer, {name: {}}) for customer, name in events])
    while story.calls(SPENT):
        pass
    refused(story, "c-1")
    monkeypatch.setattr("shipper.ledger.letters.FEW", 0)

    at_most = [
        inspector.letters.choose(wanted).doubtful
        for wanted in (
            Filter(event_name="visit"),
            Filter(event_name="visit", code="3009"),
            Filter(customer_id="c-1"),
            Filter(customer_id="c-9"),
        )
    ]

    assert at_most == [3, 0, 3, 0]
