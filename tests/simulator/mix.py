"""Mixes: which steps a simulation takes, how often, and under which settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from shipper.outcome import Verdict
from shipper.settings import HOUR_MS, Settings


class Step(StrEnum):
    """What may happen next."""

    ENQUEUE = "enqueue"
    CLAIM = "claim"
    CLAIM_AGAIN = "claim again"
    CLAIM_LATE = "claim late"
    ADVANCE = "advance"
    SETTLE = "settle"
    CRASH = "crash"
    RETIRE = "retire"
    SWEEP = "sweep"
    FORGET = "forget"
    REDRIVE = "redrive"
    DISCARD = "discard"
    EXPUNGE = "expunge"
    PAUSE = "pause"
    RESUME = "resume"
    JOB_START = "start a job"
    JOB_READ = "read a job"
    JOB_STEP = "step a job"
    JOB_TURN = "turn a job"
    READ_LETTER = "read a letter"
    EDIT = "edit a letter"
    RESTORE = "take letters in"
    LOOK = "look"
    HOOK_CLAIM = "hook claim"
    HOOK_TELL = "hook tell"
    HOOK_REDO = "hook redo"
    TICK = "tick"
    LONG = "long"
    HOURS = "hours"
    BACK = "back"
    RESTART = "restart"
    BELL = "forge the bell"
    SAVE = "save the ledger"
    ROLL_BACK = "roll the ledger back"
    SPOIL = "spoil a lane"
    MEND = "mend a lane"


ORDINARY: Final = {
    Step.ENQUEUE: 6,
    Step.CLAIM: 10,
    Step.CLAIM_AGAIN: 2,
    Step.ADVANCE: 28,
    Step.SETTLE: 12,
    Step.CRASH: 3,
    Step.RETIRE: 1,
    Step.SWEEP: 4,
    Step.FORGET: 1,
    Step.REDRIVE: 3,
    Step.DISCARD: 1,
    Step.EXPUNGE: 1,
    Step.PAUSE: 1,
    Step.RESUME: 1,
    Step.LOOK: 1,
    Step.HOOK_CLAIM: 2,
    Step.HOOK_TELL: 3,
    Step.HOOK_REDO: 1,
    Step.TICK: 8,
    Step.LONG: 2,
    Step.RESTART: 1,
    Step.BELL: 1,
}

SETTINGS: Final = Settings(
    backlog_max=12,
    backlog_bytes=8500,
    id_retention_ms=6 * HOUR_MS,
    idempotency_retention_ms=168 * HOUR_MS,
    timeout_ms=5000,
    lease_ms=10_000,
    coalesce_max=4,
    coalesce_bytes=400,
    pace_per_second=3,
    pace_per_30_seconds=16,
    pace_margin_ms=250,
    max_attempts=3,
    max_vague=2,
    max_crashes=2,
    backoff_cap_ms=5000,
    breaker_calls=4,
    breaker_window_ms=30_000,
    pause_step_ms=100,
    pause_max_ms=400,
    refusal_burst=1,
    calls_in_flight=2,
    hook_timeout_ms=5000,
    trail_days=1,
)
"""Small enough that every cap, window and budget is reached within a hundred steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """How a simulation goes. `zombies` is the share of late calls that their worker sends all the same.

    `likely` are verdicts, of which one comes in the share `likelihood` of calls, beside the usual chances.
    """

    name: str
    weights: dict[Step, int] = field(default_factory=lambda: ORDINARY)
    steps: int = 200
    zombies: float = 0.4
    likely: tuple[Verdict, ...] = ()
    likelihood: float = 0.0
    second_keys: bool = False
    """Apps give the same event again under its id, and only then a key."""


NORMAL: Final = Mix(name="normal")
ZOMBIES: Final = Mix(name="zombies", weights={**ORDINARY, Step.LONG: 8}, zombies=0.8)
HOURS: Final = Mix(name="hours", weights={**ORDINARY, Step.ENQUEUE: 12, Step.HOURS: 2, Step.FORGET: 4})
"""Time moves by hours, so that retention ends in the midst of things."""
SPOILT: Final = Mix(name="spoilt", weights={**ORDINARY, Step.SPOIL: 1, Step.MEND: 2})
"""Somebody overwrites lanes, and somebody mends them; the account must keep going."""

