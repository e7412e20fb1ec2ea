"""The list of dead letters: newest first, filtered, page by page, and never by a scan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import chain
from typing import Any

import pytest
from redis import Redis

from shipper.inspector import Filter, Inspector, Letter
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import ClaimedEvent
from shipper.outcome import State
from shipper.settings import Settings
from tests.inspector.story import (
    ACCEPTED,
    FIELD,
    HOUR,
    LOST,
    MINUTE,
    NOW,
    REFUSED,
    SPENT,
    Answer,
    Story,
    commands,
)


def ids(letters: tuple[Letter, ...]) -> list[str]:
    return [letter.event_id for letter in letters]


def one_dead(story: Story, customer: str, *names: str, answer: Answer = REFUSED, **given: Any) -> str:
    """Enqueue an event, let its call fail for good, and let an hour pass."""
    event_id = story.enqueue(customer, *names, **given)
    story.calls(answer)
    story.passes(HOUR)
    return event_id


def test_a_letter_tells_what_happened_and_masks_whom_it_happened_to(
    story: Story, inspector: Inspector
) -> None:
    event_id = story.enqueue(
        "c-1", "write_review", email="ann@example.com", mobile="+201001234567", hook="told"
    )
    story.calls(REFUSED)

    (letter,) = inspector.letters.page(Filter(), limit=10).letters

    assert letter == Letter(
        event_id=event_id,
        account="default",
        state=State.DEAD,
        reason="refused",
        code=3009,
        field=None,
        event_names=("write_review",),
        customer_id="c-1",
        email="a***@***",
        mobile="***67",
        unopened=None,
        status=422,
        request_id="req-9",
        attempts=1,
        hook="told",
        accepted_at=NOW,
        ended_at=NOW + 120,
    )


def test_no_answer_and_no_contact_stands_in_a_list(story: Story, inspector: Inspector) -> None:
    told = Answer(
        verdict=REFUSED.verdict, outcome=REFUSED.outcome, status=422, answer="no such ann@example.com"
    )
    one_dead(story, "c-1", "visit", answer=told, email="ann@example.com", mobile="+201001234567")

    shown = str([asdict(letter) for letter in inspector.letters.page(Filter(), limit=10).letters])

    assert "ann@example.com" not in shown
    assert "1001234567" not in shown


def test_letters_come_newest_first_and_unclear_ones_among_them(story: Story, inspector: Inspector) -> None:
    first = one_dead(story, "c-1", "visit")
    second = one_dead(story, "c-2", "visit", answer=LOST, on_unclear="park")
    third = one_dead(story, "c-3", "visit", answer=SPENT)
    one_dead(story, "c-4", "visit", answer=ACCEPTED)

    page = inspector.letters.page(Filter(), limit=10)

    assert ids(page.letters) == [third, second, first]
    assert [(letter.state, letter.reason) for letter in page.letters] == [
        (State.DEAD, "spent"),
        (State.UNCLEAR, "unclear"),
        (State.DEAD, "refused"),
    ]
    assert page.beyond is None


YEAR_2326 = 11_263_000_000_000
FILTERS = {
    "by reason": (Filter(reason="refused"), {"a", "b", "e", "f"}),
    "by the reason unclear": (Filter(reason="unclear"), {"d"}),
    "by code": (Filter(code="5000"), {"c"}),
    "without a code": (Filter(code="-"), {"d"}),
    "by event name": (Filter(event_name="visit"), {"b", "c", "e"}),
    "by a name that shares its event": (Filter(event_name="review"), {"a", "e"}),
    "by customer": (Filter(customer_id="c-2"), {"b", "d", "f"}),
    "since a moment": (Filter(since=NOW + 2 * HOUR), {"c", "d", "e", "f"}),
    "before a moment": (Filter(until=NOW + 2 * HOUR), {"a", "b"}),
    "between moments": (Filter(since=NOW + HOUR, until=NOW + 3 * HOUR), {"b", "c"}),
    "since a moment after the last of thirteen digits": (Filter(since=10_000_000_000_000), set()),
    "since a year that is a slip": (Filter(since=YEAR_2326), set()),
    "by customer, since a year that is a slip": (Filter(customer_id="c-2", since=YEAR_2326), set()),
    "before a year that is a slip": (Filter(until=YEAR_2326), {"a", "b", "c", "d", "e", "f"}),
    "between years that are slips": (Filter(since=YEAR_2326, until=YEAR_2326 + 1), set()),
    "since a moment before all": (Filter(since=-1), {"a", "b", "c", "d", "e", "f"}),
    "since the first moment": (Filter(since=0), {"a", "b", "c", "d", "e", "f"}),
    "before the first moment": (Filter(until=-1), set()),
    "since the moment before which": (Filter(since=NOW + HOUR, until=NOW + HOUR), set()),
    "since a moment after that before which": (Filter(since=NOW + 3 * HOUR, until=NOW + HOUR), set()),
    "unclear ones": (Filter(unclear=True), {"d"}),
    "all but unclear ones": (Filter(unclear=False), {"a", "b", "c", "e", "f"}),
    "by reason and name": (Filter(reason="refused", event_name="visit"), {"b", "e"}),
    "by reason, code and name": (Filter(reason="refused", code="3009", event_name="visit"), {"b", "e"}),
    "by name and customer": (Filter(event_name="visit", customer_id="c-2"), {"b"}),
    "by customer, none of them unclear": (Filter(customer_id="c-2", unclear=False), {"b", "f"}),
    "by customer, since a moment": (Filter(customer_id="c-2", since=NOW + 2 * HOUR), {"d", "f"}),
    "by field": (Filter(field="total"), {"f"}),
    "without a field": (Filter(field="-"), {"a", "b", "c", "d", "e"}),
    "by field and customer": (Filter(field="total", customer_id="c-2"), {"f"}),
    "by field and name": (Filter(field="total", event_name="visit"), set()),
    "by reason and code": (Filter(reason="refused", code="3009"), {"a", "b", "e"}),
    "by text": (Filter(text="inactive"), {"a", "b", "e"}),
    "by text whatever its case": (Filter(text="Must  be a NUMBER"), {"f"}),
    "by text with a value": (Filter(text='of "c-2" must'), {"f"}),
    "by text with another value": (Filter(text='of "c-3" must'), set()),
    "by text as it is stored": (Filter(text='"code":3009'), {"a", "b", "e"}),
    "by text that nobody said": (Filter(text="teapot"), set()),
    "by text and name": (Filter(text="inactive", event_name="visit"), {"b", "e"}),
    "by text and customer": (Filter(text="inactive", customer_id="c-2"), {"b"}),
    "by text, reason and code": (Filter(text="inactive", reason="refused", code="3003"), set()),
    "by text, since a moment": (Filter(text="inactive", since=NOW + 2 * HOUR), {"e"}),
    "by what contradicts itself": (Filter(reason="refused", unclear=True), set()),
    "by a reason that has other codes": (Filter(reason="refused", code="5000"), set()),
    "by a name that nobody used": (Filter(event_name="visits"), set()),
    "by a name that is empty": (Filter(event_name=""), set()),
    "by reason and a name that is empty": (Filter(reason="refused", event_name=""), set()),
    "by a customer whose id is empty": (Filter(customer_id=""), set()),
    "by reason and a customer whose id is empty": (Filter(reason="refused", customer_id=""), set()),
    "by a code that is empty": (Filter(code=""), set()),
    "by a field that is empty": (Filter(field=""), set()),
    "by a text that is empty": (Filter(text=""), set()),
    "by a text of blanks": (Filter(text="  "), set()),
}


@pytest.mark.parametrize(("wanted", "expected"), FILTERS.values(), ids=FILTERS.keys())
def test_letters_are_found(wanted: Filter, expected: set[str], story: Story, inspector: Inspector) -> None:
    letters = {
        "a": one_dead(story, "c-1", "review"),
        "b": one_dead(story, "c-2", "visit"),
        "c": one_dead(story, "c-3", "visit", answer=SPENT),
        "d": one_dead(story, "c-2", "order", answer=LOST, on_unclear="park"),
        "e": one_dead(story, "c-4", "visit", "review"),
        "f": one_dead(story, "c-2", "order", answer=FIELD),
    }

    found = inspector.letters.page(wanted, limit=10).letters

    assert set(ids(found)) == {letters[name] for name in expected}
    assert inspector.letters.choose(wanted).count == len(expected)


def test_pages_follow_each_other_even_through_letters_of_one_moment(
    story: Story, inspector: Inspector
) -> None:
    dead = story.enqueue_many([(f"c-{i}", {"visit": {}}) for i in range(25)])
    story.calls(REFUSED)
    pages = []
    beyond = None

    while True:
        page = inspector.letters.page(Filter(), limit=10, beyond=beyond)
        pages.append(ids(page.letters))
        beyond = page.beyond
        if beyond is None:
            break

    assert [len(page) for page in pages] == [10, 10, 5]
    assert list(chain.from_iterable(pages)) == sorted(dead, reverse=True)


def test_a_page_is_the_same_when_letters_come_and_go_before_it(story: Story, inspector: Inspector) -> None:
    old = [one_dead(story, f"c-{i}", "visit") for i in range(4)]
    first = inspector.letters.page(Filter(), limit=2)
    one_dead(story, "c-9", "visit")
    inspector.letters.discard(inspector.letters.choose([old[2]]))

    second = inspector.letters.page(Filter(), limit=2, beyond=first.beyond)

    assert ids(second.letters) == [old[1], old[0]]


def test_every_letter_can_be_streamed(story: Story, inspector: Inspector) -> None:
    dead = story.enqueue_many([(f"c-{i}", {"visit": {}}) for i in range(450)])
    while story.calls(REFUSED):
        story.passes(MINUTE)

    streamed = list(inspector.letters.all(Filter(event_name="visit")))

    assert {letter.event_id for letter in streamed} == set(dead)
    assert [letter.ended_at for letter in streamed] == sorted(
        (letter.ended_at for letter in streamed), reverse=True
    )


def test_a_page_whose_work_is_bounded_comes_back_short_and_says_where_to_go_on(
    story: Story, inspector: Inspector
) -> None:
    rare = one_dead(story, "c-0", "visit")
    story.enqueue_many([(f"c-{i}", {"visit": {}}) for i in range(1, 600)])
    while story.calls(REFUSED):
        story.passes(MINUTE)
    one_dead(story, "c-0", "order")
    many = [story.enqueue("c-0", "order") for _ in range(700)]
    while story.calls(REFUSED):
        story.passes(MINUTE)
    wanted = Filter(event_name="visit", customer_id="c-0")

    short = inspector.letters.page(wanted, limit=10, looked=500)
    rest = inspector.letters.page(wanted, limit=10, looked=500, beyond=short.beyond)
    whole = inspector.letters.page(wanted, limit=10)

    assert len(many) == 700
    assert short.letters == ()
    assert short.beyond is not None
    assert ids(rest.letters) == ids(whole.letters) == [rare]


GUESSES = {
    "a mobile": ("+201001234567", False),
    "a part of a mobile": ("mobile +20100123", False),
    "a mobile as the answer has it": ("201001234567", False),
    "digits of a mobile": ("2010", False),
    "an email": ("ann@example.com", False),
    "a part of an email": ("email Ann@exam", False),
    "what stands before a mobile": ("customer with mobile", True),
    "what stands behind an email": ("exists", True),
    "another number": ("shop 77120", True),
}


@pytest.mark.parametrize("kinds", [1, 500], ids=["by kind", "one by one"])
@pytest.mark.parametrize("guess", GUESSES.values(), ids=GUESSES.keys())
def test_a_contact_that_is_hidden_in_an_answer_is_not_found_there(
    guess: tuple[str, bool], kinds: int, story: Story, inspector: Inspector, redis: Redis
) -> None:
    text, is_found = guess
    redis.hset("{shipper:default}:kinds", mapping={f"kind-{i}": 1 for i in range(kinds)})
    answer = '{"message":"customer with mobile 201001234567, email Ann@example.com, exists in shop 77120"}'
    contacts = {"email": "ann@example.com", "mobile": "+20 100 123 4567"}
    event_id = one_dead(story, "c-1", "visit", answer=replace(REFUSED, answer=answer), **contacts)

    found = inspector.letters.page(Filter(text=text), limit=10).letters

    assert ids(found) == ([event_id] if is_found else [])
    assert inspector.letters.choose(Filter(text=text)).count == len(found)


def test_a_contact_of_an_encrypted_event_is_not_found_either(ledger: Ledger) -> None:
    settings = Settings(encryption_keys=f"a:{'A' * 43}=", refusal_burst=0)
    story, inspector = Story(ledger, settings=settings), Inspector(ledger, settings)
    told = replace(REFUSED, answer="201001234567 is taken since 1999")
    event_id = one_dead(story, "c-1", "visit", answer=told, mobile="+201001234567")

    guessed = inspector.letters.page(Filter(text="201001234567"), limit=10).letters
    found = inspector.letters.page(Filter(text="taken since 1999"), limit=10).letters

    assert (ids(guessed), ids(found)) == ([], [event_id])


def test_answers_beyond_five_hundred_kinds_are_found_all_the_same(
    story: Story, inspector: Inspector, redis: Redis
) -> None:
    redis.hset("{shipper:default}:kinds", mapping={f"kind-{i}": 1 for i in range(500)})
    found = one_dead(story, "c-1", "visit", answer=FIELD)
    one_dead(story, "c-2", "visit")

    letters = inspector.letters.page(Filter(text="must be a number"), limit=10).letters

    assert ids(letters) == [found]
    assert inspector.letters.choose(Filter(text="must be a number")).count == 1


def test_a_letter_whose_record_was_damaged_is_listed_as_far_as_it_can_be_read(
    story: Story, inspector: Inspector, redis: Redis
) -> None:
    event_id = one_dead(story, "c-1", "visit")
    redis.hset("{shipper:default}:rec", event_id, b"9|something newer")

    (letter,) = inspector.letters.page(Filter(), limit=10).letters

    assert (letter.event_id, letter.reason, letter.customer_id) == (event_id, "refused", None)


@pytest.mark.parametrize("server", ["redis7"], indirect=True)
def test_ten_thousand_letters_cost_no_more_commands_than_a_few(
    story: Story, inspector: Inspector, redis: Redis
) -> None:
    def cost() -> dict[str, int]:
        looks: dict[str, Callable[[], object]] = {
            "first page": lambda: inspector.letters.page(Filter(), limit=20),
            "one reason": lambda: inspector.letters.page(Filter(reason="refused"), limit=20),
            "two filters": lambda: inspector.letters.page(
                Filter(reason="refused", event_name="visit"), limit=20
            ),
            "reasons": inspector.letters.reasons,
            "status": inspector.status,
            "choice": lambda: inspector.letters.choose(Filter(event_name="visit")),
        }
        costs = {}
        for name, look in looks.items():
            redis.config_resetstat()
            look()
            costs[name] = commands(redis)
        return costs

    names = ("visit", "review", "order")

    def answer(event: ClaimedEvent) -> Answer:
        return REFUSED if event.record.event["customerId"].endswith("1") else SPENT

    story.enqueue_many([(f"c-{i}", {names[i % 3]: {}}) for i in range(1500)])
    while story.calls(answer):
        pass
    cost()  # teaches Redis the scripts
    of_few = cost()
    story.enqueue_many([(f"c-{i}", {names[i % 3]: {}}) for i in range(1500, 10_000)])
    while story.calls(answer):
        pass

    of_many = cost()

    assert inspector.status().dead == 10_000
    assert of_many == of_few
    assert max(of_many.values()) < 250
