"""Decide what becomes of each event of a call, once the answer is judged.

An event is declared dead only by a call in which it travelled alone: what condemns a merged call makes its
events travel alone first.
"""

from __future__ import annotations

import random as _random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, assert_never

from shipper.outcome import DELIVERED, SOLO, UNCLEAR, Dead, Free, OnUnclear, Outcome, Reason, Retry, Verdict
from shipper.settings import Settings
from workers.backoff import backoff_ms
from workers.verdict import Judgement

BUSY_MIN_MS: Final = 500
BUSY_MAX_MS: Final = 5000
HELD_MAX_MS: Final = 1000
"""The account's gate holds back what is throttled or refuses its keys; this spreads the lanes behind it."""
WINDOW_MS: Final = 30_000
"""Gameball's longer window: assumed to be full when a 429 does not say for how long."""
HOLD_MIN_MS: Final = 1000
"""A Retry-After of zero would ask for the next 429 at once, for nothing is charged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """Hold what an event has used up before this attempt, in its present life."""

    charged: int = 0
    vague: int = 0
    age_ms: int = 0
    """Since its life began, at the ledger's clock."""
    on_unclear: OnUnclear = OnUnclear.RETRY


def decide(  # noqa: C901, PLR0912 - a flat table, one line a verdict
    judgement: Judgement,
    used: Used,
    *,
    alone: bool,
    settings: Settings,
    random: Callable[[], float] = _random.random,
) -> Outcome:
    """Return the outcome of one event; `alone` tells whether it was the only one of its call."""
    outcome: Outcome
    match judgement.verdict:
        case Verdict.ACCEPTED | Verdict.ALREADY_APPLIED:
            outcome = DELIVERED
        case Verdict.PERMANENT:
            outcome = Dead(reason=Reason.REFUSED) if alone else SOLO
        case Verdict.UNREADABLE:
            outcome = Dead(reason=Reason.UNREADABLE) if alone else SOLO
        case Verdict.UNSENT:
            outcome = Free(delay_ms=0)
        case Verdict.CREDENTIALS:
            outcome = Free(delay_ms=int(random() * HELD_MAX_MS))
        case Verdict.ENCRYPTION_KEY:
            outcome = Free(delay_ms=_locked_ms(settings, random))
        case Verdict.THROTTLED:
            outcome = _free(int(random() * HELD_MAX_MS), used, alone, settings)
        case Verdict.BUSY:
            outcome = _free(BUSY_MIN_MS + int(random() * (BUSY_MAX_MS - BUSY_MIN_MS)), used, alone, settings)
        case Verdict.UNCLEAR if used.on_unclear is OnUnclear.PARK:
            outcome = UNCLEAR
        case Verdict.UNCLEAR | Verdict.REFUSED_FOR_NOW | Verdict.NOT_SENT:
            outcome = _charged(_delay_ms(judgement, used, settings, random), used, alone, settings)
        case Verdict.VAGUE:
            outcome = _vague(_delay_ms(judgement, used, settings, random), used, alone, settings)
        case Verdict.CRASHED:
            raise ValueError("crashed is the sweep's verdict on a worker, no answer of Gameball")
        case _:
            assert_never(judgement.verdict)
    return outcome


def hold_ms(judgement: Judgement, settings: Settings) -> int:
    """Return how long the account's gate holds every call after this answer; 0: it does not."""
    if judgement.verdict is not Verdict.THROTTLED:
        return 0
    if judgement.retry_after_ms is None:
        return WINDOW_MS
    return min(max(HOLD_MIN_MS, judgement.retry_after_ms), settings.retry_after_max_ms)


def _locked_ms(settings: Settings, random: Callable[[], float]) -> int:
    """Hold back the lane alone, and so long that looking at locked lanes leaves the pace to the others."""
    return settings.pause_step_ms + int(random() * max(settings.pause_max_ms - settings.pause_step_ms, 0))


def _free(delay_ms: int, used: Used, alone: bool, settings: Settings) -> Outcome:
    """Charge nothing, until the event is over its age: then the attempt counts, and so ends it."""
    if used.age_ms < settings.max_age_ms:
        return Free(delay_ms=delay_ms)
    return Dead(reason=Reason.AGED) if alone else SOLO


def _charged(delay_ms: int, used: Used, alone: bool, settings: Settings) -> Outcome:
    """Retry, until the budget or the age is spent: then a merged call grants one more try, alone."""
    return _last(used, alone, settings) or Retry(delay_ms=delay_ms)


def _vague(delay_ms: int, used: Used, alone: bool, settings: Settings) -> Outcome:
    """Separate the events of a merged call first, uncounted; alone, the budget of vague answers is small."""
    if alone and used.vague + 1 >= settings.max_vague:
        return Dead(reason=Reason.VAGUE)
    return _last(used, alone, settings) or Retry(delay_ms=delay_ms, vague=alone, solo=not alone)


def _last(used: Used, alone: bool, settings: Settings) -> Outcome | None:
    """Return the end if this charged attempt is the last, by number or by age."""
    if used.charged + 1 >= settings.max_attempts:
        return Dead(reason=Reason.SPENT) if alone else SOLO
    if used.age_ms >= settings.max_age_ms:
        return Dead(reason=Reason.AGED) if alone else SOLO
    return None


def _delay_ms(judgement: Judgement, used: Used, settings: Settings, random: Callable[[], float]) -> int:
    """Back off, and not less than a Retry-After that is believed."""
    jitter_ms = backoff_ms(
        used.charged, base_ms=settings.backoff_base_ms, cap_ms=settings.backoff_cap_ms, random=random
    )
    asked_ms = min(judgement.retry_after_ms or 0, settings.retry_after_max_ms)
    return max(jitter_ms, asked_ms)
