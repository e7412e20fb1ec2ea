"""Edit: change what a dead letter says and send it again, in one script."""

from __future__ import annotations

from hashlib import sha1

from shipper.ledger.deed import Deed, write_deed
from shipper.ledger.operations.operation import Operation, time_or_now
from shipper.ledger.operations.restore import Stored
from shipper.ledger.record import read_tried


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
    """Give the letter that was `seen` another content, under the header's tail that goes with it.

    The reply is ok, changed (since it was seen), unclear (say that it may duplicate), no (no dead letter any
    more), unreadable or broken (its lane is corrupt: mend first).
    """
    seen_as = sha1(seen.record, usedforsecurity=False).hexdigest()  # what Lua has; it guards against slips
    life = read_tried(seen.numbers).life
    args = (time_or_now(now), seen.event_id, seen_as, life, int(may_duplicate), line, write_deed(deed))
    return Operation("edit", (*args, tail_header, body), bytes.decode)
