"""Page: docs/performance.md and its plots, written from what the parts found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Final

from benchmarks.finding import Table
from benchmarks.machine import machine, versions
from benchmarks.part import Part
from benchmarks.plot import svg
from benchmarks.store import ROOT, Kept, Store
from benchmarks.text import figure

PATH: Final = ROOT / "docs" / "performance.md"
PLOTS: Final = ROOT / "docs" / "performance"
COLUMNS: Final = 115

INTRODUCTION: Final = """\
# Performance

What this project costs beside what one would take instead: on one machine, the same Redis, the same far end
(a server in C that answers at once) and the same events. Each contestant is tuned as its documents advise:
[what runs exactly](../benchmarks/peers/). This page is written by

```bash
make bench                          # all parts, one after another; goes on where it was broken off
make bench ARGS="delivery --fresh"  # one of them, again; --list names them
make bench ARGS=--quick             # shows that everything works; does not write this page
```

**Ratios count.** Contestants take turns, round after round, so that whatever else the machine does hits all
alike; a figure is the median of the rounds, its spread the distance between the outermost. *Celery done
well* is `acks_late`, no results, a `Session` a thread, a process a core, the threads pool.
"""


def write(parts: Sequence[Part], store: Store, path: Path = PATH, plots: Path = PLOTS) -> None:
    """Write the page and its plots from the results that the store has; what is not measured is named."""
    found = {part: kept for part in parts if (kept := store.find(part.name))}
    plots.mkdir(parents=True, exist_ok=True)
    for kept in found.values():
        for plot in kept.finding.plots:
            (plots / f"{plot.name}.svg").write_text(svg(plot))
    missing = [part for part in parts if part not in found]
    path.write_text("\n".join(_lines(found, missing)).rstrip() + "\n")


def _lines(found: Mapping[Part, Kept], missing: Sequence[Part]) -> Iterator[str]:
    yield INTRODUCTION
    yield f"{fill(f'Measured on {machine()}; {versions()}.', COLUMNS)}\n"
    yield from _goals(found)
    if missing:
        names = ", ".join(f"{part.title.lower()} (`{part.name}`)" for part in missing)
        yield f"{fill(f'Not measured in full yet: {names}.', COLUMNS)}\n"
    for part, kept in found.items():
        yield f"## {part.title}\n"
        yield f"{fill(part.about, COLUMNS)}\n"
        yield from _section(kept)


def _goals(found: Mapping[Part, Kept]) -> Iterator[str]:
    yield "## The goals\n"
    yield "What was asked for beforehand, and what this run found. What is not met is in bold.\n"
    yield "| | goal | measured | | command |"
    yield "|---|---:|---:|---|---|"
    for part, kept in found.items():
        for goal in kept.finding.goals:
            verdict = goal.verdict if goal.met else f"**{goal.verdict}**"
            asked, measured = (
                f"{goal.sign} {figure(goal.limit)}{goal.unit}",
                f"{figure(goal.found)}{goal.unit}",
            )
            yield f"| {goal.name} | {asked} | {measured} | {verdict} | `make bench ARGS={part.name}` |"
    yield ""


def _section(kept: Kept) -> Iterator[str]:
    for plot in kept.finding.plots:
        yield f"![{plot.title}](performance/{plot.name}.svg)\n"
    for table in kept.finding.tables:
        yield from _table(table)
    rounds = "one round" if kept.rounds == 1 else f"{kept.rounds} rounds"
    yield f"<sub>`make bench ARGS={kept.name}`, {rounds}, {kept.took_s} s, sources `{kept.sources}`</sub>\n"


def _table(table: Table) -> Iterator[str]:
    yield f"**{table.title}**\n"
    yield f"| {' | '.join(table.header)} |"
    yield "|---" + "|---:" * (len(table.header) - 1) + "|"
    for row in table.rows:
        yield f"| {' | '.join(row)} |"
    yield ""
    if table.note:
        yield f"{table.note}\n"
