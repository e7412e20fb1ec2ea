"""Report: turn a landing into what the ledger writes down, and into one wide line of the log."""

from __future__ import annotations

import logging
from functools import partial
from traceback import walk_tb
from typing import Any, Final, assert_never

from shipper.context import read_context, told
from shipper.keyring import Keyring
from shipper.ledger.operations import ClaimedEvent, SettledCall, SettledEvent
from shipper.ledger.record import Attempt, write_attempt
from shipper.logs import get_logger
from shipper.outcome import Dead, Delivered, Free, OnUnclear, Outcome, Retry, Solo, Unclear, Verdict
from shipper.refusal import NO_FIELD, NO_KIND, field_of, kind_of
from shipper.settings import Settings
from workers.flight import Landing
from workers.retry import Used, decide, hold_ms
from workers.waits import Waits

log: Final = get_logger(__name__)
_logger: Final = logging.getLogger(__name__)

QUIET: Final = frozenset({Verdict.ACCEPTED, Verdict.ALREADY_APPLIED, Verdict.UNSENT})
"""Verdicts of calls that nobody has to be told of."""

MOST_SIBLINGS: Final = 8
"""Ids of other events in the same call that an attempt keeps; how many there were it tells besides."""


def decided_call(
    landing: Landing, settings: Settings, *, worker: str, waits: Waits | None = None
) -> SettledCall | None:
    """Decide what becomes of a landing, whatever it brought: by its verdict alone where more of it fails.

    None where that fails too: its lease runs out and tells, and the other calls are settled.
    """
    for decision in (partial(settled_call, worker=worker, waits=waits), bare_call):
        try:
            return decision(landing, settings)
        except Exception as error:  # noqa: BLE001 - whatever it is, the landings beside it are sound
            log.error(  # noqa: TRY400 - the error's own words may quote the answer, and stay out of the log
                "settle.undecided",
                account=landing.account,
                lane=landing.call.lane,
                event_ids=[event.event_id for event in landing.call.events],
                error=type(error).__name__,
                where=_place_of(error),
            )
    return None


def settled_call(
    landing: Landing, settings: Settings, *, worker: str, waits: Waits | None = None
) -> SettledCall:
    """Decide what becomes of each event of a landing; `waits` is what this worker saw hold them back."""
    events = tuple(_settled_event(event, landing, settings, worker, waits) for event in landing.call.events)
    if waits:
        delay_ms = max(getattr(event.outcome, "delay_ms", 0) for event in events)
        free_at = landing.sent_at + landing.took_ms + delay_ms
        waits.landed(landing.call.lane, claimed_at=landing.claimed_at, free_at=free_at)
    return _call_of(landing, settings, events)


def bare_call(landing: Landing, settings: Settings) -> SettledCall:
    """Decide the same by the verdict alone: no line for a history, and nothing of what the answer says."""
    events = tuple(
        SettledEvent(
            event_id=event.event_id,
            outcome=_outcome_of(event, landing, settings),
            code=landing.judgement.code,
        )
        for event in landing.call.events
    )
    return _call_of(landing, settings, events)


def _call_of(landing: Landing, settings: Settings, events: tuple[SettledEvent, ...]) -> SettledCall:
    return SettledCall(
        lane=landing.call.lane,
        token=landing.call.token,
        verdict=landing.judgement.verdict,
        hold_ms=hold_ms(landing.judgement, settings),
        events=events,
    )


def _settled_event(
    event: ClaimedEvent, landing: Landing, settings: Settings, worker: str, waits: Waits | None
) -> SettledEvent:
    outcome = _outcome_of(event, landing, settings)
    refused, kind = _said(landing) if isinstance(outcome, Dead | Unclear) else (NO_FIELD, NO_KIND)
    return SettledEvent(
        event_id=event.event_id,
        outcome=outcome,
        code=landing.judgement.code,
        field=refused,
        kind=kind,
        line=_line(event, landing, outcome, worker=worker, keyring=settings.keyring, waits=waits),
    )


