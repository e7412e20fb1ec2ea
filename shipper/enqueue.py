"""Enqueue: what a producer calls. One round trip, within a budget, nothing retried behind its back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict, Unpack

from shipper.admission import Answer, Receipt
from shipper.bulk import Bulk, all_or_none
from shipper.client import current
from shipper.envelope import seal
from shipper.event import Event
from shipper.outcome import OnUnclear
from shipper.tracing import Enqueueing

EventLike = Event | Mapping[str, Any]
DEFAULT: Final = "default"
"""The account, unless one is named."""


class Options(TypedDict, total=False):
    """What goes with an event, or with all events of a bulk.

    `hook` names the completion hook that is told of its end; `on_unclear` is `retry` or `park`; `solo`
    keeps it out of shared calls; `account` is an alias.
    """

    hook: str | None
    on_unclear: OnUnclear | str | None
    solo: bool
    account: str


def enqueue_event(
    event: EventLike,
    *,
    idempotency_key: str | None = None,
    event_id: str | None = None,
    **options: Unpack[Options],
) -> Receipt:
    """Accept one event for delivery, durably, or raise.

    Keywords: those of `Options`; `idempotency_key` (1 to 255 characters), under which the earlier receipt
    is given again; `event_id`, to repeat an enqueue whose answer was lost.

    Raises InvalidEventError, UnknownHookError, IdempotencyConflictError, LedgerUnavailableError,
    LedgerFullError (after any of these nothing was accepted) and EnqueueUnclearError, after which calling
    again with `event_id=error.event_id` is safe. Takes at most `enqueue_budget_ms` and a DNS lookup.
    """
    client = current()
    with Enqueueing(options.get("account", DEFAULT)) as span:
        envelope = seal(
            event, settings=client.settings, idempotency_key=idempotency_key, event_id=event_id, **options
        )
        receipt = _receipt(client.admit([envelope])[0])
        span.told([receipt])
    return receipt


async def aenqueue_event(
    event: EventLike,
    *,
    idempotency_key: str | None = None,
    event_id: str | None = None,
    **options: Unpack[Options],
) -> Receipt:
    """Do what `enqueue_event` does, without blocking the event loop.

    A cancelled call may have been accepted: where that matters, pass an `event_id` made by
    `new_event_id()` and enqueue again with it.
    """
    client = current()
    with Enqueueing(options.get("account", DEFAULT)) as span:
        envelope = seal(
            event, settings=client.settings, idempotency_key=idempotency_key, event_id=event_id, **options
        )
        receipt = _receipt((await client.aadmit([envelope]))[0])
        span.told([receipt])
    return receipt


def enqueue_events(
    events: Sequence[EventLike],
    *,
    idempotency_keys: Sequence[str | None] | None = None,
    event_ids: Sequence[str | None] | None = None,
    atomic: bool = False,
    **options: Unpack[Options],
) -> list[Answer]:
    """Accept many events; the answer has a receipt or an error for each, in order.

    One bad event does not sink the others. With `atomic=True` (at most 1000 events) all are accepted, or
    none is and the error is raised. `idempotency_keys` and `event_ids` stand in the events' order. Each
    script call has the budget of one enqueue; after one that Redis does not take, the rest is not tried.
    """
    client = current()
    with Enqueueing(options.get("account", DEFAULT), count=len(events)) as span:
        bulk = Bulk(events, idempotency_keys, event_ids, settings=client.settings, **options)
        if atomic:
            envelopes = bulk.whole()
            return all_or_none(envelopes, client.admit(envelopes, atomic=True)) if envelopes else []
        for chunk in bulk.chunks():
            bulk.take(client.admit(chunk))
        answers = bulk.answers()
        span.told(answers)
    return answers


async def aenqueue_events(
    events: Sequence[EventLike],
    *,
    idempotency_keys: Sequence[str | None] | None = None,
    event_ids: Sequence[str | None] | None = None,
    atomic: bool = False,
    **options: Unpack[Options],
) -> list[Answer]:
    """Do what `enqueue_events` does, without blocking the event loop."""
    client = current()
    with Enqueueing(options.get("account", DEFAULT), count=len(events)) as span:
        bulk = Bulk(events, idempotency_keys, event_ids, settings=client.settings, **options)
        if atomic:
            envelopes = bulk.whole()
            return all_or_none(envelopes, await client.aadmit(envelopes, atomic=True)) if envelopes else []
        for chunk in bulk.chunks():
            bulk.take(await client.aadmit(chunk))
        answers = bulk.answers()
        span.told(answers)
    return answers


def _receipt(answer: Answer) -> Receipt:
    if isinstance(answer, Receipt):
        return answer
    raise answer
