"""Plan: how the letters that are wanted are found: along which indices, and what else is asked of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from shipper.envelope import lane_of, name_hash
from shipper.keyring import Keyring
from shipper.ledger.answers import Kinds, kinds_that_say, those_that_say
from shipper.ledger.filter import NO_CODE, NO_FIELD, REASONS, Filter
from shipper.ledger.groups import Group, groups
from shipper.ledger.indices import Spot, size_of, those_in
from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.record import Tried, read_tried

MOST_RANGES: Final = 64
"""Indices that are walked side by side: each costs a command a step."""
MOST_GROUPS: Final = 5000
"""Where there are more, a plan does not read them all."""

Keep = Callable[[Ledger, list[Spot]], list[Spot]]
"""Keeps the letters that are wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Indices that together have every letter that is wanted, and what being in them tells."""

    indices: tuple[str, ...]
    size: int
    tells: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The way that is walked, and what is asked of its letters besides, the cheapest first."""

    way: Way
    keeps: tuple[Keep, ...] = ()
    reads: bool = False
    """Answers are read, one by one."""

    @property
    def exact(self) -> bool:
        """Tell whether the sizes of the indices add up to the number of letters."""
        overlap = "reason" in self.way.tells and "code" in self.way.tells and "names" not in self.way.tells
        return not self.keeps and not overlap


def plan_of(ledger: Ledger, wanted: Filter, keyring: Keyring | None, *, way: Way | None = None) -> Plan:
    """Choose the smallest way to what is wanted, or take the one that is given."""
    kinds = None
    if wanted.text is not None:
        if keyring is None:
            raise ValueError("to look for a text takes a keyring: answers may be encrypted")
        kinds = kinds_that_say(ledger, wanted.text, keyring)
    way = way or min(_ways(ledger, wanted, kinds), key=lambda way: way.size)
    keeps: list[Keep] = []
    if _asked(wanted) - way.tells:
        keeps.append(partial(_those_with_numbers, fits=partial(_fits, wanted=wanted, kinds=kinds)))
    if wanted.event_name is not None and "names" not in way.tells:
        keeps.append(partial(_those_in, index=f"n{name_hash(wanted.event_name)}"))
    if wanted.customer_id is not None and "lane" not in way.tells:
        keeps.append(partial(_those_in, index=f"l{lane_of(wanted.customer_id)}"))
    if kinds and kinds.unsure and wanted.text is not None and keyring:
        keeps.append(partial(_those_that_say, text=wanted.text, keyring=keyring))
    return Plan(way=way, keeps=tuple(keeps), reads=bool(kinds and kinds.unsure))


def _asked(wanted: Filter) -> frozenset[str]:
    """Name what the numbers of a letter tell, as far as it is asked for."""
    asked = {
        "reason": len(wanted.reasons) < len(REASONS),
        "code": wanted.code is not None,
        "field": wanted.field is not None,
        "kind": wanted.text is not None,
    }
    return frozenset(name for name, is_asked in asked.items() if is_asked)


def _ways(ledger: Ledger, wanted: Filter, kinds: Kinds | None) -> Iterator[Way]:
    if kinds is not None and len(kinds.sizes) <= MOST_RANGES:
        yield Way(
            indices=tuple(f"k{kind}" for kind in kinds.sizes),
            size=sum(kinds.sizes.values()),
            tells=frozenset({"kind"}),
        )
    if wanted.customer_id is not None:
        yield _way(ledger, wanted, f"l{lane_of(wanted.customer_id)}", tells="lane")
    if several := _way_by_groups(ledger, wanted):
        yield several
        return
    if wanted.code is not None:
        yield _way(ledger, wanted, f"c{wanted.code}", tells="code")
    if wanted.event_name is not None:
        yield _way(ledger, wanted, f"n{name_hash(wanted.event_name)}", tells="names")
    if wanted.field is not None:
        yield _way(ledger, wanted, f"f{wanted.field}", tells="field")
    yield _way(ledger, wanted, *(f"r{reason}" for reason in wanted.reasons), tells="reason")


def _way(ledger: Ledger, wanted: Filter, *indices: str, tells: str) -> Way:
    size = sum(size_of(ledger, index, wanted.window) for index in indices)
    return Way(indices=indices, size=size, tells=frozenset({tells}))


def _way_by_groups(ledger: Ledger, wanted: Filter) -> Way | None:
    """Take the groups that fit where two or more of their parts are asked for; None for too many."""
    asked = _asked(wanted) - {"kind"} | ({"names"} if wanted.event_name is not None else set())
    fitting = fitting_groups(ledger, wanted) if len(asked) >= 2 else None
    if fitting is None or len(fitting) > MOST_RANGES:
        return None
    tells = {"reason", "code", "field"} | (set() if wanted.event_name is None else {"names"})
    return Way(
        indices=tuple(group.index for group in fitting),
        size=sum(group.count for group in fitting),
        tells=frozenset(tells),
    )


def fitting_groups(ledger: Ledger, wanted: Filter) -> list[Group] | None:
    """Return the groups that all letters that are wanted are in; None for too many."""
    if ledger.ask("HLEN", key_of(ledger.account, "groups")) > MOST_GROUPS:
        return None
    name = None if wanted.event_name is None else name_hash(wanted.event_name)
    return [group for group in groups(ledger) if _group_fits(group, wanted, name)]


def _group_fits(group: Group, wanted: Filter, name: str | None) -> bool:
    return (
        group.reason in wanted.reasons
        and wanted.code in {None, group.code}
        and wanted.field in {None, group.field}
        and name in {None, group.name}
    )


def _those_in(ledger: Ledger, spots: list[Spot], *, index: str) -> list[Spot]:
    return those_in(ledger, index, spots)


def _those_that_say(ledger: Ledger, spots: list[Spot], *, text: str, keyring: Keyring) -> list[Spot]:
    return those_that_say(ledger, spots, text, keyring)


def _those_with_numbers(ledger: Ledger, spots: list[Spot], *, fits: Callable[[Tried], bool]) -> list[Spot]:
    stored: Sequence[bytes | None] = (
        ledger.ask("HMGET", key_of(ledger.account, "st"), *(spot.event_id for spot in spots)) if spots else []
    )
    return [spot for spot, numbers in zip(spots, stored, strict=True) if fits(read_tried(numbers or b""))]


def _fits(tried: Tried, *, wanted: Filter, kinds: Kinds | None) -> bool:
    code = NO_CODE if tried.code is None else str(tried.code)
    return (
        tried.reason in wanted.reasons
        and wanted.code in {None, code}
        and wanted.field in {None, tried.field or NO_FIELD}
        and (kinds is None or tried.kind in kinds.sizes)
    )
