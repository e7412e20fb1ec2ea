"""Groups: dead letters by what they died of, counted while they come and go and never by a scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shipper.ledger.indices import Spot, size_of, spots_of
from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Dead letters with one reason, code, event name (known by its hash alone) and refused field."""

    reason: str
    code: str
    name: str
    field: str
    count: int

    @property
    def key(self) -> str:
        """Return what the ledger counts it by."""
        return f"{self.reason} {self.code} {self.name} {self.field}"

    @property
    def index(self) -> str:
        """Return the index that has these letters."""
        return f"g{self.key}"


def groups(ledger: Ledger) -> list[Group]:
    """Return every group, the largest first."""
    flat = ledger.ask("HGETALL", key_of(ledger.account, "groups"))
    found = []
    for key, size in zip(flat[::2], flat[1::2], strict=True):
        reason, code, name, *rest = key.decode().split(" ")
        field = rest[0] if rest else "-"
        found.append(Group(reason=reason, code=code, name=name, field=field, count=int(size)))
    return sorted(found, key=lambda group: (-group.count, group.key))


def customers_of(ledger: Ledger, some: Sequence[Group]) -> list[int]:
    """Return how many customers have letters in each of these groups."""
    if not some:
        return []
    counts = ledger.ask("HMGET", key_of(ledger.account, "people"), *(group.key for group in some))
    return [int(count or 0) for count in counts]


def doubtful_in(ledger: Ledger, group: Group) -> int:
    """Return of how many dead letters of a group a copy may be with Gameball."""
    return size_of(ledger, f"m{group.key}")


def ends_of(ledger: Ledger, group: Group) -> tuple[Spot, Spot] | None:
    """Return the oldest and newest letter of a group; None when its last one has just left."""
    oldest, newest = (
        next(spots_of(ledger, group.index, newest_first=newest_first, step=1), None)
        for newest_first in (False, True)
    )
    return (oldest, newest) if oldest and newest else None
