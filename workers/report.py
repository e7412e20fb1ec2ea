"""Report: turn a landing into what the ledger writes down, and into one wide line of the log."""

from __future__ import annotations

from functools import partial
from typing import Any, Final, assert_never

from shipper.keyring import Keyring
from shipper.ledger.operations import ClaimedEvent, SettledCall, SettledEvent
from shipper.ledger.record import Attempt, write_attempt
from shipper.logs import get_logger
from shipper.outcome import Dead, Delivered, Free, OnUnclear, Outcome, Retry, Solo, Unclear, Verdict
from shipper.settings import Settings
from workers.flight import Landing
from workers.retry import Used, decide, hold_ms

log: Final = get_logger(__name__)


def settled_call(landing: Landing, settings: Settings, *, worker: str) -> SettledCall:
    """Decide what becomes of each event of a landing."""
    return SettledCall(
        lane=landing.call.lane,
        token=landing.call.token,
        verdict=landing.judgement.verdict,
        hold_ms=hold_ms(landing.judgement, settings),
        events=tuple(_settled_event(event, landing, settings, worker) for event in landing.call.events),
    )


def _settled_event(event: ClaimedEvent, landing: Landing, settings: Settings, worker: str) -> SettledEvent:
    used = Used(
        charged=event.tried.charged,
        vague=event.tried.vague,
        age_ms=landing.claimed_at - (event.tried.since or event.record.accepted_at),
        on_unclear=OnUnclear.PARK if event.record.park else OnUnclear.RETRY,
    )
    outcome = decide(landing.judgement, used, alone=landing.alone, settings=settings)
    return SettledEvent(
        event_id=event.event_id,
        outcome=outcome,
        code=landing.judgement.code,
        line=_line(event, landing, outcome, worker, settings.keyring),
    )


def _line(event: ClaimedEvent, landing: Landing, outcome: Outcome, worker: str, keyring: Keyring) -> bytes:
    """Return the attempt for the event's history; none for what nobody would ask about."""
    judgement = landing.judgement
    if judgement.verdict is Verdict.UNSENT or (isinstance(outcome, Delivered) and not event.record.hook):
        return b""
    word, delay_ms = word_of(outcome)
    return write_attempt(
        Attempt(
            at=landing.sent_at,
            number=event.number,
            worker=worker,
            verdict=judgement.verdict.value,
            outcome=word,
            delay_ms=delay_ms,
            of=len(landing.call.events),
            took_ms=landing.took_ms,
            status=judgement.status,
            code=judgement.code,
            request_id=judgement.request_id,
            answer=judgement.note or landing.answer.body.decode("utf-8", "replace"),
        ),
        hide=partial(keyring.encrypt_text, account=landing.account, event_id=event.event_id),
    )


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
        "note": judgement.note,
        "settled": sorted(set(words)),
    }
    present = {name: value for name, value in fields.items() if value not in (None, "")}
    quiet = judgement.verdict in {Verdict.ACCEPTED, Verdict.ALREADY_APPLIED, Verdict.UNSENT}
    (log.info if quiet else log.warning)("delivery.settled", **present)
