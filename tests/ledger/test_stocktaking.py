"""What is kept of the dead letters is compared with them, and made to agree again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from redis import Redis

from shipper.ledger import operations as ask
from shipper.ledger import stocktaking
from shipper.ledger.audit import Finding, audit, mend_all
from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Operation
from tests.ledger.book import Book, put, read
from tests.ledger.builders import NOW, dead, event, unclear, waiting

GROUP = "refused 3009 order total"
LETTERS = (
    dead("ann", "E1", refused="total", kind="inactive", names=("order",))
    + dead("ann", "E2", refused="total", kind="inactive", names=("order",), at=NOW + 1)
    + dead("bob", "E3", refused="total", kind="inactive", names=("order", "visit"), at=NOW + 2)
    + unclear("cat", "E4", at=NOW + 3)
    + waiting("dan", "E5")
)
"""Three letters of two customers in one group, one of them in another too, an unclear one, one that waits."""
WHOLE = LETTERS.but(
    groups={GROUP: 3, "refused 3009 visit total": 1, "unclear - name-E4 -": 1},
    people={
        GROUP: 2,
        f"{GROUP}\0ann": 2,
        f"{GROUP}\0bob": 1,
        "refused 3009 visit total": 1,
        "refused 3009 visit total\0bob": 1,
        "unclear - name-E4 -": 1,
        "unclear - name-E4 -\0cat": 1,
    },
    fields={"total": 3},
    kinds={"inactive": 3},
)


def member(index: str, event_id: str, at: int) -> str:
    return f"{index}\0{at:013}\0{event_id}"


def without(field: str, **changes: Any) -> Book:
    """The ledger without a field of one of its counts, or with another number there."""
    ((name, value),) = changes.items()
    kept = {key: count for key, count in getattr(WHOLE, name).items() if key != field}
    return WHOLE.but(**{name: kept if value is None else {**kept, field: value}})


def told(*found: tuple[str, str]) -> tuple[Finding, ...]:
    return tuple(Finding(place=place, problem=problem) for place, problem in found)


DAMAGES: dict[str, tuple[Book, tuple[Finding, ...]]] = {
    f"a letter is missing in {kind}": (
        WHOLE.but(dx=WHOLE.dx - {member(index, "E1", NOW)}),
        told(("letters E1", f"is missing in {index}"), *more),
    )
    for kind, index, more in (
        ("its reason", "rrefused", ()),
        ("its code", "c3009", ()),
        ("its customer", "lann", ((f"people {GROUP} ann", "counts 2 letters, not 1"),)),
        ("its name", "norder", ()),
        ("its refused field", "ftotal", (("fields total", "counts 3 letters, not 2"),)),
        ("its kind of answer", "kinactive", (("kinds inactive", "counts 3 letters, not 2"),)),
        (
            "its group",
            f"g{GROUP}",
            (
                (f"groups {GROUP}", "counts 3 letters, not 2"),
                (f"people {GROUP} ann", "counts 2 letters, not 1"),
            ),
        ),
    )
} | {
    "a letter is where it does not belong": (
        WHOLE.but(dx=WHOLE.dx | {member("rspent", "E1", NOW)}),
        told((f"index rspent {NOW:013} E1", "is of no such letter")),
    ),
    "it is there at another time": (
        WHOLE.but(dx=WHOLE.dx | {member("rrefused", "E1", NOW + 9)}),
        told((f"index rrefused {NOW + 9:013} E1", "is of no such letter")),
    ),
    "an event that waits is in an index": (
        WHOLE.but(dx=WHOLE.dx | {member("rrefused", "E5", NOW)}),
        told((f"index rrefused {NOW:013} E5", "is of no such letter")),
    ),
    "what is no entry is in the index": (
        WHOLE.but(dx=WHOLE.dx | {"boom"}),
        told(("index boom", "is of no such letter")),
    ),
    "a group counts too many": (
        without(GROUP, groups=7),
        told((f"groups {GROUP}", "counts 7 letters, not 3")),
    ),
    "a group is not counted": (
        without(GROUP, groups=None),
        told(*((f"letters E{i}", f"is missing in groups {GROUP}") for i in (1, 2, 3))),
    ),
    "a group without letters is counted": (
        without("spent 500 order -", groups=1),
        told(("groups spent 500 order -", "counts 1 letters, not 0")),
    ),
    "a group counts too many customers": (
        without(GROUP, people=3),
        told((f"people {GROUP}", "counts 3, not 2")),
    ),
    "a group does not count its customers": (
        without(GROUP, people=None),
        told(
            *((f"letters E{i}", f"is missing in people {GROUP}") for i in (1, 2, 3)),
            (f"people {GROUP}", "counts 0, not 2"),
        ),
    ),
    "customers of a group without letters are counted": (
        without("spent 500 order -", people=2),
        told(("people spent 500 order -", "counts 2 customers, not 0")),
    ),
    "a customer counts too many letters": (
        without(f"{GROUP}\0ann", people=9),
        told((f"people {GROUP} ann", "counts 9 letters, not 2")),
    ),
    "a customer is not counted": (
        without(f"{GROUP}\0ann", people=None),
        told(*((f"letters E{i}", f"is missing in people {GROUP} ann") for i in (1, 2))),
    ),
    "a customer without letters is counted": (
        without(f"{GROUP}\0dan", people=1),
        told((f"people {GROUP} dan", "counts 1 letters, not 0")),
    ),
    "a refused field counts too many": (
        without("total", fields=5),
        told(("fields total", "counts 5 letters, not 3")),
    ),
    "a refused field is not counted": (
        without("total", fields=None),
        told(*((f"letters E{i}", "is missing in fields total") for i in (1, 2, 3))),
    ),
    "a kind of answer counts too few": (
        without("inactive", kinds=1),
        told(("kinds inactive", "counts 1 letters, not 3")),
    ),
    "a kind of answer that no letter has is counted": (
        without("odd", kinds=1),
        told(("kinds odd", "counts 1 letters, not 0")),
    ),
}


@pytest.mark.parametrize(("damaged", "expected"), DAMAGES.values(), ids=DAMAGES.keys())
def test_an_audit_names_what_does_not_agree_and_a_mend_puts_it_right(
    damaged: Book, expected: tuple[Finding, ...], ledger: Ledger, redis: Redis
) -> None:
    put(redis, damaged)

    found = audit(ledger).findings
    mending = mend_all(ledger)

    assert sorted(found, key=str) == sorted(expected, key=str)
    assert (mending.indices > 0, mending.left, mending.counters) == (True, [], {})
    assert read(redis) == WHOLE
    assert audit(ledger).sound


def test_a_sound_ledger_is_left_as_it_is(ledger: Ledger, redis: Redis) -> None:
    put(redis, WHOLE)

    sound, mending = audit(ledger).sound, mend_all(ledger)

    assert (sound, mending.indices) == (True, 0)
    assert read(redis) == WHOLE


def test_a_letter_without_a_record_is_lost_and_leaves_nothing_behind(ledger: Ledger, redis: Redis) -> None:
    put(redis, WHOLE)
    redis.hdel(key_of("default", "rec"), "E4")

    found = audit(ledger).findings
    mending = mend_all(ledger)

    assert Finding(place="letters E4", problem="has no record") in found
    assert mending.counters == {"unclear": (1, 0), "bytes": (5000, 4000)}
    after = read(redis)
    assert (after.uncl, after.n["lost"], "E4" in str(after)) == ({}, 1, False)
    assert [finding.problem for finding in audit(ledger).findings] == [
        "1 events were in a lane without a record"
    ]


def test_a_ledger_whose_indices_are_lost_gets_them_back(ledger: Ledger, redis: Redis) -> None:
    put(redis, WHOLE)
    redis.delete(*(key_of("default", name) for name in ("dx", "groups", "people", "fields", "kinds")))

    unsound = not audit(ledger).sound
    mend_all(ledger)

    assert unsound
    assert read(redis) == WHOLE


def test_a_customer_with_very_many_letters_is_counted_in_steps(ledger: Ledger, redis: Redis) -> None:
    many = dead("ann", "E0")
    for i in range(1, 620):
        many += dead("ann", f"E{i}", at=NOW + i, names=("name-E0",))
    group = "refused 3009 name-E0 -"
    whole = many.but(groups={group: 620}, people={group: 1, f"{group}\0ann": 620})
    put(redis, whole.but(people={group: 1, f"{group}\0ann": 600}))

    found = audit(ledger).findings
    mend_all(ledger)

    assert found == told((f"people {group} ann", "counts 600, not 620"))
    assert read(redis) == whole


def test_of_very_many_wrongs_the_first_hundred_are_named(ledger: Ledger, redis: Redis) -> None:
    strays = frozenset(member("rspent", f"X{i:03}", NOW) for i in range(130))
    put(redis, WHOLE.but(dx=WHOLE.dx | strays))

    found = audit(ledger).findings

    assert len(found) == 101
    assert found[-1] == Finding(place="index", problem="and 30 more")


def _while_walked(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object], *, times: int) -> None:
    """Let something happen each time that the customers of a group are counted."""
    left = [change] * times

    def lanes(ids: Sequence[str]) -> Operation[list[str]]:
        if left:
            left.pop()()
        return ask.letter_lanes(ids)

    monkeypatch.setattr(stocktaking, "letter_lanes", lanes)


def test_what_comes_and_goes_meanwhile_is_no_finding(
    ledger: Ledger, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(redis, WHOLE)
    _while_walked(monkeypatch, lambda: ledger.run(ask.discard(["E3"])), times=1)

    seen = audit(ledger)

    assert (seen.findings, seen.moved) == ((), 0)


def test_a_count_that_never_stands_still_is_told_and_not_judged(
    ledger: Ledger, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(redis, dead("ann", "E1", names=("order",)).but(people={}))
    news = iter(range(10, 90))

    def another() -> None:
        i = next(news)
        redis.zadd(key_of("default", "dx"), {member("grefused 3009 order -", f"E{i}", NOW + i): 0})

    _while_walked(monkeypatch, another, times=50)
    mending = mend_all(ledger)

    assert [finding.problem for finding in mending.left] == [
        "1 count(s) of customers changed as often as they were counted: mend again"
    ]


def test_a_letter_that_left_since_somebody_looked_for_it_is_no_finding(ledger: Ledger, redis: Redis) -> None:
    put(redis, waiting("ann", "E1"))

    words = ledger.run(ask.audit_letters("letters", ["E1", "E2"], now=NOW))
    gone = ledger.run(ask.audit_letters("index", [member("rspent", "E1", NOW)], now=NOW))
    uncounted = ledger.run(ask.audit_letters("people", [GROUP, f"{GROUP}\0ann"], now=NOW))

    assert (words, gone, uncounted) == (["", ""], [""], ["", ""])
    assert read(redis) == waiting("ann", "E1")


def test_a_count_is_corrected_only_if_nothing_came_or_went(ledger: Ledger, redis: Redis) -> None:
    put(redis, WHOLE.but(people={**WHOLE.people, GROUP: 5}))
    newest = member(f"g{GROUP}", "E3", NOW + 2)
    before = ask.Walked(field=GROUP, index=f"g{GROUP}", entries=3, newest=newest, counted="4")

    late = ledger.run(ask.mend_people(before, 2))
    done = ledger.run(
        ask.mend_people(ask.Walked(field=GROUP, index=f"g{GROUP}", entries=3, newest=newest, counted="5"), 2)
    )

    assert (late, done) == (False, True)
    assert read(redis) == WHOLE


def test_letters_know_their_customers(ledger: Ledger, redis: Redis) -> None:
    put(redis, WHOLE.but(rec={**WHOLE.rec, "E9": event("E9", "eve")}))

    assert ledger.run(ask.letter_lanes(["E1", "E3", "gone", "E9"])) == ["ann", "bob", "", "eve"]
