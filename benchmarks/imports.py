"""Imports: what a web app and a shell pay before anything is done."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.finding import Finding, Goal, Spread, Table, spread_of
from benchmarks.part import Effort, Part

STARTS: Final = 15
BARE_CLICK: Final = "import click; click.command()(lambda: None)(['--help'])"
USED: Final = "from shipper import enqueue_event"
"""What an app writes: `import shipper` alone would load nothing."""
COMMANDS: Final = {
    "python, nothing": (sys.executable, "-c", "pass"),
    "import redis, pydantic": (sys.executable, "-c", "import redis, pydantic"),
    USED: (sys.executable, "-c", USED),
    "click --help, bare": (sys.executable, "-c", BARE_CLICK),
    "shipper --help": (str(Path(sys.executable).parent / "shipper"), "--help"),
}


def main(effort: Effort) -> Finding:
    """Start processes in turn; a round is the median of its starts."""
    rounds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for number in range(effort.rounds):
        effort.say(f"imports, round {number + 1}")
        times: dict[str, list[float]] = {name: [] for name in COMMANDS}
        for _ in range(effort.scaled(STARTS, 3)):
            for name, command in COMMANDS.items():
                times[name].append(_start_ms(command))
        for name, starts in times.items():
            rounds[name].append(spread_of(starts).middle)
    found = {name: spread_of(each) for name, each in rounds.items()}
    rows = tuple((name, f"{each.middle:.0f}", f"{each.width:.0%}") for name, each in found.items())
    note = "The ratio of the imports leaves out what an empty Python takes."
    table = Table(title="Processes from start to end", header=("", "ms", "spread"), rows=rows, note=note)
    return Finding(tables=(table,), goals=_goals(found))


def _start_ms(command: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own commands
    return (time.perf_counter() - began) * 1000


def _goals(found: dict[str, Spread]) -> tuple[Goal, ...]:
    nothing = found["python, nothing"].middle
    ours, others = (found[name].middle - nothing for name in (USED, "import redis, pydantic"))
    shell = found["shipper --help"].middle / found["click --help, bare"].middle
    return (
        Goal(
            name="Import of shipper beside redis and pydantic",
            sign="≤",
            limit=1.5,
            found=ours / others,
            unit=" x",
        ),
        Goal(name="`shipper --help` beside bare click", sign="≤", limit=2, found=shell, unit=" x"),
    )


PART: Final = Part(
    name="imports",
    title="Imports and `--help`",
    about="Processes timed from outside, the files in the page cache.",
    minutes=1,
    main=main,
)
