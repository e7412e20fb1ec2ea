"""Letter: a dead or unclear event as it stands in a list, with email and mobile masked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from shipper.keyring import Keyring
from shipper.ledger.contents import contents_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.letters import LOOKED, UNCLEAR, Filter, Spot, leaf
from shipper.ledger.operations import Shown, show
from shipper.mask import mask_email, mask_mobile
from shipper.outcome import State

CHUNK: Final = 200
"""Events shown by one script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A line of the list. `status`, `code` and `request_id` are those of its last attempt."""

    event_id: str
    account: str
    state: State
    reason: str
    code: int | None
    field: str | None
    """Which field Gameball's answer names."""
    event_names: tuple[str, ...]
    customer_id: str | None
    email: str | None
    mobile: str | None
    unopened: str | None
    """Why its content is not shown, where it cannot be opened."""
    status: int | None
    request_id: str | None
    attempts: int
    hook: str | None
    accepted_at: int | None
    ended_at: int

    @property
    def spot(self) -> Spot:
        """Return where it stands in the list."""
        return Spot(self.ended_at, self.event_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some letters, newest first; `beyond` is where the next page begins, None after the last.

    A page with a place to go on from may be short, or empty: the work for one page is bounded.
    """

    letters: tuple[Letter, ...]
    beyond: Spot | None


def page_of(
    ledger: Ledger,
    wanted: Filter,
    keyring: Keyring,
    *,
    limit: int,
    beyond: Spot | None = None,
    looked: int = LOOKED,
) -> Page:
    """Return at most `limit` letters, newest first, having looked at no more than about `looked`."""
    found = leaf(ledger, wanted, limit=limit, keyring=keyring, beyond=beyond, most=looked)
    return Page(
        letters=tuple(letters_of(ledger, [spot.event_id for spot in found.spots], keyring)),
        beyond=found.beyond,
    )


def letters_of(ledger: Ledger, ids: Iterable[str], keyring: Keyring) -> Iterator[Letter]:
    """Return the letters of these ids; those that have just left the dead letters are left out."""
    rest = iter(ids)
    while chunk := list(islice(rest, CHUNK)):
        for seen in ledger.run(show(chunk)):
            if seen and seen.ended_at and seen.state in {State.DEAD, State.UNCLEAR}:
                yield _letter(ledger.account, seen, seen.ended_at, keyring)


def last_attempt(history: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the last line of a history that tells of an attempt; empty for none."""
    return next((line for line in reversed(history) if "number" in line), {})


def _letter(account: str, seen: Shown, ended_at: int, keyring: Keyring) -> Letter:
    contents = contents_of(seen.record, keyring, account=account, event_id=seen.event_id)
    last = last_attempt(seen.history)
    return Letter(
        event_id=seen.event_id,
        account=account,
        state=seen.state,
        reason=seen.tried.reason or UNCLEAR,
        code=seen.tried.code,
        field=seen.tried.field or None,
        event_names=contents.event_names,
        customer_id=contents.customer_id,
        email=mask_email(contents.email),
        mobile=mask_mobile(contents.mobile),
        unopened=contents.unopened,
        status=last.get("status"),
        request_id=last.get("request_id"),
        attempts=seen.tried.number,
        hook=(seen.record.hook if seen.record else "") or None,
        accepted_at=seen.record.accepted_at if seen.record else None,
        ended_at=ended_at,
    )
