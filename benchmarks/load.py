"""Load: fill a contestant's queue, or print its workers' commands, in a process of its own.

`python -m benchmarks.load MODULE EVENTS A_CUSTOMER` enqueues; `python -m benchmarks.load MODULE WORKERS`
prints a command a line, its words apart by tabs.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from typing import Any

NAMES = ("view_product", "add_to_cart", "sign_in", "write_review", "spin_wheel")
TEXT = "as described " * 14


def events(count: int, per_customer: int) -> Iterator[dict[str, Any]]:
    """Yield events of about 300 bytes; those of a customer have different names, and come in a row."""
    for number in range(count):
        customer, of = divmod(number, per_customer)
        metadata = {"n": number, "text": TEXT}
        yield {"customerId": f"c-{customer}", "events": {NAMES[of % len(NAMES)]: metadata}}


def main(module: str, what: str, per_customer: str = "") -> None:
    """Do what the command line says."""
    contestant = importlib.import_module(f"benchmarks.peers.{module}")
    if per_customer:
        contestant.load(events(int(what), int(per_customer)))
    else:
        print("\n".join("\t".join(command) for command in getattr(contestant, what)))


if __name__ == "__main__":
    main(*sys.argv[1:])
