"""Ledgers to look at: an hour of a shop with deliveries, retries, and dead letters of several kinds."""

from __future__ import annotations

from typing import Any, Final

from shipper.clock import now_ms
from shipper.inspector.now import ledger_now
from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import ClaimedEvent
from shipper.outcome import Dead, Reason, Retry, Verdict
from tests.inspector.story import ACCEPTED, LOST, MINUTE, REFUSED, SPENT, Answer, Story

HOUR: Final = 60 * MINUTE
BAD_FIELD: Final = Answer(
    verdict=Verdict.PERMANENT,
    outcome=Dead(reason=Reason.REFUSED),
    status=400,
    code=3003,
    request_id="5f0c1d7e-9f35",
    answer='{"code":3003,"message":"events.purchase.total must be a number"}',
)
VAGUE: Final = Answer(
    verdict=Verdict.VAGUE,
    outcome=Dead(reason=Reason.VAGUE),
    status=400,
    code=4500,
    answer='{"code":4500,"message":"something went wrong for ann@example.com"}',
)
SLOW: Final = Answer(
    verdict=Verdict.REFUSED_FOR_NOW,
    outcome=Retry(delay_ms=90_000),
    status=503,
    code=5003,
    request_id="a31c-77",
    answer='{"message":"try again later"}',
)


def an_hour(ledger: Ledger, *, events: int = 300, prefix: str = "c") -> Story:
    """Tell an hour that ends now, with some of everything; return the story, to be gone on with."""
    story = Story(ledger, now=ledger_now(ledger) - HOUR)
    ends: dict[str, Answer] = {}

    def end(event: ClaimedEvent) -> Answer:
        return ends.get(event.event_id, ACCEPTED)

    for minute in range(60):
        for i in range(events // 60):
            number = minute * (events // 60) + i
            _one(story, f"{prefix}-{number}", number, ends)
        story.calls(end, most=200)
        story.now = ledger_now(ledger) - HOUR + (minute + 1) * MINUTE
    _flow(ledger, now=now_ms())
    return story


def _one(story: Story, customer: str, number: int, ends: dict[str, Answer]) -> None:
    contacts: dict[str, Any] = {"email": f"ann.{number}@example.com", "mobile": "+4915112345678"}
    match number % 10:
        case 0 | 1 | 2:
            ident = story.enqueue(
                customer,
                events={"purchase": {"total": "12.50 EUR", "items": ["a-17", "b-3"]}},
                hook="sold",
                **contacts,
            )
            ends[ident] = BAD_FIELD
        case 3 | 4:
            ends[story.enqueue(customer, "write_review", hook="review_sent", **contacts)] = REFUSED
        case 5:
            ends[story.enqueue(customer, events={"visit": {"page": "/sale"}}, on_unclear="park")] = LOST
        case 6:
            ends[story.enqueue(customer, "visit")] = VAGUE if number % 20 == 6 else SPENT
        case _:
            story.enqueue(customer, "visit", "view_product")


def _flow(ledger: Ledger, *, now: int) -> None:
    """Write the hour's samples as the sweep writes them."""
    key, accepted, delivered, calls = key_of(ledger.account, "flow"), 1000, 900, 500
    lines = []
    for i in range(360):
        came = 40 + (i * 7919) % 23 + abs(60 - (i // 3) % 120)
        out = 0 if 200 <= i < 215 else came + (90 if 215 <= i < 245 else 0)
        accepted, delivered, calls = accepted + came + i % 9, delivered + out, calls + out * 2 // 3
        waiting = max(accepted - delivered - 100, 0)
        facts = {
            "pace_1s": out // 10,
            "pace_30s": out * 3,
            "hooks": 2,
            "due": waiting // 3,
            "oldest_ms": waiting * 9,
            "leased": 4,
            "held": int(out == 0),
            "workers": 2,
            "pumps": 2,
            "accepted": accepted,
            "waiting": waiting,
            "in_flight": 4,
            "delivered": delivered,
            "dead": i // 4,
            "unclear": i // 12,
            "calls": calls,
            "events_sent": delivered,
            "retried": i // 2,
            "bytes": 4096,
        }
        said = " ".join(f"{name} {value}" for name, value in facts.items())
        lines.append(f"{now - HOUR + (i + 1) * 10_000 - 5000} {said}")
    ledger.ask("DEL", key)
    ledger.ask("LPUSH", key, *lines)
