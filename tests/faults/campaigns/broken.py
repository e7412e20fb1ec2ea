"""Broken builds: each thing that keeps the promise is taken away once, and the checks must notice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.faults.broken import BUILDS, Build
from tests.faults.campaign import Campaign, Ground
from tests.faults.checks import CHECKS, Yard, yard_on
from tests.faults.field import first
from tests.faults.row import Row


def builds(ground: Ground) -> Iterator[Row]:
    """Let the true build pass every check, and no broken build pass those that are to catch it."""
    with yard_on(ground) as there:
        failed = [f"{name}: {said}" for name in CHECKS for said in CHECKS[name](there, "")]
        yield Row(
            fault="Nothing taken away",
            policy="-",
            injected=f"{len(CHECKS)} checks",
            load="the true build",
            problems=tuple(first(failed)),
        )
        for build in BUILDS:
            ground.say(f"without {build.lacks}")
            yield _row(there, build, all_checks=not ground.quick)


def _row(there: Yard, build: Build, *, all_checks: bool) -> Row:
    tried = CHECKS if all_checks else build.caught_by
    said = {name: CHECKS[name](there, build.name) for name in tried}
    caught = [name for name, complaints in said.items() if complaints]
    missed = [
        f"not caught by {name}, which should say {build.complaint!r}, and said {first(said[name])}"
        for name in build.caught_by
        if not build.caught(said[name])
    ]
    return Row(
        fault=f"Taken away: {build.lacks}",
        policy="-",
        injected=f"{len(tried)} checks",
        load="a broken build",
        note=f"caught by: {', '.join(caught)}",
        problems=tuple(missed),
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
