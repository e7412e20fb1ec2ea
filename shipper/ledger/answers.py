"""Answers: what Gameball said of dead letters, found by a text in it.

Answers that differ in values alone are of one kind, and each kind has an index. So a text is looked for in
one answer of each kind, read from a letter's history, and not in a million. Beyond some hundreds of kinds
all others share an index, whose letters are read one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from shipper.keyring import DamagedError, Keyring
from shipper.ledger.contents import Contents, contents_of
from shipper.ledger.indices import Spot, spots_of
from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger
from shipper.ledger.record import read_history, read_record
from shipper.mask import mask_text
from shipper.refusal import SHARED_KIND, kind_of, kind_says, normalised, says

EXAMPLES: Final = 3
"""Letters of a kind that are tried, newest first, until one's answer can be read."""
CHUNK: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """Kinds of answers that contain a text, each with about how many letters; those of `unsure` may."""

    sizes: Mapping[str, int] = field(default_factory=dict)
    unsure: frozenset[str] = frozenset()


def kinds_that_say(ledger: Ledger, text: str, keyring: Keyring) -> Kinds:
    """Look for a text in an answer of each kind; raise LockedError for one whose key is not at hand.

    An empty text is in none: whoever asks for it has left out what they meant.
    """
    if not text.strip():
        return Kinds()
    flat = ledger.ask("HGETALL", key_of(ledger.account, "kinds"))
    sizes = {kind.decode(): int(size) for kind, size in zip(flat[::2], flat[1::2], strict=True)}
    normal = dict(_examples(ledger, sorted(sizes.keys() - {SHARED_KIND}), keyring))
    found = {
        kind: None if kind == SHARED_KIND or kind not in normal else kind_says(normal[kind], text)
        for kind in sizes
    }
    return Kinds(
        sizes={kind: sizes[kind] for kind, said in found.items() if said is not False},
        unsure=frozenset(kind for kind, said in found.items() if said is None),
    )


def those_that_say(ledger: Ledger, spots: Sequence[Spot], text: str, keyring: Keyring) -> list[Spot]:
    """Keep the letters whose last answer contains a text, as it is shown: each is read.

    What is hidden there is not found: whoever may not see a mobile could else try numbers until one is, and
    whoever may would see it without that being written down. Raises LockedError as above.
    """
    found: list[Spot] = []
    for i in range(0, len(spots), CHUNK):
        chunk = spots[i : i + CHUNK]
        answers = _answers(ledger, [spot.event_id for spot in chunk], keyring)
        said = {spot: said[0] for spot, said in zip(chunk, answers, strict=True) if said}
        likely = [spot for spot, answer in said.items() if says(answer, text)]
        hides = _hides(ledger, [spot.event_id for spot in likely], keyring)
        found += [spot for spot, hide in zip(likely, hides, strict=True) if says(said[spot], text, hide=hide)]
    return found


def _examples(ledger: Ledger, kinds: Sequence[str], keyring: Keyring) -> Iterator[tuple[str, str]]:
    """Find an answer of each kind, without its values; a kind whose letters just left has none."""
    ids = {
        kind: [spot.event_id for spot, _ in zip(spots_of(ledger, f"k{kind}", step=1), range(1), strict=False)]
        for kind in kinds
    }
    missing = list(kinds)
    for attempt in range(EXAMPLES):
        chosen = [(kind, ids[kind][attempt]) for kind in missing if len(ids[kind]) > attempt]
        missing = []
        for i in range(0, len(chosen), CHUNK):
            chunk = chosen[i : i + CHUNK]
            answers = _answers(ledger, [event_id for _, event_id in chunk], keyring)
            for (kind, _), said in zip(chunk, answers, strict=True):
                answer = next((each for each in said if kind_of(each) == kind), None)
                if answer is not None:
                    yield kind, normalised(answer)
                else:
                    missing.append(kind)
        for kind in missing:
            first = spots_of(ledger, f"k{kind}", step=EXAMPLES)
            ids[kind] = [spot.event_id for spot, _ in zip(first, range(EXAMPLES), strict=False)]


def _answers(ledger: Ledger, ids: Sequence[str], keyring: Keyring) -> list[list[str]]:
    """Return the answers on the histories of some letters, latest first; none where one was changed."""
    stored = ledger.ask("HMGET", key_of(ledger.account, "why"), *ids) if ids else []
    return [
        list(_opened(ledger.account, event_id, history or b"", keyring))
        for event_id, history in zip(ids, stored, strict=True)
    ]


def _hides(ledger: Ledger, ids: Sequence[str], keyring: Keyring) -> list[Callable[[str], str]]:
    """Return what hides, in a text about each of some letters, whom it is about."""
    stored = ledger.ask("HMGET", key_of(ledger.account, "rec"), *ids) if ids else []
    return [
        partial(
            _hidden,
            whom=contents_of(read_record(each or b""), keyring, account=ledger.account, event_id=event_id),
        )
        for event_id, each in zip(ids, stored, strict=True)
    ]


def _hidden(text: str, *, whom: Contents) -> str:
    return mask_text(text, email=whom.email, mobile=whom.mobile) or ""


def _opened(account: str, event_id: str, history: bytes, keyring: Keyring) -> Iterator[str]:
    for line in reversed(read_history(history)):
        answer = line.get("answer")
        if isinstance(answer, str):
            try:
                yield keyring.open_text(answer, account=account, event_id=event_id)
            except DamagedError:
                continue
