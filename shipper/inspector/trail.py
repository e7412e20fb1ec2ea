"""Trail: what operators did: who, when, how many, which ids, and why. Nothing tells who a customer is."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from shipper.envelope import lane_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.letters import Filter
from shipper.ledger.trail import MOST_IDS, Entry, entries, runs
from shipper.mask import mask_text

MOST_NAME: Final = 64
NOBODY: Final = "?"
"""Stands for an operator who has no name."""
TIMES: Final = ("since", "until")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailEntry:
    """One entry of the audit log. `ids` are those it is about, at most a hundred of the `count`.

    A large deed has several entries, of one `deed`; `place` is where the next page begins.
    """

    at: int
    account: str
    operator: str
    action: str
    about: str
    count: int
    ids: tuple[str, ...]
    deed: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailFilter:
    """Which entries are wanted; what is None is not asked for. `since` is ms. `job` finds all of `job.…`."""

    operator: str | None = None
    action: str | None = None
    event_id: str | None = None
    since: int | None = None


def trail_of(
    ledger: Ledger,
    wanted: TrailFilter,
    *,
    limit: int | None = None,
    beyond: str | None = None,
    folded: bool = False,
) -> Iterator[TrailEntry]:
    """Yield entries, newest first, from the other side of the place `beyond`.

    `folded` makes one of those of a large deed that follow each other, with the newest hundred ids.
    """
    if folded and not wanted.event_id:
        found = runs(ledger, beyond=beyond, since=wanted.since)
    else:  # what a deed did to one event stands in one of its entries alone
        found = entries(ledger, beyond=beyond, since=wanted.since, event_id=wanted.event_id or "")
    seen = (_seen(ledger.account, each) for each in found if _is_wanted(each, wanted))
    return islice(_folded(seen) if folded else seen, limit)


def _folded(seen: Iterator[TrailEntry]) -> Iterator[TrailEntry]:
    """Make one of what follows each other of a deed, holding no more than what is told of it.

    What an older version wrote comes entry by entry.
    """
    whole: TrailEntry | None = None
    for entry in seen:
        if whole and (whole.deed, whole.action) == (entry.deed, entry.action):
            ids = (whole.ids + entry.ids)[:MOST_IDS]
            whole = replace(whole, count=whole.count + entry.count, ids=ids, place=entry.place)
        else:
            if whole:
                yield whole
            whole = entry
    if whole:
        yield whole


def name_of(operator: str) -> str:
    """Return an operator's name as it may stand on the log: printable, and not too long."""
    printable = "".join(char for char in operator if unicodedata.category(char)[0] not in "CZ" or char == " ")
    return printable.strip()[:MOST_NAME] or NOBODY


def described(wanted: Filter) -> str:
    """Return a filter as a text that names no customer: `reason=refused code=3009`; `all` for none."""
    said = [(field.name, getattr(wanted, field.name)) for field in fields(wanted)]
    return " ".join(_part(name, value) for name, value in said if value is not None) or "all"


def _part(name: str, value: Any) -> str:
    if name == "customer_id":
        return f"lane={lane_of(value)}"
    if name == "text":
        return "text=…"  # answers repeat what a customer said
    if name in TIMES:
        return f"{name}={datetime.fromtimestamp(value / 1000, UTC).isoformat(timespec='milliseconds')[:-6]}Z"
    text = mask_text(str(value), email=None, mobile=None)
    return f"{name}={text}"


def _is_wanted(entry: Entry, wanted: TrailFilter) -> bool:
    did = entry.deed.did
    return wanted.operator in {None, entry.deed.by} and (
        wanted.action in {None, did} or did.startswith(f"{wanted.action}.")
    )


def _seen(account: str, entry: Entry) -> TrailEntry:
    return TrailEntry(
        at=entry.at,
        account=account,
        operator=entry.deed.by,
        action=entry.deed.did,
        about=entry.deed.about,
        count=entry.count,
        ids=entry.ids,
        deed=entry.deed.name,
        place=entry.place,
    )
