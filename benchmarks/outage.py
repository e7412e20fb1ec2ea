"""Outage: an hour of it, simulated: the real scripts on a real server, their clock moved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from benchmarks.drain import Drained, drain
from benchmarks.finding import NOTHING, Finding, Goal, Spread, Table, spread_of
from benchmarks.own_redis import own_redis
from benchmarks.part import Effort, Part
from benchmarks.text import figure

A_SECOND: Final = 30
HOUR_S: Final = 3600
MOST_MINUTES: Final = 45
SHOP: Final = (
    "Thirty events a second of a believable shop: nine names, customers by Zipf's law, six each on average."
)
"""What happens in an outage, for the page."""


def main(effort: Effort) -> Finding:
    """Let an hour's events wait, then drain them while thirty a second go on."""
    outage_s = effort.scaled(HOUR_S, HOUR_S // 20)
    rounds = []
    for number in range(effort.rounds):
        effort.say(f"outage, simulated, round {number + 1}")
        with own_redis() as url:
            rounds.append(drain(url, outage_s=outage_s, a_second=A_SECOND, seed=number))
    return _simulated(rounds, outage_s)


def _simulated(rounds: Sequence[Drained], outage_s: int) -> Finding:
    minutes, a_call = (
        spread_of([one.took_s / 60 for one in rounds]),
        spread_of([one.events / one.calls for one in rounds]),
    )
    rows = (
        ("events that waited at its end", f"{outage_s * A_SECOND:,}", NOTHING),
        ("minutes until the last of them was delivered", *figures(minutes)),
        ("events a call meanwhile", *figures(a_call)),
        ("calls a second meanwhile", *figures(spread_of([one.calls / one.took_s for one in rounds]))),
    )
    most = MOST_MINUTES * outage_s / HOUR_S
    goal = Goal(
        name="An hour's outage drains within", sign="≤", limit=most, found=minutes.middle, unit=" min"
    )
    table = Table(
        title=f"An outage of {outage_s / 60:g} minutes, simulated", header=("", "found", "spread"), rows=rows
    )
    return Finding(tables=(table,), goals=(goal,))


def figures(found: Spread) -> tuple[str, str]:
    """Return a median and its spread as cells."""
    return figure(found.middle), f"{found.width:.0%}"


PART: Final = Part(
    name="outage-hour",
    title="An hour's outage, simulated",
    about=f"{SHOP} They wait for an hour; then 64 slots drain them at Gameball's pace while the thirty a"
    " second go on, which takes 1.75 events a call to be done in 45 minutes. The scripts are real,"
    " and so is the server; their clock is moved.",
    minutes=15,
    main=main,
)
