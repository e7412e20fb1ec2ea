"""Flow: the samples of the counters that the sweep writes, of the last hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shipper.ledger.keys import key_of
from shipper.ledger.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """One line of the flow: the ledger's time in ms, and the numbers of that moment by name."""

    at: int
    numbers: Mapping[str, int]


def flow(ledger: Ledger) -> list[Drop]:
    """Read the samples, oldest first; a line that nobody of ours wrote is left out."""
    lines = ledger.ask("LRANGE", key_of(ledger.account, "flow"), 0, -1)
    drops = [read_drop(line) for line in reversed(lines)]
    return [drop for drop in drops if drop]


def read_drop(line: bytes) -> Drop | None:
    """Return a sample as `_flow.lua` wrote it."""
    at, *words = line.decode("ascii", "replace").split(" ")
    try:
        numbers = {name: int(float(value)) for name, value in zip(words[::2], words[1::2], strict=True)}
        return Drop(at=int(at), numbers=numbers)
    except (ValueError, OverflowError):
        return None
