"""What Gameball answers to a POST, and what a worker makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from shipper.ledger.operations import ClaimedEvent
from shipper.outcome import (
    DELIVERED,
    SOLO,
    UNCLEAR,
    Dead,
    Free,
    Outcome,
    Reason,
    Retry,
    Verdict,
)
from tests.simulator.mix import SETTINGS, Mix


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a POST: what the worker sees, and whether Gameball applied it."""

    verdict: Verdict
    applied: bool = False
    weight: int = 1


ACCEPTED: Final = Answer(verdict=Verdict.ACCEPTED, applied=True, weight=5)
ANSWERS: Final = (
    ACCEPTED,
    Answer(verdict=Verdict.UNCLEAR, applied=True, weight=3),
    Answer(verdict=Verdict.UNCLEAR, weight=3),
    Answer(verdict=Verdict.PERMANENT, weight=2),
    Answer(verdict=Verdict.VAGUE, weight=2),
    Answer(verdict=Verdict.BUSY),
    Answer(verdict=Verdict.THROTTLED),
    Answer(verdict=Verdict.CREDENTIALS),
    Answer(verdict=Verdict.NOT_SENT),
    Answer(verdict=Verdict.REFUSED_FOR_NOW),
)
CODES: Final = {Verdict.PERMANENT: 3001, Verdict.VAGUE: 400}


def answer(random: Random, mix: Mix) -> Answer:
    """Choose what becomes of a POST."""
    if mix.likely and random.random() < mix.likelihood:
        verdict = random.choice(mix.likely)
        return next(each for each in ANSWERS if each.verdict is verdict)
    return random.choices(ANSWERS, [each.weight for each in ANSWERS])[0]


def outcome_of(verdict: Verdict, event: ClaimedEvent, *, alone: bool, random: Random) -> Outcome:
    """Decide as a worker does, in short: an event is dead only if it travelled alone."""
    match verdict:
        case Verdict.ACCEPTED | Verdict.ALREADY_APPLIED:
            return DELIVERED
        case Verdict.UNSENT:
            return Free(delay_ms=0)
        case Verdict.BUSY | Verdict.THROTTLED | Verdict.CREDENTIALS:
            return Free(delay_ms=random.randint(1, 500))
        case Verdict.PERMANENT:
            return Dead(reason=Reason.REFUSED) if alone else SOLO
        case Verdict.UNCLEAR if event.record.park:
            return UNCLEAR
        case _ if event.tried.charged + 1 >= SETTINGS.max_attempts:
            return Dead(reason=Reason.SPENT) if alone else SOLO
        case Verdict.VAGUE if alone and event.tried.vague + 1 >= SETTINGS.max_vague:
            return Dead(reason=Reason.VAGUE)
        case _:
            vague = verdict is Verdict.VAGUE
            return Retry(delay_ms=random.randint(1, 1000), vague=vague and alone, solo=vague and not alone)
