from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from shipper.outcome import (
    DELIVERED,
    SOLO,
    UNCLEAR,
    Dead,
    Free,
    OnUnclear,
    Outcome,
    Reason,
    Retry,
    Verdict,
)
from shipper.settings import Settings
from workers.backoff import backoff_ms
from workers.retry import Used, decide, hold_ms
from workers.verdict import Judgement

HOUR_MS = 3_600_000
SETTINGS = Settings(
    max_attempts=4,
    max_vague=3,
    max_age_ms=72 * HOUR_MS,
    backoff_base_ms=2000,
    backoff_cap_ms=HOUR_MS,
    pause_step_ms=10_000,
    pause_max_ms=300_000,
    retry_after_max_ms=300_000,
)
REFUSED, SPENT, AGED, TOO_VAGUE, UNREADABLE = (
    Dead(reason=reason)
    for reason in (Reason.REFUSED, Reason.SPENT, Reason.AGED, Reason.VAGUE, Reason.UNREADABLE)
)
FRESH = Used()
SECOND = Used(charged=1)
LAST = Used(charged=3)
"""One attempt is left."""
OLD = Used(charged=1, age_ms=72 * HOUR_MS)
OLD_LAST = Used(charged=3, age_ms=72 * HOUR_MS)
PARK = Used(on_unclear=OnUnclear.PARK)
VAGUE_ONCE = Used(charged=1, vague=1)
VAGUE_TWICE = Used(charged=2, vague=2)
VAGUE_LAST = Used(charged=3, vague=1)
VAGUE_OLD = Used(charged=1, vague=1, age_ms=72 * HOUR_MS)

# With random() = 0.5: verdict, what the event had used, outcome alone, outcome in a merged call.
TABLE: list[tuple[Verdict, Used, Outcome, Outcome]] = [
    (Verdict.ACCEPTED, FRESH, DELIVERED, DELIVERED),
    (Verdict.ACCEPTED, OLD_LAST, DELIVERED, DELIVERED),
    (Verdict.ALREADY_APPLIED, FRESH, DELIVERED, DELIVERED),
    (Verdict.ALREADY_APPLIED, OLD_LAST, DELIVERED, DELIVERED),
    (Verdict.PERMANENT, FRESH, REFUSED, SOLO),
    (Verdict.PERMANENT, OLD_LAST, REFUSED, SOLO),
    (Verdict.UNSENT, FRESH, Free(delay_ms=0), Free(delay_ms=0)),
    (Verdict.UNSENT, OLD_LAST, Free(delay_ms=0), Free(delay_ms=0)),
    (Verdict.CREDENTIALS, FRESH, Free(delay_ms=500), Free(delay_ms=500)),
    (Verdict.CREDENTIALS, OLD_LAST, Free(delay_ms=500), Free(delay_ms=500)),
    (Verdict.ENCRYPTION_KEY, FRESH, Free(delay_ms=155_000), Free(delay_ms=155_000)),
    (Verdict.ENCRYPTION_KEY, OLD_LAST, Free(delay_ms=155_000), Free(delay_ms=155_000)),
    (Verdict.UNREADABLE, FRESH, UNREADABLE, SOLO),
    (Verdict.UNREADABLE, PARK, UNREADABLE, SOLO),
    (Verdict.THROTTLED, FRESH, Free(delay_ms=500), Free(delay_ms=500)),
    (Verdict.THROTTLED, LAST, Free(delay_ms=500), Free(delay_ms=500)),
    (Verdict.THROTTLED, OLD, AGED, SOLO),
    (Verdict.BUSY, FRESH, Free(delay_ms=2750), Free(delay_ms=2750)),
    (Verdict.BUSY, LAST, Free(delay_ms=2750), Free(delay_ms=2750)),
    (Verdict.BUSY, OLD, AGED, SOLO),
    (Verdict.REFUSED_FOR_NOW, FRESH, Retry(delay_ms=1000), Retry(delay_ms=1000)),
    (Verdict.REFUSED_FOR_NOW, SECOND, Retry(delay_ms=2000), Retry(delay_ms=2000)),
    (Verdict.REFUSED_FOR_NOW, LAST, SPENT, SOLO),
    (Verdict.REFUSED_FOR_NOW, OLD, AGED, SOLO),
    (Verdict.REFUSED_FOR_NOW, OLD_LAST, SPENT, SOLO),
    (Verdict.REFUSED_FOR_NOW, PARK, Retry(delay_ms=1000), Retry(delay_ms=1000)),
    (Verdict.NOT_SENT, FRESH, Retry(delay_ms=1000), Retry(delay_ms=1000)),
    (Verdict.NOT_SENT, LAST, SPENT, SOLO),
    (Verdict.NOT_SENT, OLD, AGED, SOLO),
    (Verdict.NOT_SENT, PARK, Retry(delay_ms=1000), Retry(delay_ms=1000)),
    (Verdict.UNCLEAR, FRESH, Retry(delay_ms=1000), Retry(delay_ms=1000)),
    (Verdict.UNCLEAR, LAST, SPENT, SOLO),
    (Verdict.UNCLEAR, OLD, AGED, SOLO),
    (Verdict.UNCLEAR, PARK, UNCLEAR, UNCLEAR),
    (Verdict.UNCLEAR, replace(OLD_LAST, on_unclear=OnUnclear.PARK), UNCLEAR, UNCLEAR),
    (Verdict.VAGUE, FRESH, Retry(delay_ms=1000, vague=True), Retry(delay_ms=1000, solo=True)),
    (Verdict.VAGUE, VAGUE_ONCE, Retry(delay_ms=2000, vague=True), Retry(delay_ms=2000, solo=True)),
    (Verdict.VAGUE, VAGUE_TWICE, TOO_VAGUE, Retry(delay_ms=4000, solo=True)),
    (Verdict.VAGUE, VAGUE_LAST, SPENT, SOLO),
    (Verdict.VAGUE, VAGUE_OLD, AGED, SOLO),
    (Verdict.VAGUE, PARK, Retry(delay_ms=1000, vague=True), Retry(delay_ms=1000, solo=True)),
]


