"""Reasons: the dead letters grouped by reason, Gameball's code, event name and refused field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shipper.inspector.advice import advice_of
from shipper.keyring import Keyring
from shipper.ledger.contents import Contents, contents_of
from shipper.ledger.groups import Group, customers_of, doubtful_in, ends_of, groups
from shipper.ledger.ledger import Ledger
from shipper.ledger.letters import NO_FIELD, Spot
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
    field: str | None
    """Which field Gameball's answer names."""
    count: int
    customers: int
    doubtful: int
    """Of so many a copy may be with Gameball already: an answer or a worker was lost before they died."""
    first_at: int
    last_at: int
    example: str
    means: str
    helps: str
    command: str
    """What usually helps, as a command; it takes this group and no other where the event name is known."""
    edit: str | None = None
    """Where a change may mend them, the command that tries one; what stands in capitals is yours to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """The largest groups, and how many smaller ones are left out."""

    groups: tuple[ReasonGroup, ...]
    left_out: int


def reasons_of(ledger: Ledger, keyring: Keyring, *, most: int = MOST, name_account: bool = False) -> Reasons:
    """Tell the largest groups; what it costs depends on their number, not on that of the letters.

    `name_account`: commands say which account they are for.
    """
    found = groups(ledger)
    ends = [(group, place) for group in found[:most] if (place := ends_of(ledger, group))]
    examples = _examples(ledger, ends, keyring)
    customers = customers_of(ledger, [group for group, _ in ends])
    return Reasons(
        groups=tuple(
            _seen(
                ledger,
                group,
                place,
                example=examples[group.index],
                customers=number,
                name_account=name_account,
            )
            for (group, place), number in zip(ends, customers, strict=True)
        ),
        left_out=len(found) - len(found[:most]),
    )


def _seen(
    ledger: Ledger,
    group: Group,
    place: tuple[Spot, Spot],
    *,
    example: Contents,
    customers: int,
    name_account: bool,
) -> ReasonGroup:
    first, last = place
    code = int(group.code) if group.code.isdigit() else None
    field = None if group.field == NO_FIELD else group.field
    name = example.name_of(group.name)
    advice = advice_of(
        reason=group.reason,
        code=code,
        event_name=name,
        field=field,
        account=ledger.account if name_account else None,
        is_property=name is not None and field is not None and example.has_once(name, field),
    )
    return ReasonGroup(
        account=ledger.account,
        reason=group.reason,
        code=code,
        event_name=name,
        field=field,
        count=group.count,
        customers=customers,
        doubtful=doubtful_in(ledger, group),
        first_at=first.ended_at,
        last_at=last.ended_at,
        example=last.event_id,
        means=advice.means,
        helps=advice.helps,
        command=advice.command,
        edit=advice.edit,
    )


def _examples(
    ledger: Ledger, ends: list[tuple[Group, tuple[Spot, Spot]]], keyring: Keyring
) -> dict[str, Contents]:
    """Read the groups' examples: in them are the event names, which the ledger keeps as hashes."""
    found: dict[str, Contents] = {}
    for i in range(0, len(ends), CHUNK):
        chunk = ends[i : i + CHUNK]
        examples = ledger.run(show([last.event_id for _, (_, last) in chunk]))
        for (group, (_, last)), example in zip(chunk, examples, strict=True):
            record = example.record if example else None
            contents = contents_of(record, keyring, account=ledger.account, event_id=last.event_id)
            found[group.index] = contents
    return found
