"""Admission: how envelopes enter the ledger, as steps that ask for operations and never wait themselves.

A blocking and an asynchronous driver carry the same steps out, so that both promise the same.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from shipper.envelope import Envelope
from shipper.errors import (
    EnqueueUnclearError,
    IdempotencyConflictError,
    InvalidEventError,
    LedgerFullError,
    LedgerUnavailableError,
    Problem,
    ShipperError,
)
from shipper.ledger.failure import ReplicasBehindError, ReplyLostError
from shipper.ledger.ledger import AsyncLedger, Ledger
from shipper.ledger.operations import Admission, Operation, enqueue, peek
from shipper.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Say that an event is accepted. `duplicate`: it had been before, and `event_id` is the earlier one's."""

    event_id: str
    account: str
    duplicate: bool = False


Answer = Receipt | ShipperError
T = TypeVar("T")
Steps = Generator[Operation[Any], Any, T]


def drive(ledger: Ledger, steps: Steps[T], *, until: int) -> T:
    """Carry steps out, blocking, before `until` (monotonic ms)."""
    try:
        operation = next(steps)
        while True:
            try:
                reply = ledger.run(operation, until=until)
            except ShipperError as error:
                operation = steps.throw(error)
            else:
                operation = steps.send(reply)
    except StopIteration as end:
        answer: T = end.value
        return answer


async def adrive(ledger: AsyncLedger, steps: Steps[T], *, until: int) -> T:
    """Carry steps out without blocking the event loop."""
    try:
        operation = next(steps)
        while True:
            try:
                reply = await ledger.run(operation, until=until)
            except ShipperError as error:
                operation = steps.throw(error)
            else:
                operation = steps.send(reply)
    except StopIteration as end:
        answer: T = end.value
        return answer


def admit(envelopes: Sequence[Envelope], settings: Settings, *, atomic: bool = False) -> Steps[list[Answer]]:
    """Accept envelopes of one account in one script call: a receipt or an error for each, in order."""
    try:
        admissions: list[Admission] = yield enqueue(envelopes, settings, atomic=atomic)
    except LedgerFullError as full:
        return (yield from _known_though_full(envelopes, settings, full))
    except ReplicasBehindError as behind:
        judged = zip(envelopes, behind.answer, strict=True)
        return [_unless_accepted(_answer(envelope, admission), behind) for envelope, admission in judged]
    except LedgerUnavailableError as error:
        return [_unanswered(envelope, error) for envelope in envelopes]
    return [_answer(envelope, admission) for envelope, admission in zip(envelopes, admissions, strict=True)]


def _known_though_full(
    envelopes: Sequence[Envelope], settings: Settings, full: LedgerFullError
) -> Steps[list[Answer]]:
    """Look for the earlier event of a retry: a full Redis refuses the script before it can tell."""
    answers: list[Answer] = []
    for envelope in envelopes:
        if not envelope.explicit and not envelope.key_hash:
            answers.append(full)
            continue
        try:
            found: tuple[str, str] | None = yield peek(envelope, replicas=settings.wait_replicas)
        except ReplicasBehindError as behind:
            earlier = _earlier(envelope, *behind.answer) if behind.answer else full
            answers.append(_unless_accepted(earlier, behind))
            continue
        except LedgerUnavailableError as error:
            answers.append(_unclear(envelope, error))
            continue
        answers.append(_earlier(envelope, *found) if found else full)
    return answers


def _earlier(envelope: Envelope, event_id: str, fingerprint: str) -> Answer:
    same = fingerprint == envelope.fingerprint
    return _answer(envelope, Admission("dup" if same else "conflict", event_id))


def _unanswered(envelope: Envelope, error: LedgerUnavailableError) -> ShipperError:
    """A lost answer is unclear, and so is a retry of one that could not be asked about."""
    if isinstance(error, ReplyLostError) or envelope.explicit:
        return _unclear(envelope, error)
    return error


def _unclear(envelope: Envelope, error: LedgerUnavailableError) -> EnqueueUnclearError:
    unclear = EnqueueUnclearError(
        f"event {envelope.event_id} may have been accepted: enqueue it again with this event_id ({error})",
        event_id=envelope.event_id,
    )
    unclear.__cause__ = error
    return unclear


def _unless_accepted(answer: Answer, behind: ReplicasBehindError) -> Answer:
    """Turn a receipt that too few replicas know of into what it is worth; a refusal stays one."""
    if not isinstance(answer, Receipt):
        return answer
    unclear = EnqueueUnclearError(
        f"event {answer.event_id} is accepted on the primary, where a failover may lose it: enqueue it again"
        f" with this event_id, which is safe and waits again ({behind})",
        event_id=answer.event_id,
    )
    unclear.__cause__ = behind
    return unclear


def _answer(envelope: Envelope, admission: Admission) -> Answer:
    event_id = admission.event_id
    match admission.word:
        case "ok":
            return Receipt(event_id=event_id, account=envelope.account)
        case "dup":
            return Receipt(event_id=event_id, account=envelope.account, duplicate=True)
        case "conflict":
            return IdempotencyConflictError(
                f"event {event_id} was accepted under this id or idempotency key with other content",
                event_id=event_id,
            )
        case "full":
            return LedgerFullError("the backlog cap is reached: nothing was accepted; see shipper status")
        case "stale":
            problem = Problem(
                "event_id",
                "is older than the ledger remembers ids: its first enqueue may have been accepted and"
                " forgotten; look before enqueueing it anew",
            )
            return InvalidEventError([problem])
        case "early":
            problem = Problem("event_id", "is from the future: check this machine's clock")
            return InvalidEventError([problem])
        case "broken":
            return LedgerUnavailableError(
                "the customer's lane is corrupt: nothing was accepted; run shipper mend"
            )
        case "withheld":
            return LedgerUnavailableError(
                "another event of the atomic call was refused: nothing was accepted"
            )
