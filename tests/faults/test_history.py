"""A checker that never failed proves nothing: each of these histories has one thing wrong, or none."""

from __future__ import annotations

import pytest

from tests.faults.history import Answer, Attempt, End, disorder, doubled_parks, lies, tally

YES, NO, UNCLEAR = Answer.YES, Answer.NO, Answer.UNCLEAR


def attempt(reference: str, answer: Answer = YES, customer: str = "c-1") -> Attempt:
    return Attempt(reference=reference, customer=customer, answer=answer)


def ended(state: str, causes: int | None = 0) -> End:
    return End(state=state, causes=causes)


def test_a_history_in_which_all_went_well_counts_nothing_else() -> None:
    attempts = [attempt("a"), attempt("b")]
    ends = {"a": ended("delivered"), "b": ended("delivered")}

    counted = tally(attempts, {"a": 1, "b": 1}, ends)

    assert (counted.attempted, counted.acknowledged, counted.delivered, counted.most_copies) == (2, 2, 2, 1)
    assert (counted.lost, counted.waiting, counted.duplicated, counted.unexplained) == (0, 0, 0, 0)
    assert not list(lies(attempts, {"a": 1, "b": 1}, ends))


@pytest.mark.parametrize(
    ("answer", "end", "lost"),
    [
        (YES, None, 1),
        (YES, "delivered", 1),
        (YES, "dead", 0),
        (YES, "unclear", 0),
        (YES, "waiting", 0),
        (NO, None, 0),
        (UNCLEAR, None, 0),
    ],
)
def test_an_event_is_lost_that_was_acknowledged_never_arrived_and_is_in_no_list(
    answer: Answer, end: str | None, lost: int
) -> None:
    ends = {"a": ended(end)} if end else {}

    counted = tally([attempt("a", answer)], {}, ends)

    assert counted.lost == lost


def test_what_waits_is_counted_whether_it_is_due_or_under_way() -> None:
    ends = {"a": ended("waiting"), "b": ended("in_flight"), "c": ended("dead"), "d": ended("unclear")}

    counted = tally([attempt(each) for each in "abcd"], {}, ends)

    assert (counted.waiting, counted.dead, counted.unclear) == (2, 1, 1)


def test_an_event_in_doubt_that_arrives_is_recovered() -> None:
    attempts = [attempt("a", UNCLEAR), attempt("b", UNCLEAR), attempt("c", NO)]

    counted = tally(attempts, {"a": 1}, {"a": ended("delivered")})

    assert (counted.doubtful, counted.recovered, counted.refused, counted.acknowledged) == (2, 1, 1, 0)


@pytest.mark.parametrize(("copies", "causes", "unexplained"), [(2, 1, 0), (2, 0, 1), (4, 1, 2), (1, 0, 0)])
def test_a_copy_is_unexplained_for_which_no_cause_is_on_record(
    copies: int, causes: int, unexplained: int
) -> None:
    counted = tally([attempt("a")], {"a": copies}, {"a": ended("delivered", causes)})

    assert (counted.duplicated, counted.unexplained, counted.most_copies) == (copies - 1, unexplained, copies)


def test_causes_of_one_event_explain_no_copy_of_another() -> None:
    ends = {"a": ended("delivered", 5), "b": ended("delivered", 0)}

    counted = tally([attempt("a"), attempt("b")], {"a": 1, "b": 2}, ends)

    assert counted.unexplained == 1


def test_a_copy_of_an_event_that_the_system_does_not_know_is_unexplained() -> None:
    counted = tally([attempt("a"), attempt("b")], {"a": 2}, {"b": ended("delivered")})

    assert counted.unexplained == 1


def test_a_system_that_keeps_no_causes_has_duplicates_and_nothing_unexplained() -> None:
    counted = tally([attempt("a")], {"a": 2}, {}, keeps_causes=False)

    assert (counted.duplicated, counted.unexplained) == (1, None)


def test_an_event_that_was_refused_and_arrived_is_a_lie() -> None:
    assert list(lies([attempt("a", NO)], {"a": 1}, {})) == ["a was refused, and arrived"]


def test_a_phantom_is_a_lie() -> None:
    assert list(lies([attempt("a")], {"a": 1, "x": 1}, {})) == ["x arrived, and nobody sent it"]


def test_a_delivery_that_never_happened_is_a_lie() -> None:
    complaints = list(lies([attempt("a")], {}, {"a": ended("delivered")}))

    assert complaints == ["a is said to be delivered, and never arrived"]


def test_events_of_a_customer_that_arrive_in_another_order_are_named() -> None:
    attempts = [attempt("a"), attempt("b"), attempt("c"), attempt("x", customer="c-2")]

    complaints = list(disorder(attempts, ["b", "c", "x", "a"]))

    assert complaints == [
        "b arrived before a of the same customer",
        "c arrived before a of the same customer",
    ]


def test_customers_wait_for_each_other_in_no_order() -> None:
    attempts = [attempt("a", customer="c-1"), attempt("b", customer="c-2")]

    assert not list(disorder(attempts, ["b", "a"]))


def test_a_second_copy_that_comes_late_is_no_disorder() -> None:
    attempts = [attempt("a"), attempt("b")]

    assert not list(disorder(attempts, ["a", "b", "a"]))


def test_an_event_that_never_arrived_does_not_disturb_the_order() -> None:
    attempts = [attempt("a"), attempt("b"), attempt("c")]

    assert not list(disorder(attempts, ["a", "c"]))
    assert list(disorder(attempts, ["c", "a"])) == ["c arrived before a of the same customer"]


def test_an_event_in_doubt_has_no_place_in_the_order() -> None:
    attempts = [attempt("a", UNCLEAR), attempt("b"), attempt("c")]

    assert not list(disorder(attempts, ["b", "a", "c"]))
    assert list(disorder(attempts, ["c", "a", "b"])) == ["c arrived before b of the same customer"]


def test_a_parked_event_that_arrives_twice_is_named() -> None:
    assert list(doubled_parks(["a", "b", "c"], {"a": 1, "b": 2, "other": 3})) == [
        "b was parked, and arrived 2 times"
    ]
