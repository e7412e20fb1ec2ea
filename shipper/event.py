"""Event: what an app says a customer did, checked as a whole and never changed again.

Here are the rules that no setting moves; `limits` has the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, SkipValidation, model_validator

from shipper.errors import InvalidEventError, Problem
from shipper.foreign import kind_of
from shipper.metadata import Snapshot, snapshot, text_problem

_KNOWN: Final = frozenset({"customer_id", "customerId", "email", "mobile", "events"})
_SPELLINGS: Final = {key.lower(): key for key in sorted(_KNOWN)}


class Event(BaseModel):
    """Say what a customer did: `{event name: metadata}`, with `{}` where there is nothing to add.

    `customer_id` is Gameball's lifelong id of the customer, `customerId` its other spelling; `email` and
    `mobile` serve accounts that merge channels by one of them, and are omitted when empty. What is given
    is copied: neither the caller nor a reader can change an event. Raises InvalidEventError with every
    problem and its path.
    """

    model_config = ConfigDict(frozen=True)

    customer_id: str
    email: str | None = None
    mobile: str | None = None
    events: Annotated[dict[str, dict[str, Any]], SkipValidation]

    @model_validator(mode="before")
    @classmethod
    def _read(cls, given: Any) -> dict[str, Any]:
        draft = draft_of(given)
        if draft.problems:
            raise InvalidEventError(draft.problems)
        return {
            "customer_id": draft.customer_id,
            "email": draft.email,
            "mobile": draft.mobile,
            "events": draft.metadata.events,
        }

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        """Show no metadata, email or mobile: what is shown ends up in logs."""
        return [("customer_id", self.customer_id), ("events", list(self.events))]


class Draft(NamedTuple):
    """Hold an event as far as it could be read, and every problem found on the way."""

    metadata: Snapshot
    problems: tuple[Problem, ...]
    customer_id: str = ""
    email: str | None = None
    mobile: str | None = None


def draft_of(given: object) -> Draft:
    """Read an event, or what could become one, without raising: problems are part of the answer.

    An Event is read again as well: it costs little, and pydantic has ways around its validators.
    """
    fields = vars(given) if isinstance(given, Event) else given
    if not isinstance(fields, Mapping):
        problem = Problem("", f"an event is a mapping, not {kind_of(given)}")
        return Draft(metadata=snapshot({}, []), problems=(problem,))
    problems = [] if _KNOWN.issuperset(fields) else _unknown_keys(fields)
    return Draft(
        customer_id=_customer_id(fields, problems),
        email=_contact("email", fields.get("email"), problems),
        mobile=_contact("mobile", fields.get("mobile"), problems),
        metadata=snapshot(fields.get("events"), problems),
        problems=tuple(problems),
    )


def _unknown_keys(fields: Mapping[Any, Any]) -> list[Problem]:
    return [_unknown_key(key) for key in fields if key not in _KNOWN]


def _unknown_key(key: object) -> Problem:
    if not isinstance(key, str):
        return Problem("", f"an event has no key that is {kind_of(key)}")
    shown = key if key.isidentifier() and len(key) <= 60 else ascii(key[:60])
    close = get_close_matches(key[:60].lower(), _SPELLINGS, n=1)
    if close:
        return Problem(shown, f"is unknown: did you mean {_SPELLINGS[close[0]]}?")
    return Problem(shown, "is unknown: an event has customer_id, email, mobile and events")


def _customer_id(fields: Mapping[Any, Any], problems: list[Problem]) -> str:
    """Take the id under either spelling; return an empty one after telling what is wrong."""
    found = [
        _text(name, fields[name], problems)
        for name in ("customer_id", "customerId")
        if fields.get(name) is not None
    ]
    if not found:
        problems.append(Problem("customer_id", "is missing"))
    elif len(found) == 2 and found[0] != found[1]:
        problems.append(Problem("customer_id", "differs from customerId: give one of them"))
    return found[0] or "" if found else ""


def _contact(name: str, given: object, problems: list[Problem]) -> str | None:
    """Take an email or a mobile; empty means none."""
    if given is None or (isinstance(given, str) and not given):
        return None
    return _text(name, given, problems)


def _text(name: str, given: object, problems: list[Problem]) -> str | None:
    if not isinstance(given, str):
        problems.append(Problem(name, f"is {kind_of(given)}: send it as a string"))
        return None
    wrong = text_problem(given)
    if wrong:
        problems.append(Problem(name, wrong))
        return None
    return str.__str__(given)
