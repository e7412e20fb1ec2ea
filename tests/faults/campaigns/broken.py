"""Broken builds: each thing that keeps the promise is taken away once, and the checks must notice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.faults.broken import BUILDS, Build
from tests.faults.campaign import Campaign, Ground
from tests.faults.checks import CHECKS, Yard, yard
from tests.faults.row import Row

MOST_PROBLEMS: Final = 8


def builds(ground: Ground) -> Iterator[Row]:
    """Let the true build pass every check, and no broken build pass those that are to catch it."""
    server = ground.server()
    server.start()
    try:
        with yard(server, ground.place("yard")) as there:
            failed = [f"{name}: {said}" for name in CHECKS for said in CHECKS[name](there, "")]
            yield Row(
                fault="Nothing taken away",
                policy="-",
                injected=f"{len(CHECKS)} checks",
                load="the true build",
                problems=tuple(failed[:MOST_PROBLEMS]),
            )
            for build in BUILDS:
                ground.say(f"without {build.lacks}")
                yield _row(there, build, all_checks=not ground.quick)
    finally:
        server.kill()


def _row(there: Yard, build: Build, *, all_checks: bool) -> Row:
    tried = CHECKS if all_checks else build.caught_by
    caught = [name for name in tried if CHECKS[name](there, build.name)]
    missed = [name for name in build.caught_by if name not in caught]
    return Row(
        fault=f"Taken away: {build.lacks}",
        policy="-",
        injected=f"{len(tried)} checks",
        load="a broken build",
        note=f"caught by: {', '.join(caught)}",
        problems=tuple(f"not caught by {name}" for name in missed),
    )


CAMPAIGNS: Final = (
    Campaign(
        name="broken-builds",
        tells="Each rule that keeps the promise is taken away once, in the test harness, and the checks that"
        " the true build passes must fail.",
        run=builds,
        minutes=4,
    ),
)
