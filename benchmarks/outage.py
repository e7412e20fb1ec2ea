"""Outage: an hour of it, simulated: the real scripts on a real server, their clock moved."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Final

from benchmarks.drain import HOUR_S, LONGEST, Drained, drain
from benchmarks.finding import NOTHING, Finding, Goal, Spread, Table, spread_of
from benchmarks.mix import MIXES, SHOP, Mix
from benchmarks.own_redis import own_redis
from benchmarks.part import Effort, Part
from benchmarks.text import figure

A_SECOND: Final = 30
MOST_MINUTES: Final = 45
THE_SHOP: Final = (
    "Thirty events a second of a believable shop: nine names, 36,000 customers by Zipf's law, three events"
    " an hour each."
)
"""What happens in an outage, for the page."""


def main(effort: Effort) -> Finding:
    """Let an hour's events wait, then drain them while thirty a second go on; one mix after another."""
    outage_s = effort.scaled(HOUR_S, HOUR_S // 20)
    found = {SHOP: [_drained(effort, SHOP, outage_s, seed) for seed in range(effort.rounds)]}
    for mix in MIXES if not effort.quick else ():
        found.setdefault(mix, [_drained(effort, mix, outage_s, 0)] if mix is not SHOP else [])
    shop, most = found[SHOP], MOST_MINUTES * outage_s / HOUR_S
    old, calm = spread_of([one.took_s / 60 for one in shop]), spread_of([_calm_minutes(one) for one in shop])
    goals = (
        Goal(
            name="An hour's outage: its events are delivered within",
            sign="≤",
            limit=most,
            found=old.middle,
            unit=" min",
        ),
        Goal(
            name="and nothing waits any more within",
            sign="≤",
            limit=most,
            found=min(calm.middle, LONGEST * outage_s / 60),
            unit=" min",
        ),
    )
    header = (
        "",
        "events a call",
        "its events delivered, min",
        "nothing waits, min",
        "spread",
        "why this mix",
    )
    table = Table(
        title=f"An outage of {outage_s / 60:g} minutes, {outage_s * A_SECOND:,} events, simulated",
        header=header,
        rows=tuple(_row(mix, rounds) for mix, rounds in found.items()),
        note="*Nothing waits*: none of those either that went on happening meanwhile. A dash:"
        " not within three times the outage.",
    )
    return Finding(tables=(table,), goals=goals)


def _drained(effort: Effort, mix: Mix, outage_s: int, seed: int) -> Drained:
    effort.say(f"outage, simulated: {mix.name}, seed {seed}")
    with own_redis() as url:
        return drain(url, mix, outage_s=outage_s, a_second=A_SECOND, seed=seed)


def _calm_minutes(one: Drained) -> float:
    return inf if one.calm_s is None else one.calm_s / 60


def _row(mix: Mix, rounds: Sequence[Drained]) -> tuple[str, ...]:
    a_call, old, calm = (
        spread_of([of(one) for one in rounds])
        for of in (lambda one: one.events / one.calls, lambda one: one.took_s / 60, _calm_minutes)
    )
    waits = NOTHING if calm.middle == inf else figure(calm.middle)
    return (mix.name, figure(a_call.middle), figure(old.middle), waits, f"{old.width:.0%}", mix.why)


def figures(found: Spread) -> tuple[str, str]:
    """Return a median and its spread as cells."""
    return figure(found.middle), f"{found.width:.0%}"


PART: Final = Part(
    name="outage-hour",
    title="An hour's outage, simulated",
    about=f"{THE_SHOP} They wait for an hour; then 64 slots drain them at Gameball's pace while the"
    " thirty a second go on. For nothing to wait after 45 minutes it takes 1.75 events a call. The scripts"
    " are real, and so is the server; their clock is moved.",
    minutes=5,
    rounds=2,
    main=main,
)
