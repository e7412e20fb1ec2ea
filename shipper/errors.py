"""Every error that the shipper raises or tells to a hook.

::

    ShipperError
    ├── InvalidEventError          the event breaks a rule; `.problems` lists all of them
    ├── IdempotencyConflictError   the same id or idempotency key came with other content
    ├── UnknownHookError           no completion hook of that name can exist
    ├── SettingsError              settings that cannot work; `.problems` lists all of them
    ├── LedgerUnavailableError     Redis did not answer in time; nothing was accepted
    ├── LedgerFullError            the backlog cap or Redis' memory is reached; nothing was accepted
    ├── EnqueueUnclearError        Redis may or may not have accepted; `.event_id` makes a retry safe
    ├── EventNotFoundError         the ledger knows no such event
    └── DeliveryError              never raised: given to completion hooks as `error`
        ├── RefusedError           Gameball refused the event for good
        ├── SpentError             every attempt was used
        ├── AgedError              the event grew older than its age limit
        ├── CrashedError           the event was under way in several workers that died
        ├── UnclearError           nobody knows whether Gameball applied it; it waits for a person
        └── DiscardedError         an operator discarded it before it was delivered

The first four are the caller's to mend; the next four speak of the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule: where (`events.purchase.total`) and what (`is NaN`)."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path} {self.message}" if self.path else self.message


class ShipperError(Exception):
    """Be the one class to catch for anything this package raises."""


class _ProblemsError(ShipperError):
    """Carry every problem found, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.problems,)


class InvalidEventError(_ProblemsError):
    """Refuse an event that Gameball would refuse, or that could not arrive as it was given."""


class SettingsError(_ProblemsError):
    """Refuse settings that cannot work, each problem named."""


class UnknownHookError(ShipperError):
    """Refuse a hook name that no `completion_hook` could ever have."""


class _EventError(ShipperError):
    """Speak of one event by its id."""

    def __init__(self, message: str, *, event_id: str) -> None:
        self.event_id = event_id
        super().__init__(message)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class IdempotencyConflictError(_EventError):
    """Refuse other content under an id or key that is taken; `.event_id` is the earlier event's."""


class EnqueueUnclearError(_EventError):
    """Say that the answer was lost, or that fewer replicas have the event than are waited for.

    Enqueue again with `event_id=error.event_id`, which is safe.

    For an atomic `enqueue_events`, `event_ids` are those of all its events, in order.
    """

    def __init__(self, message: str, *, event_id: str, event_ids: Sequence[str] = ()) -> None:
        super().__init__(message, event_id=event_id)
        self.event_ids: tuple[str, ...] = tuple(event_ids) or (event_id,)


class EventNotFoundError(_EventError):
    """Say that the ledger holds no event of this id, or has forgotten it after its retention."""


class LedgerUnavailableError(ShipperError):
    """Say that Redis did not take the request; nothing was accepted or changed."""


class LedgerFullError(ShipperError):
    """Say that the backlog cap or Redis' `maxmemory` is reached; nothing was accepted."""


class DeliveryError(ShipperError):
    """Tell a completion hook why its event was not delivered.

    `status` is the HTTP status (None when no answer came), `code` Gameball's error code,
    `request_id` what Gameball's support asks for, `attempts` how often the event was posted or
    tried to be.
    """

    def __init__(
        self,
        message: str,
        *,
        event_id: str,
        customer_id: str,
        events: dict[str, object],
        attempts: int,
        status: int | None = None,
        code: int | None = None,
        request_id: str | None = None,
    ) -> None:
        self.event_id = event_id
        self.customer_id = customer_id
        self.events = events
        self.attempts = attempts
        self.status = status
        self.code = code
        self.request_id = request_id
        super().__init__(message)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class RefusedError(DeliveryError):
    """Gameball refused the event: permanently, or vaguely and too often."""


class SpentError(DeliveryError):
    """Every attempt that the settings allow was used."""


class AgedError(DeliveryError):
    """The event was older than the settings allow when an attempt failed."""


class CrashedError(DeliveryError):
    """Three workers in a row died while this event was under way, alone."""


class UnclearError(DeliveryError):
    """An attempt may have reached Gameball, and the event's policy forbids to send it again."""


class DiscardedError(DeliveryError):
    """An operator discarded the event while it waited: it will not be delivered."""


def _rebuild(kind: type[Exception], args: tuple[object, ...], state: dict[str, object]) -> Exception:
    """Restore an error with keyword-only fields across processes (pickle)."""
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error
