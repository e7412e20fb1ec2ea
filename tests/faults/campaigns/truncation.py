"""Truncation: the append-only file is cut at every byte of every script's work, and loaded."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from tests.faults.campaign import Campaign, Ground
from tests.faults.field import first
from tests.faults.row import Row
from tests.faults.truncation import cuts_of, every_byte_of_each, judge, tell
from tests.support.programs import find_redis, find_valkey


def cut_everywhere(ground: Ground) -> Iterator[Row]:
    """Cut the file of a stroll through every script; load each part on a server of its own."""
    program = find_redis() or find_valkey()
    assert program is not None, "neither Redis nor Valkey is here: run `make install`"
    told = tell(program, ground.place("told"))
    chance = Random(ground.seed)  # noqa: S311 - reproducible is the point
    everywhere = cuts_of(told, chance, most=300 if ground.quick else 10_000)
    cuts = everywhere if ground.quick else sorted({*everywhere, *every_byte_of_each(told)})
    ground.say(f"{len(cuts):,} cuts of a file of {told.steps[-1].size:,} bytes")
    yield Row(
        fault="append-only file cut off",
        policy="-",
        injected=f"{len(cuts):,} cuts, each loaded by a server",
        load=f"{len(told.steps)} transitions by {len({step.script for step in told.steps})} scripts",
        note="each loaded as the ledger before or after a transition, whole",
        problems=tuple(first(judge(told, cuts, ground.place("cuts")))),
    )


CAMPAIGNS: Final = (
    Campaign(
        name="truncation",
        tells="The append-only file is cut at both ends of every command and at every byte of one transition"
        " of each script. Redis must start on the rest, and each transition be there whole or not at all.",
        run=cut_everywhere,
        minutes=8,
        sources=(
            "shipper",
            "tests/ledger",
            "tests/faults/truncation.py",
            "tests/faults/campaigns/truncation.py",
        ),
    ),
)
