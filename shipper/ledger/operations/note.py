"""Note: put a deed on the audit log that no script of the ledger carries out by itself."""

from __future__ import annotations

from collections.abc import Sequence

from shipper.ledger.deed import Deed, write_deed
from shipper.ledger.operations.operation import Operation, time_or_now


def note(deed: Deed, *, count: int = 0, ids: Sequence[str] = (), now: int | None = None) -> Operation[int]:
    """Put a deed on the audit log; the reply is how many entries it has. At most a hundred ids an entry."""
    return Operation("note", (time_or_now(now), write_deed(deed), count, *ids), int)