@pytest.mark.parametrize(("verdict", "used", "alone", "merged"), TABLE)
def test_every_verdict_has_one_outcome_alone_and_one_in_a_merged_call(
    verdict: Verdict, used: Used, alone: Outcome, merged: Outcome
) -> None:
    judgement = Judgement(verdict=verdict)

    outcomes = [
        decide(judgement, used, alone=is_alone, settings=SETTINGS, random=lambda: 0.5)
        for is_alone in (True, False)
    ]

    assert outcomes == [alone, merged]


def test_the_table_above_leaves_no_verdict_of_an_answer_out() -> None:
    decided = {verdict for verdict, _, _, _ in TABLE}

    assert decided == set(Verdict) - {Verdict.CRASHED}


def test_no_merged_call_ever_declares_an_event_dead() -> None:
    everything = product(
        set(Verdict) - {Verdict.CRASHED},
        range(5),
        range(4),
        (0, SETTINGS.max_age_ms - 1, SETTINGS.max_age_ms),
    )

    outcomes = [
        decide(
            Judgement(verdict=verdict),
            Used(charged=charged, vague=vague, age_ms=age_ms),
            alone=False,
            settings=SETTINGS,
        )
        for verdict, charged, vague, age_ms in everything
    ]

    assert not [outcome for outcome in outcomes if isinstance(outcome, Dead)]


@pytest.mark.parametrize(
    ("verdict", "reason", "attempts"),
    [
        (Verdict.REFUSED_FOR_NOW, Reason.SPENT, 4),
        (Verdict.UNCLEAR, Reason.SPENT, 4),
        (Verdict.NOT_SENT, Reason.SPENT, 4),
        (Verdict.VAGUE, Reason.VAGUE, 3),
        (Verdict.PERMANENT, Reason.REFUSED, 1),
    ],
)
def test_an_event_that_travels_alone_is_dead_after_exactly_its_budget(
    verdict: Verdict, reason: Reason, attempts: int
) -> None:
    used, tries = Used(), 1

    while isinstance(
        outcome := decide(Judgement(verdict=verdict), used, alone=True, settings=SETTINGS), Retry
    ):
        used = replace(used, charged=used.charged + 1, vague=used.vague + outcome.vague)
        tries += 1

    assert (outcome, tries) == (Dead(reason=reason), attempts)


