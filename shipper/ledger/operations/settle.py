"""Settle: write down what became of calls."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shipper.ledger.operations.operation import Argument, Operation, time_or_now, words
from shipper.outcome import Dead, Delivered, Free, Outcome, Retry, Solo, Unclear, Verdict
from shipper.refusal import NO_FIELD, NO_KIND
from shipper.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledEvent:
    """The outcome of one event of a call; `line` is the attempt for its history, empty for none.

    What the answer said, for a dead letter: its code, the field that it names, and its kind.
    """

    event_id: str
    outcome: Outcome
    code: int | None = None
    field: str = NO_FIELD
    kind: str = NO_KIND
    line: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledCall:
    """A call that came to its end. `hold_ms` is how long a throttled account rests."""

    lane: str
    token: str
    verdict: Verdict
    events: tuple[SettledEvent, ...]
    hold_ms: int = 0


def settle(
    calls: Iterable[SettledCall], settings: Settings, *, now: int | None = None
) -> Operation[list[str]]:
    """Write outcomes down; the reply has a word for each event: ok, adopted, already, stale, gone."""
    args: list[Argument] = [time_or_now(now), settings.pause_step_ms, settings.pause_max_ms]
    args += [settings.breaker_calls, settings.breaker_window_ms, settings.refusal_burst]
    for call in calls:
        args += [call.lane, call.token, call.verdict.value, call.hold_ms, len(call.events)]
        for event in call.events:
            letter, argument = _write_outcome(event)
            args += [event.event_id, letter, argument, event.line]
    return Operation("settle", tuple(args), words)


def _write_outcome(event: SettledEvent) -> tuple[str, Argument]:
    code = event.code if event.code is not None else "-"
    match event.outcome:
        case Delivered():
            return "D", 0
        case Retry(delay_ms=delay, vague=vague, solo=solo):
            return "R" + "v" * vague + "s" * solo, delay
        case Free(delay_ms=delay):
            return "F", delay
        case Solo():
            return "S", 0
        case Dead(reason=reason):
            return "X", f"{reason.value} {code} {event.field} {event.kind}"
        case Unclear():
            return "U", f"unclear {code} {event.field} {event.kind}"
