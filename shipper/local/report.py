"""Report: what a demo says at its end, in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shipper.local.sums import Evidence, adds_up
from shipper.outcome import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Figures that stand for themselves, and what does not add up."""

    accepted: int
    delivered: int
    dead: int
    dead_by_reason: Mapping[str, int]
    """`reason code` → how many, the most first."""
    unclear: int
    lost: int
    calls: int
    events_per_call: float
    retried: int
    duplicates: int
    causes: int
    """On record: what licenses a second POST."""
    crashed: int
    """Of these: events that were under way in a worker that died."""
    hooks: int
    hooks_told: int
    points: int
    points_of_duplicates: int
    busiest_second: int
    pace_per_second: int
    answers: Mapping[str, int]
    """What the sandbox answered: status, or how it ended the connection → how often."""
    worker_killed: str
    calls_cut_off: int
    """Calls that were under way in it."""
    took_ms: int
    problems: tuple[str, ...]


def report_of(
    evidence: Evidence,
    *,
    stats: Mapping[str, Any],
    pace_per_second: int,
    worker_killed: str,
    calls_cut_off: int,
    took_ms: int,
) -> Report:
    """Count what the witnesses say."""
    states = Counter(ended.state for ended in evidence.ended.values())
    dead = Counter(
        f"{ended.reason} {ended.code or ''}".strip()
        for ended in evidence.ended.values()
        if ended.state is State.DEAD
    )
    hooked = [each for each in evidence.shipped if each.done.deed.hooked]
    calls, sent = evidence.counters.get("calls", 0), evidence.counters.get("events_sent", 0)
    points, extra = _points(evidence)
    return Report(
        accepted=len(evidence.shipped),
        delivered=states[State.DELIVERED],
        dead=states[State.DEAD],
        dead_by_reason=dict(dead.most_common()),
        unclear=states[State.UNCLEAR],
        lost=len(evidence.shipped) - sum(states[state] for state in State),
        calls=calls,
        events_per_call=round(sent / calls, 2) if calls else 0.0,
        retried=evidence.counters.get("retried", 0),
        duplicates=evidence.duplicates,
        causes=evidence.counters.get("causes", 0),
        crashed=evidence.counters.get("crashed", 0),
        hooks=len(hooked),
        hooks_told=sum(1 for each in hooked if evidence.told.get(each.event_id)),
        points=points,
        points_of_duplicates=extra,
        busiest_second=int(stats["max_per_second"]),
        pace_per_second=pace_per_second,
        answers=dict(stats["by_status"]),
        worker_killed=worker_killed,
        calls_cut_off=calls_cut_off,
        took_ms=took_ms,
        problems=tuple(adds_up(evidence)),
    )


def _points(evidence: Evidence) -> tuple[int, int]:
    """Return the points that Gameball gave, and how many of them for duplicates."""
    worth = {each.done.reference: each.done.points for each in evidence.shipped}
    extra = sum((count - 1) * worth.get(reference, 0) for reference, count in evidence.copies_of.items())
    return sum(evidence.balances.values()), extra
