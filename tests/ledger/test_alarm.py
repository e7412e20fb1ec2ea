"""Alarms: each passing of a mark is told once, whoever looks, and leaves one job for the hooks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import pytest
from redis import Redis

from shipper.alarm import passed
from shipper.ledger import operations as ask
from shipper.ledger.alarms import AlarmChange, RaisedAlarm, look_for_alarms, raised_alarms
from shipper.ledger.ledger import Ledger
from tests.ledger.book import Book, put, read
from tests.ledger.builders import HOUR, NOW, SECOND, dead, settings_of, unclear, waiting
from tests.ledger.table import Row, table

MINUTE: Final = 60 * SECOND
NO_MARKS: Final[Mapping[str, int]] = MappingProxyType({})
PAUSED: Final[dict[Any, Any]] = {"why": "operator", "until": str(NOW + HOUR), "step": "1000", "need": "1"}


def look(value: int, *, at: int = NOW, held: bool = False, mark: int = 10) -> ask.Operation[dict[str, bool]]:
    values, marks = {"dead": value}, {"dead": mark}
    return ask.alarm(values, marks, passed(values, marks), held=held, seen_at=at, now=at)


def job(raised: bool, value: int, at: int = NOW, mark: int = 10) -> dict[str, Any]:
    line = json.dumps({"name": "dead", "raised": raised, "value": value, "mark": mark}, separators=(",", ":"))
    told = f"alarm 0 {at}\n{line}\n".encode()
    return {"hooks": {f"alarm-dead-{at}:0": at}, "hj": {f"alarm-dead-{at}:0": told}, "bell": ("1",)}


RAISED = {"at": str(NOW), "dead": f"{NOW} 12 10"}

LOOKS = {
    "a number below its mark raises nothing": Row(
        call=look(9), answer={}, after=Book(alarms={"at": str(NOW)})
    ),
    "a number at its mark raises the alarm": Row(
        call=look(10),
        answer={"dead": True},
        after=Book(alarms={"at": str(NOW), "dead": f"{NOW} 10 10"}, **job(True, 10)),
    ),
    "an alarm that is raised is not raised again": Row(
        before=Book(alarms=RAISED),
        call=look(99, at=NOW + 1),
        answer={},
        after=Book(alarms={**RAISED, "at": str(NOW + 1)}),
    ),
    "a number that fell below its mark clears it": Row(
        before=Book(alarms=RAISED),
        call=look(9, at=NOW + 1),
        answer={"dead": False},
        after=Book(alarms={"at": str(NOW + 1)}, **job(False, 9, NOW + 1)),
    ),
    "a mark that was taken away clears it": Row(
        before=Book(alarms=RAISED),
        call=look(99, at=NOW + 1, mark=0),
        answer={"dead": False},
        after=Book(alarms={"at": str(NOW + 1)}, **job(False, 99, NOW + 1, 0)),
    ),
    "a look at older numbers changes nothing": Row(
        before=Book(alarms=RAISED), call=look(9, at=NOW), answer={}, after=Book(alarms=RAISED)
    ),
    "a look from before the clock stepped back holds up none after it": Row(
        before=Book(alarms={"at": str(NOW + MINUTE + 1)}),
        call=look(10),
        answer={"dead": True},
        after=Book(alarms={"at": str(NOW), "dead": f"{NOW} 10 10"}, **job(True, 10)),
    ),
    "a look that was quicker may be a little ahead": Row(
        before=Book(alarms={"at": str(NOW + MINUTE)}),
        call=look(10),
        answer={},
        after=Book(alarms={"at": str(NOW + MINUTE)}),
    ),
    "nor is a pause remembered from there": Row(
        before=Book(alarms={"at": "5", "held": str(NOW + MINUTE + 1)}),
        call=look(0, held=True),
        answer={},
        after=Book(alarms={"at": str(NOW), "held": str(NOW)}),
    ),
    "a pause is remembered from the first look that met it": Row(
        before=Book(alarms={"at": "5", "held": "5"}),
        call=look(0, held=True),
        answer={},
        after=Book(alarms={"at": str(NOW), "held": "5"}),
    ),
    "and forgotten when it is over": Row(
        before=Book(alarms={"at": "5", "held": "5"}),
        call=look(0),
        answer={},
        after=Book(alarms={"at": str(NOW)}),
    ),
}


@table(LOOKS)
def test_look(row: Row, ledger: Ledger, redis: Redis) -> None:
    put(redis, row.before)

    answer = ledger.run(row.call)

    assert answer == row.answer
    assert read(redis) == row.after


@pytest.mark.parametrize(
    ("book", "marks", "value"),
    [
        (dead("ann", "E1"), {"alarm_dead": 1}, 1),
        (unclear("ann", "E1"), {"alarm_unclear": 1}, 1),
        (
            waiting("ann", "E1", due=NOW - 9 * SECOND),
            {"alarm_oldest_due_ms": 9 * SECOND},
            9 * SECOND,
        ),
        (
            Book(gate=PAUSED, alarms={"at": "1", "held": str(NOW - 5)}),
            {"alarm_pause_ms": 5},
            5,
        ),
    ],
    ids=["dead letters", "unclear events", "the oldest due event", "a pause"],
)
def test_each_mark_has_its_number(
    book: Book, marks: dict[str, int], value: int, ledger: Ledger, redis: Redis
) -> None:
    put(redis, book)

    changed = look_for_alarms(ledger, settings_of(**marks), now=NOW)

    ((setting, mark),) = marks.items()
    name = setting.removeprefix("alarm_")
    assert changed == (AlarmChange(name=name, raised=True, value=value, mark=mark),)
    assert raised_alarms(ledger) == (RaisedAlarm(name=name, raised_at=NOW, value=value, mark=mark),)


def test_of_several_workers_that_look_one_tells(ledger: Ledger, redis: Redis) -> None:
    put(redis, dead("ann", "E1"))
    settings = settings_of(alarm_dead=1)

    told = [look_for_alarms(ledger, settings, now=NOW + ms) for ms in (0, 0, 1, 2)]

    assert [len(each) for each in told] == [1, 0, 0, 0]


def test_a_pause_that_ended_between_two_looks_begins_anew(ledger: Ledger, redis: Redis) -> None:
    settings = settings_of(alarm_pause_ms=10 * SECOND)
    put(redis, Book(gate=PAUSED))
    look_for_alarms(ledger, settings, now=NOW)
    redis.delete("{shipper:default}:gate")
    look_for_alarms(ledger, settings, now=NOW + 5 * SECOND)
    redis.hset("{shipper:default}:gate", mapping=PAUSED)

    looks = [look_for_alarms(ledger, settings, now=NOW + s * SECOND) for s in (10, 19, 20)]

    assert [len(each) for each in looks] == [0, 0, 1]


ENDED: Final = {**PAUSED, "until": str(NOW - 1)}
HOLDS: Final = {
    "its time is not over": (Book(gate=PAUSED), True),
    "its time is over and nothing is due": (Book(gate=ENDED) + waiting("ann", "E1", due=NOW + 1), False),
    "its time is over and events wait for its probe": (
        Book(gate=ENDED) + waiting("ann", "E1", due=NOW),
        True,
    ),
    "its probe is under way": (Book(gate={**ENDED, "probe": "t1", "pend": str(NOW + 1)}), True),
}


@pytest.mark.parametrize(("book", "lasts"), HOLDS.values(), ids=HOLDS.keys())
def test_a_pause_lasts_while_anything_waits_for_it(
    book: Book, lasts: bool, ledger: Ledger, redis: Redis
) -> None:
    put(redis, book.but(alarms={"at": "1", "held": "1"}))

    look_for_alarms(ledger, settings_of(alarm_pause_ms=SECOND), now=NOW)

    assert [alarm.name for alarm in raised_alarms(ledger)] == (["pause_ms"] if lasts else [])
    assert ("held" in read(redis).alarms) is lasts


def test_without_marks_nothing_is_raised(ledger: Ledger, redis: Redis) -> None:
    put(redis, dead("ann", "E1"))

    assert look_for_alarms(ledger, settings_of(), now=NOW) == ()


def test_what_somebody_wrote_by_hand_is_shown_as_nothing_in_particular(ledger: Ledger, redis: Redis) -> None:
    put(redis, Book(alarms={"dead": "x"}))

    assert raised_alarms(ledger) == (RaisedAlarm(name="dead", raised_at=0, value=0, mark=0),)