def test_a_spent_merged_call_grants_each_event_one_more_try_alone() -> None:
    judgement = Judgement(verdict=Verdict.UNCLEAR)

    merged = decide(judgement, LAST, alone=False, settings=SETTINGS)
    alone = decide(judgement, LAST, alone=True, settings=SETTINGS)

    assert (merged, alone) == (SOLO, SPENT)


def test_no_pause_of_the_account_ends_an_event_however_old_it_is() -> None:
    ancient = Used(charged=3, vague=2, age_ms=1000 * HOUR_MS)

    outcomes = [
        decide(Judgement(verdict=verdict), ancient, alone=True, settings=SETTINGS, random=lambda: 0.0)
        for verdict in (Verdict.CREDENTIALS, Verdict.UNSENT)
    ]

    assert outcomes == [Free(delay_ms=0), Free(delay_ms=0)]


@pytest.mark.parametrize(
    ("retry_after_ms", "delay_ms"), [(None, 1000), (0, 1000), (400, 1000), (7000, 7000), (10**9, 300_000)]
)
def test_a_refusal_for_now_waits_at_least_as_long_as_it_was_asked_to(
    retry_after_ms: int | None, delay_ms: int
) -> None:
    judgement = Judgement(verdict=Verdict.REFUSED_FOR_NOW, retry_after_ms=retry_after_ms)

    outcome = decide(judgement, FRESH, alone=True, settings=SETTINGS, random=lambda: 0.5)

    assert outcome == Retry(delay_ms=delay_ms)


@pytest.mark.parametrize(("draw", "delay_ms"), [(0.0, 500), (0.999999, 4999)])
def test_a_busy_customer_is_left_alone_for_half_a_second_to_five(draw: float, delay_ms: int) -> None:
    judgement = Judgement(verdict=Verdict.BUSY)

    outcome = decide(judgement, FRESH, alone=True, settings=SETTINGS, random=lambda: draw)

    assert outcome == Free(delay_ms=delay_ms)


@pytest.mark.parametrize(("draw", "delay_ms"), [(0.0, 10_000), (0.999999, 299_999)])
def test_a_customer_whose_key_is_missing_waits_as_long_as_an_account_would(
    draw: float, delay_ms: int
) -> None:
    judgement = Judgement(verdict=Verdict.ENCRYPTION_KEY)

    outcome = decide(judgement, OLD_LAST, alone=True, settings=SETTINGS, random=lambda: draw)

    assert outcome == Free(delay_ms=delay_ms)


def test_the_sweeps_own_verdict_is_refused() -> None:
    judgement = Judgement(verdict=Verdict.CRASHED)

    with pytest.raises(ValueError, match="sweep"):
        decide(judgement, FRESH, alone=True, settings=SETTINGS)


@pytest.mark.parametrize(
    ("verdict", "retry_after_ms", "held_ms"),
    [
        (Verdict.THROTTLED, None, 30_000),
        (Verdict.THROTTLED, 7000, 7000),
        (Verdict.THROTTLED, 0, 1000),
        (Verdict.THROTTLED, 3_600_000, 300_000),
        (Verdict.REFUSED_FOR_NOW, 7000, 0),
        (Verdict.CREDENTIALS, None, 0),
        (Verdict.ACCEPTED, None, 0),
    ],
)
def test_the_gate_holds_for_what_is_throttled_as_long_as_it_was_asked_to_within_reason(
    verdict: Verdict, retry_after_ms: int | None, held_ms: int
) -> None:
    judgement = Judgement(verdict=verdict, retry_after_ms=retry_after_ms)

    assert hold_ms(judgement, SETTINGS) == held_ms


@pytest.mark.parametrize(
    ("charged", "draw", "wait_ms"),
    [
        (0, 0.0, 0),
        (0, 0.5, 1000),
        (0, 0.999999, 2000),
        (1, 0.999999, 4000),
        (10, 0.999999, 2_048_000),
        (11, 0.999999, 3_600_000),
        (10_000, 0.999999, 3_600_000),
    ],
)
def test_backoff_is_full_jitter_under_a_doubling_and_capped_ceiling(
    charged: int, draw: float, wait_ms: int
) -> None:
    waited = backoff_ms(charged, base_ms=2000, cap_ms=HOUR_MS, random=lambda: draw)

    assert abs(waited - wait_ms) <= 4
