"""Delivery: how fast events that wait arrive, on three tracks.

Every contestant delivers the same events from the same Redis to the same far end. They take turns,
round after round; one that does not finish is told so in its row.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from benchmarks.contestants import ALL, LIMIT, OURS, QUICK, WELL, WIDE, Contestant
from benchmarks.finding import NOTHING, Bar, Finding, Goal, Plot, Spread, Table, spread_of
from benchmarks.part import Effort, Part
from benchmarks.race import Result, Track, race
from benchmarks.text import figure

SHORT: Final = 0.05
"""Part of a track that a quick run takes."""
HEADER: Final = (
    "",
    "x Celery done well",
    "spread",
    "events/s",
    "events a call",
    "in flight (of)",
    "cores: workers, Redis, far end",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A track with what is asked of this project on it."""

    name: str
    title: str
    track: Track
    least: float
    """At least so many times Celery done well."""
    least_of_limit: float = 0
    """At least so much of the bare libcurl loop; 0: not asked."""
    ours: Contestant = OURS
    """Who has to reach it."""
    field: tuple[Contestant, ...] = ALL
    note: str = ""


PLAIN: Final = Course(
    name="delivery",
    title="Delivery, nothing to coalesce",
    track=Track(events=40_000),
    least=15,
    least_of_limit=0.35,
    ours=WIDE,
    note="A worker keeps 32 calls in flight unless it is told otherwise: enough for Gameball's quota.",
)
FIVE: Final = Course(
    name="delivery-five",
    title="Delivery, five different events a customer",
    track=Track(events=40_000, per_customer=5),
    least=40,
    ours=WIDE,
    field=(OURS, LIMIT, WELL, QUICK),
    note="Nobody else merges events, so the others deliver as many a second as on the first track.",
)
LATENCY: Final = Course(
    name="delivery-latency",
    title="Delivery, 100 ms of latency at the far end",
    track=Track(events=12_000, latency_ms=100),
    least=4,
    ours=WIDE,
)


def main(course: Course, effort: Effort) -> Finding:
    """Race everybody on one course."""
    track = replace(
        course.track, events=effort.scaled(course.track.events, round(course.track.events * SHORT))
    )
    found: dict[Contestant, list[Result]] = {}
    fell: dict[str, str] = {}
    for number in range(effort.rounds):
        for each in dict.fromkeys((course.ours, *course.field)):
            effort.say(f"{course.name}, round {number + 1}: {each.name}")
            try:
                result = race(each, track)
            except (TimeoutError, subprocess.CalledProcessError) as error:
                fell[each.name] = str(error).partition("\n")[0]
            else:
                found.setdefault(each, []).append(result)
    rates = {
        each.name: spread_of([one.events_per_second for one in rounds]) for each, rounds in found.items()
    }
    base = rates[WELL.name].middle
    rows = [_row(each, rounds, rates[each.name], base) for each, rounds in found.items()]
    rows += [
        (name, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, f"did not finish: {why}")
        for name, why in fell.items()
    ]
    table = Table(title=course.title, header=HEADER, rows=tuple(rows), note=course.note)
    bars = tuple(
        Bar(label=name, spread=_over(rate, base), ours=name in {OURS.name, WIDE.name})
        for name, rate in rates.items()
    )
    plot = Plot(name=course.name, title=course.title, unit="x Celery done well", bars=bars)
    return Finding(tables=(table,), goals=tuple(_goals(course, rates, found)), plots=(plot,))


def _row(contestant: Contestant, rounds: Sequence[Result], rate: Spread, base: float) -> tuple[str, ...]:
    most = max(one.most_in_flight for one in rounds)
    cores = [spread_of([one.cpu[part] for one in rounds]).middle for part in rounds[0].cpu]
    return (
        contestant.name,
        figure(rate.middle / base),
        f"{rate.width:.0%}",
        figure(round(rate.middle)),
        figure(rounds[0].events / rounds[0].calls),
        f"{most} ({contestant.slots})" if most > 1 else NOTHING,
        ", ".join(f"{share:.2f}" for share in cores),
    )


def _over(rate: Spread, base: float) -> Spread:
    return Spread(low=rate.low / base, middle=rate.middle / base, high=rate.high / base)


def _goals(course: Course, rates: dict[str, Spread], found: dict[Contestant, list[Result]]) -> list[Goal]:
    ours, base, limit = (rates[each.name].middle for each in (course.ours, WELL, LIMIT))
    goals = [Goal(name=course.title, sign="≥", limit=course.least, found=ours / base, unit=" x")]
    if course.least_of_limit:
        part = f"{course.title}: part of the bare libcurl loop"
        goals.append(
            Goal(name=part, sign="≥", limit=100 * course.least_of_limit, found=100 * ours / limit, unit=" %")
        )
    if course.track.latency_ms:
        most = max(one.most_in_flight for one in found[course.ours])
        goals.append(
            Goal(name="Calls in flight of those asked for", sign="≥", limit=course.ours.slots, found=most)
        )
    return goals


_ABOUT: Final = (
    "Events of about 300 bytes wait in the queue; two worker processes start; the first tenth is not timed,"
    " the rest until all are there or five seconds are over. "
    "Two cores are shared by workers, Redis and far end: the last column says how much of a core each took. "
    "Streaq is left out: it needs a package that has no wheel."
)
PARTS: Final = tuple(
    Part(name=course.name, title=course.title, about=_ABOUT, minutes=minutes, main=partial(main, course))
    for course, minutes in ((PLAIN, 6), (FIVE, 2), (LATENCY, 6))
)
