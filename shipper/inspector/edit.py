"""Edit: change what a dead letter says, under the rules of a new event, and send it again.

Its id, customer and contacts stay, and so does its fingerprint: docs/decisions/0011-edited-events.md.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from shipper.envelope import Envelope, ShipperWarning, seal
from shipper.errors import EventNotFoundError, InvalidEventError, Problem, ShipperError
from shipper.inspector.change import Change, changed
from shipper.inspector.difference import Difference, differences
from shipper.inspector.now import ledger_now
from shipper.inspector.timeline import EDITED
from shipper.keyring import Keyring
from shipper.ledger.deed import Deed
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Draft, Stored, edit_all, show, stored
from shipper.ledger.record import Record, Tried, read_record, read_tried
from shipper.outcome import OnUnclear
from shipper.settings import Settings

MOST_PLACES: Final = 20
MOST_TOLD: Final = 500
"""Characters of the places that the history keeps."""

Word = Literal["ok", "same", "invalid", "changed", "unclear", "no", "unreadable", "broken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What would become of a letter. It can be sent where something differs and nothing is wrong."""

    event_id: str
    account: str
    unclear: bool
    """Gameball may have it already: what it says now may come on top."""
    before: Mapping[str, Any] = field(repr=False)
    after: Mapping[str, Any] = field(repr=False)
    differences: tuple[Difference, ...]
    problems: tuple[Problem, ...]
    seen: Stored = field(repr=False)
    """The letter as it was read: one that has changed since is not touched."""

    @property
    def mark(self) -> str:
        """Return what tells this letter from what it was before, or will be: see `mark_of`."""
        return mark_of(read_tried(self.seen.numbers), self.seen.ended_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """What was done: `ok` and sent again, or why it was not.

    `same` (nothing differs), `invalid` (the problems), `changed` (by somebody else meanwhile), `unclear` (say
    that it may duplicate), `no` (no dead letter any more), `unreadable`, `broken`.
    """

    event_id: str
    account: str
    result: Word
    differences: tuple[Difference, ...]
    problems: tuple[Problem, ...]


class NotEditableError(ShipperError):
    """Say that an event is no dead letter, or none whose content can be read here."""


def mark_of(tried: Tried, ended_at: int | None) -> str:
    """Return what is another one after each edit of an event, and each time it was sent again.

    Who changes what they read a while ago says the mark of that, so that nobody overwrites anybody. It is no
    hash of what the event says: a viewer could try mobile numbers until one fits.
    """
    return f"{tried.life}.{ended_at or 0}"


def propose(ledger: Ledger, settings: Settings, event_id: str, change: Change) -> Edit:
    """Say what a change would make of a letter, every problem included; nothing is touched.

    Raises EventNotFoundError, and NotEditableError.
    """
    return edit_of(_letter(ledger, event_id), settings, change, account=ledger.account)


def edit_of(seen: Stored, settings: Settings, change: Change, *, account: str) -> Edit:
    """Say what a change would make of a letter as it was read; raise NotEditableError. Asks nobody."""
    record = _opened(seen, settings.keyring, account=account)
    body = record.event
    after, wrong = changed(body["events"], change)
    problems: Sequence[Problem] = wrong
    if not problems:
        problems = _problems(body | {"events": after}, record, settings, seen=seen, account=account)
    return Edit(
        event_id=seen.event_id,
        account=account,
        unclear=seen.state == "unclear" or (record.park and read_tried(seen.numbers).causes > 0),
        before=body["events"],
        after=after,
        differences=differences(body["events"], after),
        problems=tuple(problems),
        seen=seen,
    )


def redrive_edited(
    ledger: Ledger, settings: Settings, proposed: Edit, *, may_duplicate: bool, deed: Deed
) -> Edited:
    """Change the letter and send it again, in one script; what it said before is gone from then on."""
    return Edited(
        event_id=proposed.event_id,
        account=ledger.account,
        result=_carry_out(ledger, settings, proposed, may_duplicate=may_duplicate, deed=deed),
        differences=proposed.differences,
        problems=proposed.problems,
    )


def _carry_out(
    ledger: Ledger, settings: Settings, proposed: Edit, *, may_duplicate: bool, deed: Deed
) -> Word:
    if proposed.problems:
        return "invalid"
    if not proposed.differences:
        return "same"
    at = ledger_now(ledger)
    draft = draft_of(proposed, settings, may_duplicate=may_duplicate, by=deed.by, at=at)
    (word,) = ledger.run(edit_all([draft], may_duplicate=may_duplicate, deed=deed))
    return cast("Word", word)


def draft_of(proposed: Edit, settings: Settings, *, may_duplicate: bool, by: str, at: int) -> Draft:
    """Seal what a letter says from now on, with the line of its history; only of an edit that can be sent."""
    record = _opened(proposed.seen, settings.keyring, account=proposed.account)
    event = record.event | {"events": dict(proposed.after)}
    sealed = _sealed(event, record, settings, seen=proposed.seen, account=proposed.account)
    line = _line(proposed, settings.keyring, may_duplicate=may_duplicate, by=by, at=at)
    return Draft(seen=proposed.seen, tail_header=sealed.tail_header, body=sealed.body, line=line)


def _letter(ledger: Ledger, event_id: str) -> Stored:
    (seen,) = ledger.run(stored([event_id]))
    if seen:
        return seen
    (shown,) = ledger.run(show([event_id]))
    if shown is None:
        raise EventNotFoundError(
            f"the ledger of account {ledger.account} holds no event {event_id}", event_id=event_id
        )
    raise NotEditableError(f"event {event_id} is {shown.state.value}, no dead letter: it cannot be edited")


def _opened(seen: Stored, keyring: Keyring, *, account: str) -> Record:
    record = read_record(seen.record)
    if record is None:
        raise NotEditableError(
            f"the record of event {seen.event_id} cannot be read: it can only be discarded"
        )
    opened = record.opened(keyring, account=account, event_id=seen.event_id)
    try:
        body: Any = opened.event
    except ValueError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("events"), dict):
        raise NotEditableError(f"event {seen.event_id} holds no JSON of an event: it can only be discarded")
    return opened


def _problems(
    event: dict[str, Any], record: Record, settings: Settings, *, seen: Stored, account: str
) -> Sequence[Problem]:
    try:
        _sealed(event, record, settings, seen=seen, account=account)
    except InvalidEventError as error:
        return error.problems
    return ()


def _sealed(
    event: dict[str, Any], record: Record, settings: Settings, *, seen: Stored, account: str
) -> Envelope:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ShipperWarning)  # it was said to the app that enqueued it
        return seal(
            event,
            settings=settings,
            event_id=seen.event_id,
            hook=record.hook or None,
            on_unclear=OnUnclear.PARK if record.park else OnUnclear.RETRY,
            solo=record.solo,
            account=account,
            context=record.context,
        )


def _line(proposed: Edit, keyring: Keyring, *, may_duplicate: bool, by: str, at: int) -> bytes:
    """Return the edit for the history: who and where, not what. Keys of metadata are the customer's too."""
    places = [each.place for each in proposed.differences]
    told = ", ".join(places[:MOST_PLACES])[:MOST_TOLD]
    if len(places) > MOST_PLACES:
        told += f" and {len(places) - MOST_PLACES} more"
    line = {
        "at": at,
        "outcome": EDITED,
        "by": by,
        "places": keyring.encrypt_text(told, account=proposed.account, event_id=proposed.event_id),
        "may_duplicate": may_duplicate,
    }
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