def _outcome_of(event: ClaimedEvent, landing: Landing, settings: Settings) -> Outcome:
    used = Used(
        charged=event.tried.charged,
        vague=event.tried.vague,
        age_ms=landing.claimed_at - (event.tried.since or event.record.accepted_at),
        on_unclear=OnUnclear.PARK if event.record.park else OnUnclear.RETRY,
    )
    return decide(landing.judgement, used, alone=landing.alone, settings=settings)


def _said(landing: Landing) -> tuple[str, str]:
    """Return the field that an answer names, and its kind: what dead letters are grouped and found by."""
    answer = _answer_of(landing)
    return (NO_FIELD if landing.answer.lost else field_of(answer)), kind_of(answer)


def _answer_of(landing: Landing) -> str:
    return landing.judgement.note or landing.answer.body.decode("utf-8", "replace")


def _line(
    event: ClaimedEvent,
    landing: Landing,
    outcome: Outcome,
    *,
    worker: str,
    keyring: Keyring,
    waits: Waits | None,
) -> bytes:
    """Return the attempt for the event's history; none for what nobody would ask about."""
    judgement = landing.judgement
    if judgement.verdict is Verdict.UNSENT or (isinstance(outcome, Delivered) and not event.record.hook):
        return b""
    word, delay_ms = word_of(outcome)
    since = event.tried.since or event.record.accepted_at
    holds = waits.between(landing.call.lane, since, landing.claimed_at) if waits else ()
    others = [other.event_id for other in landing.call.events if other is not event]
    return write_attempt(
        Attempt(
            at=landing.sent_at,
            number=event.number,
            worker=worker,
            verdict=judgement.verdict.value,
            outcome=word,
            delay_ms=delay_ms,
            of=len(landing.call.events),
            siblings=tuple(others[:MOST_SIBLINGS]),
            claimed_at=landing.claimed_at,
            held=tuple((hold.why, hold.since, hold.until) for hold in holds),
            took_ms=landing.took_ms,
            status=judgement.status,
            code=judgement.code,
            request_id=judgement.request_id,
            answer=_answer_of(landing),
        ),
        hide=partial(keyring.encrypt_text, account=landing.account, event_id=event.event_id),
    )


def _place_of(error: Exception) -> str:
    """Return where an error was raised: a function and its line."""
    *_, (frame, line) = walk_tb(error.__traceback__)
    return f"{frame.f_code.co_qualname}:{line}"


def word_of(outcome: Outcome) -> tuple[str, int | None]:
    """Return an outcome's word in histories and logs, and the delay before the next attempt in ms."""
    match outcome:
        case Delivered():
            return "delivered", None
        case Retry(delay_ms=delay_ms):
            return "retry", delay_ms
        case Free(delay_ms=delay_ms):
            return "free", delay_ms
        case Solo():
            return "solo", 0
        case Dead(reason=reason):
            return f"dead: {reason.value}", None
        case Unclear():
            return "unclear", None
    assert_never(outcome)


def log_call(account: str, worker: str, landing: Landing, settled: SettledCall, words: list[str]) -> None:
    """Write the one line of a call: everything worth asking about later, nothing that a customer said."""
    judgement = landing.judgement
    quiet = judgement.verdict in QUIET
    if quiet and not _logger.isEnabledFor(logging.INFO):
        return  # putting the line together takes longer than to judge the answer
    fields: dict[str, Any] = {
        "account": account,
        "worker": worker,
        "lane": landing.call.lane,
        "verdict": judgement.verdict.value,
        "outcomes": {event.event_id: word_of(event.outcome)[0] for event in settled.events},
        "attempts": [event.number for event in landing.call.events],
        "status": judgement.status,
        "code": judgement.code,
        "request_id": judgement.request_id,
        "took_ms": landing.took_ms,
        "context": _context_of(landing),
        "note": judgement.note,
        "settled": sorted(set(words)),
    }
    present = {name: value for name, value in fields.items() if value not in (None, "", {})}
    (log.info if quiet else log.warning)("delivery.settled", **present)


def _context_of(landing: Landing) -> dict[str, list[str]]:
    stored = dict.fromkeys(event.record.context for event in landing.call.events)
    return told([read_context(context) for context in stored if context])
