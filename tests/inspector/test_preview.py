"""What a redrive would earn: totals, refusals, and what nobody could tell."""

from __future__ import annotations

import json
from random import Random

import pytest

from shipper.inspector import Filter, Inspector, Preview, Previewed, Quote
from shipper.inspector.preview import preview_of
from shipper.keyring import NO_KEYS
from shipper.ledger.ledger import Ledger
from tests.inspector.story import LOST, REFUSED, Story

WORTH = {
    "gold": Quote(kind="earns", points=100),
    "coupon": Quote(kind="earns", coupons=1),
    "visit": Quote(kind="nothing"),
    "vissit": Quote(kind="refused", why="EventNotFound"),
    "new": Quote(kind="unknown", why="Gameball knows no such active customer"),
}


class Gameball:
    """Tell what an event is worth by its name, and note the order of the questions."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, body: bytes) -> Quote:
        (name,) = json.loads(body)["events"]
        self.asked.append(name)
        return WORTH[name]


def dead(story: Story, *names: str) -> list[str]:
    ids = []
    for i, name in enumerate(names):
        ids.append(story.enqueue(f"c-{i}", name))
        story.calls(REFUSED)
        story.passes(1)
    return ids


def test_every_chosen_event_is_asked_for_in_its_order_and_added_up(
    story: Story, inspector: Inspector
) -> None:
    ids = dead(story, "gold", "coupon", "gold", "visit", "vissit", "new")
    gameball, steps = Gameball(), list[int]()

    seen = inspector.letters.preview(
        inspector.letters.choose(Filter()), gameball, may_duplicate=False, told=steps.append
    )

    assert gameball.asked == ["gold", "coupon", "gold", "visit", "vissit", "new"]
    assert seen == Preview(
        account="default",
        chosen=6,
        asked=6,
        left_out=0,
        sampled=False,
        points=200,
        coupons=1,
        points_in_all=200,
        earning=3,
        nothing=1,
        refused={"EventNotFound": 1},
        unknown={"Gameball knows no such active customer": 1},
        examples=(
            Previewed(event_id=ids[3], kind="nothing", why=""),
            Previewed(event_id=ids[4], kind="refused", why="EventNotFound"),
            Previewed(event_id=ids[5], kind="unknown", why="Gameball knows no such active customer"),
        ),
    )
    assert sum(steps) == 6
    assert inspector.status().dead == 6


def test_unclear_events_are_asked_for_on_a_persons_word_alone(story: Story, inspector: Inspector) -> None:
    story.enqueue("c-9", "gold", on_unclear="park")
    story.calls(LOST)
    choice = inspector.letters.choose(Filter())

    without = inspector.letters.preview(choice, Gameball(), may_duplicate=False)
    with_ = inspector.letters.preview(choice, Gameball(), may_duplicate=True)

    assert (without.asked, without.left_out, without.points) == (0, 1, 0)
    assert (with_.asked, with_.left_out, with_.points) == (1, 0, 100)


def test_events_that_are_dead_no_more_are_left_out(story: Story, inspector: Inspector) -> None:
    ids = dead(story, "gold", "gold")
    choice = inspector.letters.choose([*ids, "nobody"])
    inspector.letters.discard(inspector.letters.choose(ids[:1]))

    seen = inspector.letters.preview(choice, Gameball(), may_duplicate=False)

    assert (seen.chosen, seen.asked, seen.left_out) == (3, 1, 2)


def test_a_sample_asks_for_so_many_and_tells_what_is_likely(
    story: Story, inspector: Inspector, ledger: Ledger
) -> None:
    dead(story, *["gold", "visit"] * 20)
    gameball = Gameball()

    seen = preview_of(
        ledger,
        inspector.letters.choose(Filter()),
        NO_KEYS,
        gameball,
        may_duplicate=False,
        sample=10,
        random=Random(7),  # noqa: S311 - a draw that can be repeated
    )

    golden = gameball.asked.count("gold")
    assert (seen.sampled, seen.asked, len(gameball.asked)) == (True, 10, 10)
    assert (seen.points, seen.points_in_all) == (100 * golden, 400 * golden)
    assert 0 < golden < 10


def test_a_sample_as_large_as_the_choice_is_no_sample(story: Story, inspector: Inspector) -> None:
    dead(story, "gold")

    seen = inspector.letters.preview(
        inspector.letters.choose(Filter()), Gameball(), may_duplicate=False, sample=1
    )

    assert (seen.sampled, seen.points_in_all) == (False, 100)


@pytest.mark.parametrize(
    ("names", "budget", "why"),
    [
        (("gold", "new"), 100, ""),
        (("gold", "gold"), 199, "it would earn 200 points, more than the budget of 199"),
        (("visit",), 0, ""),
        (("new", "new"), 10**6, "Gameball could not tell what any of these events would earn"),
    ],
    ids=["it fits", "it does not", "nothing fits into nothing", "nobody knows"],
)
def test_a_budget_holds_what_would_be_earned(
    names: tuple[str, ...], budget: int, why: str, story: Story, inspector: Inspector
) -> None:
    dead(story, *names)

    seen = inspector.letters.preview(inspector.letters.choose(Filter()), Gameball(), may_duplicate=False)

    assert seen.over(budget) == why


def test_a_budget_is_not_kept_where_none_of_the_sample_would_be_sent(
    story: Story, inspector: Inspector
) -> None:
    for i in range(9):
        story.enqueue(f"u-{i}", "visit", on_unclear="park")
    story.calls(LOST)
    story.passes(1)
    dead(story, "gold")
    choice = inspector.letters.choose(Filter(unclear=True))
    gameball = Gameball()

    seen = inspector.letters.preview(choice, gameball, may_duplicate=False, sample=2)
    whole = inspector.letters.preview(choice, gameball, may_duplicate=False)

    assert (seen.asked, seen.left_out, gameball.asked) == (0, 2, [])
    assert seen.over(10) == "none of the sample would be sent, so what the others would earn is not known"
    assert whole.over(10) == ""


def test_an_event_that_cannot_be_read_here_is_unknown(
    story: Story, inspector: Inspector, ledger: Ledger
) -> None:
    (event_id,) = dead(story, "gold")
    stored = ledger.ask("HGET", "{shipper:default}:rec", event_id)
    ledger.ask("HSET", "{shipper:default}:rec", event_id, stored.partition(b"\0")[0] + b"\0{not JSON")

    seen = inspector.letters.preview(inspector.letters.choose(Filter()), Gameball(), may_duplicate=False)

    assert seen.unknown == {"it cannot be read here": 1}
