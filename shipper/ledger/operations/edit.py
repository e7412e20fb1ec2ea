"""Edit: change what dead letters say and send them again, of each both or neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha1

from shipper.ledger.deed import Deed, write_deed
from shipper.ledger.operations.operation import Argument, Operation, time_or_now, words
from shipper.ledger.operations.restore import Stored
from shipper.ledger.record import read_tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Another content for the letter that was `seen`, under the header's tail that goes with it."""

    seen: Stored
    tail_header: bytes
    body: bytes = field(repr=False)
    line: bytes
    """For its history."""


def edit(
    seen: Stored,
    *,
    tail_header: bytes,
    body: bytes,
    may_duplicate: bool,
    line: bytes,
    deed: Deed | None = None,
    now: int | None = None,
) -> Operation[str]:
    """Give one letter another content; the reply is the one word of `edit_all`. It is due at once."""
    draft = Draft(seen=seen, tail_header=tail_header, body=body, line=line)
    asked = edit_all([draft], may_duplicate=may_duplicate, deed=deed, now=now)
    return Operation("edit", asked.args, lambda reply: words(reply)[0])


def edit_all(
    drafts: Sequence[Draft],
    *,
    may_duplicate: bool,
    spread_ms: int = 0,
    after_ms: int = 0,
    deed: Deed | None = None,
    now: int | None = None,
) -> Operation[list[str]]:
    """Give letters another content, each due `spread_ms` after the one before, the first after `after_ms`.

    For each ok, changed (since it was seen), unclear (say that it may duplicate), no (no dead letter any
    more), unreadable or broken (its lane is corrupt: mend first).
    """
    args: list[Argument] = [time_or_now(now), spread_ms, after_ms, int(may_duplicate), write_deed(deed)]
    for draft in drafts:
        # SHA-1 is what Lua has; it guards against slips.
        seen_as = sha1(draft.seen.record, usedforsecurity=False).hexdigest()
        life = read_tried(draft.seen.numbers).life
        args += [draft.seen.event_id, seen_as, life, draft.line, draft.tail_header, draft.body]
    return Operation("edit", tuple(args), words)