SKEWED: Final = Mix(name="skewed", weights={**ORDINARY, Step.BACK: 1, Step.FORGET: 4})
"""The clock of the ledger's server is set back."""

BUSY: Final = Mix(
    name="busy",
    weights={
        Step.ENQUEUE: 16,
        Step.CLAIM: 20,
        Step.ADVANCE: 44,
        Step.SETTLE: 24,
        Step.SWEEP: 2,
        Step.RESUME: 1,
        Step.HOOK_CLAIM: 2,
        Step.HOOK_TELL: 3,
        Step.TICK: 24,
    },
    steps=300,
    likely=(Verdict.ACCEPTED,),
    likelihood=0.8,
    second_keys=True,
)
"""So many calls in so little time that the 30 s window is the one that holds them up."""

FAILING: Final = Mix(
    name="failing",
    weights={
        **ORDINARY,
        Step.CLAIM: 16,
        Step.ADVANCE: 44,
        Step.SETTLE: 24,
        Step.TICK: 16,
        Step.ENQUEUE: 3,
        Step.REDRIVE: 16,
        Step.BACK: 1,
        Step.FORGET: 4,
    },
    steps=300,
    likely=(Verdict.CREDENTIALS, Verdict.UNCLEAR, Verdict.UNCLEAR),
    likelihood=0.6,
)
"""Gameball refuses most of it, probes fail too, and the clock is set back in the midst of that."""

LETTERS: Final = Mix(
    name="letters",
    weights={
        **ORDINARY,
        Step.CLAIM: 16,
        Step.ADVANCE: 40,
        Step.SETTLE: 24,
        Step.TICK: 16,
        Step.REDRIVE: 16,
        Step.RESUME: 10,
        Step.PAUSE: 0,
    },
    steps=300,
    likely=(Verdict.PERMANENT,),
    likelihood=0.7,
)
"""Gameball refuses most events for good, and people send several of them again at a time."""

JOBS: Final = Mix(
    name="jobs",
    weights={
        Step.ENQUEUE: 8,
        Step.CLAIM: 40,
        Step.ADVANCE: 60,
        Step.SETTLE: 40,
        Step.CRASH: 1,
        Step.SWEEP: 3,
        Step.FORGET: 1,
        Step.PAUSE: 6,
        Step.RESUME: 15,
        Step.JOB_START: 3,
        Step.JOB_READ: 30,
        Step.JOB_STEP: 34,
        Step.JOB_TURN: 1,
        Step.TICK: 24,
        Step.BACK: 1,
    },
    steps=500,
    likely=(Verdict.PERMANENT,),
    likelihood=0.9,
)
"""Letters are sent again by jobs, which several workers carry on at once, with what they read a while ago.

Most die again, and some of these are found again.
"""

EDITS: Final = Mix(
    name="edits",
    weights={
        **LETTERS.weights,
        Step.REDRIVE: 3,
        Step.RESUME: 6,
        Step.READ_LETTER: 16,
        Step.EDIT: 16,
        Step.RESTORE: 2,
        Step.HOURS: 1,
        Step.FORGET: 2,
    },
    steps=300,
    likely=(Verdict.PERMANENT, Verdict.PERMANENT, Verdict.UNCLEAR),
    likelihood=0.7,
)
"""People edit letters that they read a while ago, all at once, and take in letters of other ledgers."""

ROLLED_BACK: Final = Mix(
    name="rolled back",
    weights={**ORDINARY, Step.CLAIM_LATE: 3, Step.SAVE: 4, Step.ROLL_BACK: 1},
)
"""The ledger loses what it had acknowledged since some moment, and claims arrive that were given up."""

MIXES: Final = {
    mix.name: mix
    for mix in (NORMAL, ZOMBIES, HOURS, SPOILT, SKEWED, BUSY, FAILING, LETTERS, JOBS, EDITS, ROLLED_BACK)
}
