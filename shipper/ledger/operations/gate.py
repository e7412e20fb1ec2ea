"""The operator's hold on an account: pause and resume."""

from __future__ import annotations

from shipper.ledger.deed import Deed, write_deed
from shipper.ledger.operations.operation import Operation, time_or_now


def pause(*, until: int | None = None, deed: Deed | None = None, now: int | None = None) -> Operation[int]:
    """Hold the account until a moment in ms, or until it is resumed."""
    return Operation("pause", (time_or_now(now), "" if until is None else until, write_deed(deed)), int)


def resume(*, deed: Deed | None = None, now: int | None = None) -> Operation[str | None]:
    """Lift any hold; the reply is why it was held."""
    return Operation(
        "resume", (time_or_now(now), write_deed(deed)), lambda reply: reply.decode() if reply else None
    )
