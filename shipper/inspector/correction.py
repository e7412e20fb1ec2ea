"""Correction: one change made to many letters, each under the rules of a new event, and all sent again.

The cure for a reason that holds thousands: what a deploy broke in each of them is mended in each of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from shipper.inspector.change import Change
from shipper.inspector.choice import EXAMPLES, SPREAD_MS, Choice, Handled, Left, Told, ids_of
from shipper.inspector.difference import Difference
from shipper.inspector.edit import Edit, NotEditableError, draft_of, edit_of
from shipper.inspector.now import ledger_now
from shipper.inspector.timeline import IMPORTED
from shipper.keyring import DamagedError
from shipper.ledger.deed import Deed
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Stored, edit_all, stored
from shipper.ledger.record import read_history
from shipper.settings import Settings

READ: Final = 20
"""Letters read by one script: each may hold 64 KiB."""
WRITTEN: Final = 60
"""Letters changed by one script, if they hold no more than these bytes: keeps it under 10 ms."""
MOST_BYTES: Final = 256 * 1024
MOST_PROBLEMS: Final = 20
"""Different problems that are told apart."""
OTHER: Final = "other problems"


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What a change would make of the letters that were chosen; nothing has been touched.

    It `fits` so many, of which `unclear` may be with Gameball as they were; `event_id` and `differences` are
    of the oldest. The rest stays dead: `left` has them by reason (same: nothing differs; invalid: it would
    break a rule, by `problems`; unreadable; no: no letter any more), `examples` the first hundred of them.
    """

    account: str
    fits: int
    unclear: int
    left: dict[str, int]
    problems: dict[str, int]
    examples: tuple[Left, ...]
    event_id: str | None
    differences: tuple[Difference, ...]

    def left_alone(self, *, may_duplicate: bool) -> Handled:
        """Tell what is done when it is not carried out, since nothing would be sent again."""
        left = self.left if may_duplicate or not self.unclear else self.left | {"unclear": self.unclear}
        return Handled(account=self.account, done=0, left=left, examples=self.examples)


def correct(
    ledger: Ledger, settings: Settings, choice: Choice, change: Change, *, told: Told | None = None
) -> Correction:
    """Try a change on every letter that was chosen; raise LockedError where a key is missing."""
    trial = _Trial()
    for edits in _edits(ledger, settings, choice, change):
        for event_id, found in edits:
            trial.add(event_id, found)
        if told:
            told(len(edits))
    return trial.outcome(ledger.account)


class _Trial:
    """Gather what a change would make of one letter after the other."""

    def __init__(self) -> None:
        self._fitting = 0
        self._unclear = 0
        self._first: Edit | None = None
        self._left: Counter[str] = Counter()
        self._problems: Counter[str] = Counter()
        self._examples: list[Left] = []

    def add(self, event_id: str, found: Edit | str) -> None:
        word = _word(found)
        if isinstance(found, Edit) and word == "ok":
            self._fit(found)
            return
        self._left[word] += 1
        if len(self._examples) < EXAMPLES:
            self._examples.append(Left(event_id=event_id, why=word))
        if isinstance(found, Edit):
            self._count_problems(found)

    def outcome(self, account: str) -> Correction:
        return Correction(
            account=account,
            fits=self._fitting,
            unclear=self._unclear,
            left=dict(self._left),
            problems=dict(self._problems.most_common()),
            examples=tuple(self._examples),
            event_id=self._first.event_id if self._first else None,
            differences=self._first.differences if self._first else (),
        )

    def _fit(self, edit: Edit) -> None:
        self._fitting += 1
        self._unclear += edit.unclear
        self._first = self._first or edit

    def _count_problems(self, edit: Edit) -> None:
        for text in map(str, edit.problems):
            known = text in self._problems or len(self._problems) < MOST_PROBLEMS
            self._problems[text if known else OTHER] += 1


def redrive_corrected(
    ledger: Ledger,
    settings: Settings,
    choice: Choice,
    change: Change,
    *,
    may_duplicate: bool,
    spread_ms: int = SPREAD_MS,
    told: Told | None = None,
    deed: Deed,
) -> Handled:
    """Change the letters that fit and send them again, oldest first, each due `spread_ms` after another.

    Each is changed and sent in one script or not at all: cut short, it is gone on with by running it again.
    """
    words: Counter[str] = Counter()
    examples: list[Left] = []
    at = ledger_now(ledger)
    for edits in _edits(ledger, settings, choice, change):
        drafts = [
            draft_of(found, settings, may_duplicate=may_duplicate, by=deed.by, at=at)
            for _, found in edits
            if isinstance(found, Edit) and _word(found) == "ok"
        ]
        asked = edit_all(
            drafts,
            may_duplicate=may_duplicate,
            spread_ms=spread_ms,
            after_ms=words["ok"] * spread_ms,
            deed=deed,
        )
        answered = dict(
            zip((draft.seen.event_id for draft in drafts), ledger.run(asked) if drafts else (), strict=True)
        )
        results = [(event_id, answered.get(event_id, _word(found))) for event_id, found in edits]
        words.update(word for _, word in results)
        left = (Left(event_id=event_id, why=word) for event_id, word in results if word != "ok")
        examples += islice(left, EXAMPLES - len(examples))
        if told:
            told(len(edits))
    done = words.pop("ok", 0)
    return Handled(account=ledger.account, done=done, left=dict(words), examples=tuple(examples))


def described_change(change: Change) -> str:
    """Say a change as the audit log keeps it: names of events, and how much else; no place, no value."""
    said = [f"rename {old} to {new}" for old, new in change.renames.items()]
    for what, places in (
        ("moved", change.moves),
        ("made a number", change.numbers),
        ("set", change.sets),
        ("taken out", change.unsets),
    ):
        said += [f"{len(places)} {what}"] if places else []
    return ", ".join(said)


def _edits(
    ledger: Ledger, settings: Settings, choice: Choice, change: Change
) -> Iterator[list[tuple[str, Edit | str]]]:
    """Yield, some at a time, what a change would make of each letter, or the word for why of none."""
    ids = ids_of(ledger, choice, settings.keyring)
    found: list[tuple[str, Edit | str]] = []
    size = 0
    while chunk := list(islice(ids, READ)):
        letters = ledger.run(stored(chunk))
        for event_id, seen in zip(chunk, letters, strict=True):
            late = seen is not None and _came_later(seen, choice.at)
            edited = "later" if late else _edit(seen, settings, change, account=ledger.account)
            found.append((event_id, edited))
            size += len(seen.record) if seen else 0
        if len(found) >= WRITTEN or size >= MOST_BYTES:
            yield found
            found, size = [], 0
    if found:
        yield found


def _came_later(seen: Stored, moment: int) -> bool:
    """Tell whether it is a letter, or is here, only since it was chosen, as a redrive would say."""
    came: list[int] = [
        line.get("at", 0) for line in read_history(seen.history) if line.get("outcome") == IMPORTED
    ]
    return max(seen.ended_at, *came, 0) >= moment


def _edit(seen: Stored | None, settings: Settings, change: Change, *, account: str) -> Edit | str:
    if seen is None:
        return "no"
    try:
        return edit_of(seen, settings, change, account=account)
    except (NotEditableError, DamagedError):
        return "unreadable"


def _word(found: Edit | str) -> str:
    match found:
        case Edit(problems=problems) if problems:
            return "invalid"
        case Edit(differences=differences):
            return "ok" if differences else "same"
        case str(word):
            return word
