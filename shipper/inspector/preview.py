"""Preview: what dead letters would earn if they were sent again now, by Gameball's own word.

How Gameball is asked is the caller's: keys live in the workers' package alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Final, Literal

from shipper.errors import ShipperError
from shipper.inspector.choice import Choice, Told, ids_of, wants_a_yes
from shipper.keyring import Keyring
from shipper.ledger.contents import contents_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Shown, show
from shipper.outcome import State

CHUNK: Final = 50
"""Events shown by one script; at the pace of previews they are asked for within five seconds."""
EXAMPLES: Final = 20
"""Most events told of that would earn nothing, or of which nothing is known."""
CANNOT_OPEN: Final = "it cannot be read here"

Kind = Literal["earns", "nothing", "refused", "unknown"]


class PreviewError(ShipperError):
    """Say that Gameball previews nothing for this account: a key, or the address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What Gameball says of one event. `why` tells the reason of a refusal, or why nothing is known."""

    kind: Kind
    points: int = 0
    coupons: int = 0
    why: str = ""


Ask = Callable[[bytes], Quote]
"""Asks for the body of one event; raises PreviewError where asking for others is useless too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Previewed:
    """An event that would earn nothing, be refused, or of which nothing is known."""

    event_id: str
    kind: Kind
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a redrive of the chosen events would earn. `points` and the counts are of those asked for.

    What an answer did not tell is `unknown`, by its reason, and adds no points.
    """

    account: str
    chosen: int
    asked: int
    left_out: int
    """Unclear ones, where nobody said that they may be doubled, and those that are dead no more."""
    sampled: bool
    points: int
    coupons: int
    points_in_all: int
    """Of all that would be sent: the points, or what a sample makes likely."""
    earning: int
    nothing: int
    refused: dict[str, int]
    unknown: dict[str, int]
    examples: tuple[Previewed, ...]

    def over(self, budget: int) -> str:
        """Say why a redrive does not fit into a budget of points; empty if it does."""
        if self.points_in_all > budget:
            likely = " (likely, by the sample)" if self.sampled else ""
            return f"it would earn {self.points_in_all} points{likely}, more than the budget of {budget}"
        if self.sampled and not self.asked:
            return "none of the sample would be sent, so what the others would earn is not known"
        if self.asked and sum(self.unknown.values()) == self.asked:
            return "Gameball could not tell what any of these events would earn"
        return ""


def preview_of(
    ledger: Ledger,
    choice: Choice,
    keyring: Keyring,
    ask: Ask,
    *,
    may_duplicate: bool,
    sample: int | None = None,
    random: Random | None = None,
    told: Told | None = None,
) -> Preview:
    """Ask for each chosen event, one after the other, or for `sample` of them drawn at random."""
    sampled = sample is not None and sample < choice.count
    ids = _drawn(ids_of(ledger, choice, keyring), choice, sample if sampled else None, random or Random())  # noqa: S311 - no secret
    kinds: Counter[Kind] = Counter()
    whys: dict[Kind, Counter[str]] = {"refused": Counter(), "unknown": Counter()}
    points = coupons = left_out = 0
    examples: list[Previewed] = []
    for seen in _shown(ledger, ids):
        if seen is None or not _would_be_sent(seen, may_duplicate=may_duplicate):
            left_out += 1
        else:
            quote = _quote(ledger.account, seen, keyring, ask)
            kinds[quote.kind] += 1
            points, coupons = points + quote.points, coupons + quote.coupons
            if quote.kind in whys:
                whys[quote.kind][quote.why] += 1
            if quote.kind != "earns" and len(examples) < EXAMPLES:
                examples.append(Previewed(event_id=seen.event_id, kind=quote.kind, why=quote.why))
        if told:
            told(1)
    asked = kinds.total()
    looked_at = asked + left_out
    return Preview(
        account=ledger.account,
        chosen=choice.count,
        asked=asked,
        left_out=left_out,
        sampled=sampled,
        points=points,
        coupons=coupons,
        points_in_all=round(points * choice.count / looked_at) if sampled and looked_at else points,
        earning=kinds["earns"],
        nothing=kinds["nothing"],
        refused=dict(whys["refused"].most_common()),
        unknown=dict(whys["unknown"].most_common()),
        examples=tuple(examples),
    )


def _drawn(ids: Iterator[str], choice: Choice, sample: int | None, random: Random) -> Iterator[str]:
    if sample is None:
        return ids
    places = set(random.sample(range(choice.count), sample))
    return (event_id for i, event_id in enumerate(ids) if i in places)


def _shown(ledger: Ledger, ids: Iterable[str]) -> Iterator[Shown | None]:
    rest = iter(ids)
    while chunk := list(islice(rest, CHUNK)):
        yield from ledger.run(show(chunk))


def _would_be_sent(seen: Shown, *, may_duplicate: bool) -> bool:
    return seen.state in {State.DEAD, State.UNCLEAR} and (may_duplicate or not wants_a_yes(seen))


def _quote(account: str, seen: Shown, keyring: Keyring, ask: Ask) -> Quote:
    contents = contents_of(seen.record, keyring, account=account, event_id=seen.event_id)
    if seen.record is None or not contents.events:
        return Quote(kind="unknown", why=contents.unopened or CANNOT_OPEN)
    return ask(seen.record.opened(keyring, account=account, event_id=seen.event_id).body)
