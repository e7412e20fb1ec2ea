"""Bulk: many events of one call, sealed together, admitted in chunks, answered in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from shipper.admission import Answer, Receipt
from shipper.envelope import Envelope, seal
from shipper.errors import (
    EnqueueUnclearError,
    InvalidEventError,
    LedgerUnavailableError,
    Problem,
    ShipperError,
)
from shipper.event import Event
from shipper.ledger.operations import BATCH
from shipper.settings import Settings

ATOMIC_MOST: Final = 1000
"""Most events of an atomic call: it is one script call, and everything else on Redis waits for it."""


class Bulk:
    """Gather the answers of a bulk; whatever cannot be sealed is answered before Redis is asked."""

    def __init__(
        self,
        events: Sequence[Event | Mapping[str, Any]],
        idempotency_keys: Sequence[str | None] | None,
        event_ids: Sequence[str | None] | None,
        *,
        settings: Settings,
        **options: Any,
    ) -> None:
        keys, ids = (
            _beside(events, "idempotency_keys", idempotency_keys),
            _beside(events, "event_ids", event_ids),
        )
        self._answers: list[Answer | Envelope] = []
        for event, key, event_id in zip(events, keys, ids, strict=True):
            try:
                self._answers.append(
                    seal(event, settings=settings, idempotency_key=key, event_id=event_id, **options)
                )
            except InvalidEventError as error:
                self._answers.append(error)

    def chunks(self) -> Iterator[list[Envelope]]:
        """Yield what is still to be admitted, at most a script call's worth at a time."""
        while waiting := [answer for answer in self._answers if isinstance(answer, Envelope)]:
            yield waiting[:BATCH]

    def take(self, admitted: Sequence[Answer]) -> None:
        """Put a chunk's answers in their places. After an outage the rest is not tried, and told so."""
        answers = iter(admitted)
        outage: LedgerUnavailableError | None = None
        for i, envelope in enumerate(self._answers):
            if not isinstance(envelope, Envelope):
                continue
            answer = next(answers, None)
            if answer is None and outage is None:
                break
            self._answers[i] = answer or _not_tried(envelope, outage)
            if isinstance(answer, LedgerUnavailableError | EnqueueUnclearError):
                outage = LedgerUnavailableError(
                    f"not tried after an earlier event of the bulk failed: {answer}"
                )

    def answers(self) -> list[Answer]:
        """Return an answer for each event, in order."""
        return [answer for answer in self._answers if not isinstance(answer, Envelope)]

    def whole(self) -> list[Envelope]:
        """Return all envelopes for an atomic call; raise InvalidEventError with all problems."""
        if len(self._answers) > ATOMIC_MOST:
            problem = Problem(
                "", f"an atomic call takes at most {ATOMIC_MOST} events, not {len(self._answers)}"
            )
            raise InvalidEventError([problem])
        problems = [
            Problem(f"[{i}].{problem.path}".rstrip("."), problem.message)
            for i, answer in enumerate(self._answers)
            if isinstance(answer, InvalidEventError)
            for problem in answer.problems
        ]
        if problems:
            raise InvalidEventError(problems)
        return [answer for answer in self._answers if isinstance(answer, Envelope)]


def all_or_none(envelopes: Sequence[Envelope], admitted: Sequence[Answer]) -> list[Answer]:
    """Return the receipts of an atomic call, or raise what kept it from being accepted."""
    unclear = [answer for answer in admitted if isinstance(answer, EnqueueUnclearError)]
    if unclear:
        ids = [
            answer.event_id if isinstance(answer, Receipt) else envelope.event_id
            for envelope, answer in zip(envelopes, admitted, strict=True)
        ]
        message = (
            "the events may or may not have been accepted: enqueue all again with event_ids=error.event_ids"
        )
        raise EnqueueUnclearError(message, event_id=ids[0], event_ids=ids) from unclear[0]
    errors = [answer for answer in admitted if isinstance(answer, ShipperError)]
    if errors:
        raise next((error for error in errors if not isinstance(error, LedgerUnavailableError)), errors[0])
    return list(admitted)


def _not_tried(envelope: Envelope, outage: LedgerUnavailableError | None) -> ShipperError:
    if envelope.explicit:
        return EnqueueUnclearError(
            f"event {envelope.event_id} could not be asked about: {outage}", event_id=envelope.event_id
        )
    assert outage is not None  # noqa: S101 - the loop has just seen it
    return outage


def _beside(events: Sequence[Any], name: str, given: Sequence[str | None] | None) -> Sequence[str | None]:
    if given is None:
        return [None] * len(events)
    if len(given) != len(events):
        raise ValueError(f"{name} has {len(given)} items for {len(events)} events")
    return given
