"""Reasons: the dead letters grouped by reason, Gameball's code and event name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shipper.inspector.contents import contents_of
from shipper.keyring import Keyring
from shipper.ledger.ledger import Ledger
from shipper.ledger.letters import Group, Spot, ends_of, groups
from shipper.ledger.operations import show

CHUNK: Final = 200
MOST: Final = 100
"""Groups told unless more are asked for: each costs two commands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonGroup:
    """How many letters share a reason, since when, and the newest of them as an example.

    An event of several names counts in a group for each.
    """

    account: str
    reason: str
    code: int | None
    event_name: str | None
    """None when the example has just left, or cannot be read."""
    count: int
    first_at: int
    last_at: int
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """The largest groups, and how many smaller ones are left out."""

    groups: tuple[ReasonGroup, ...]
    left_out: int


def reasons_of(ledger: Ledger, keyring: Keyring, *, most: int = MOST) -> Reasons:
    """Tell the largest groups; what it costs depends on their number, not on that of the letters."""
    found = groups(ledger)
    ends = [(group, place) for group in found[:most] if (place := ends_of(ledger, group))]
    names = _names(ledger, ends, keyring)
    return Reasons(
        groups=tuple(
            ReasonGroup(
                account=ledger.account,
                reason=group.reason,
                code=int(group.code) if group.code.isdigit() else None,
                event_name=names.get(group.index),
                count=group.count,
                first_at=first.ended_at,
                last_at=last.ended_at,
                example=last.event_id,
            )
            for group, (first, last) in ends
        ),
        left_out=len(found) - len(found[:most]),
    )


def _names(
    ledger: Ledger, ends: list[tuple[Group, tuple[Spot, Spot]]], keyring: Keyring
) -> dict[str, str | None]:
    """Find the groups' event names, which the ledger keeps as hashes, in their examples."""
    names: dict[str, str | None] = {}
    for i in range(0, len(ends), CHUNK):
        chunk = ends[i : i + CHUNK]
        examples = ledger.run(show([last.event_id for _, (_, last) in chunk]))
        for (group, (_, last)), example in zip(chunk, examples, strict=True):
            record = example.record if example else None
            contents = contents_of(record, keyring, account=ledger.account, event_id=last.event_id)
            names[group.index] = contents.name_of(group.name)
    return names
