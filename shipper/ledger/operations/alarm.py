"""Alarm: write down which marks are passed; the reply tells what has changed."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from shipper.ledger.operations.operation import Argument, Operation, time_or_now


def alarm(
    values: Mapping[str, int],
    marks: Mapping[str, int],
    passed: Container[str],
    *,
    held: bool,
    seen_at: int,
    now: int | None = None,
) -> Operation[dict[str, bool]]:
    """Raise and clear alarms by a look at the ledger's time `seen_at`; tell which changed: True is raised."""
    args: list[Argument] = [time_or_now(now), seen_at, int(held)]
    for name, value in values.items():
        args += [name, value, marks[name], int(name in passed)]
    return Operation("alarm", tuple(args), _read_changed)


def _read_changed(reply: list[Any]) -> dict[str, bool]:
    return {name.decode(): bool(raised) for name, raised in zip(reply[::2], reply[1::2], strict=True)}
