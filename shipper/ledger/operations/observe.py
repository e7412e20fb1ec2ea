"""Observe: add what a worker has counted and timed to what all have told."""

from __future__ import annotations

from collections.abc import Mapping

from shipper.ledger.operations.operation import Operation, time_or_now


def observe(seen: Mapping[str, int], *, now: int | None = None) -> Operation[None]:
    """Add numbers by name. The one operation that counts twice if it is asked again: do not."""
    words = [word for name, number in seen.items() for word in (name, number)]
    return Operation("observe", (time_or_now(now), *words), _nothing)


def _nothing(_reply: object) -> None:
    return None
