"""Page: docs/reliability.md, written from what the campaigns found, and a row as one line for a terminal."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from tests.faults.campaign import Campaign
from tests.faults.coverage import Covered, coverage
from tests.faults.history import Tally
from tests.faults.row import PEER, Row
from tests.faults.store import ROOT, Found, Store
from tests.support.programs import find_redis, find_valkey

PATH: Final = ROOT / "docs" / "reliability.md"
DASH: Final = "\N{EN DASH}"

INTRODUCTION: Final = Path(__file__).with_name("introduction.md")


def write(campaigns: Sequence[Campaign], store: Store, path: Path = PATH) -> None:
    """Write the page from the results that the store has; a campaign without one is named as not run."""
    path.write_text("\n".join(_parts(campaigns, store)).rstrip() + "\n")


def _parts(campaigns: Sequence[Campaign], store: Store) -> Iterator[str]:
    yield INTRODUCTION.read_text()
    results = {each.name: found for each in campaigns if (found := store.find(each.name))}
    yield _sum(campaigns, results)
    yield "## The matrix\n"
    for campaign in campaigns:
        yield from _section(campaign, results.get(campaign.name))
    yield "## What is proven where\n"
    yield "Each fault that must be survived, and the campaigns and tests that inject it.\n"
    for area, faults in groupby(coverage(), key=lambda covered: covered.area):
        yield f"### {area}\n"
        yield _covered(faults)


def _sum(campaigns: Sequence[Campaign], results: dict[str, Found]) -> str:
    rows = [row for found in results.values() for row in found.rows if row.promised]
    tallies = [row.tally for row in rows if row.tally]
    peer = [row.tally for found in results.values() for row in found.rows if row.policy == PEER and row.tally]
    green = sum(1 for found in results.values() if found.green)
    took = sum(found.took_s for found in results.values())
    servers = ", ".join(f"{each.name} {each.version}" for each in (find_redis(), find_valkey()) if each)
    ours = [
        f"{sum(each.acknowledged for each in tallies):,} events acknowledged under faults",
        f"**{sum(each.lost for each in tallies):,} lost**",
        f"{sum(each.duplicated for each in tallies):,} doubled",
        f"**{sum(each.unexplained or 0 for each in tallies):,} of them unexplained**",
    ]
    theirs = [
        f"{sum(each.acknowledged for each in peer):,} acknowledged",
        f"{sum(each.lost for each in peer):,} lost",
        f"{sum(each.waiting for each in peer):,} stuck",
        f"{sum(each.duplicated for each in peer):,} doubled",
    ]
    machine = f"on two cores (Python {platform.python_version()}, {servers})"
    return (
        "## In short\n\n"
        f"- {green} of {len(campaigns)} campaigns green, {took / 60:.0f} minutes of them in all, {machine}.\n"
        f"- Ours: {', '.join(ours)}.\n"
        f"- Celery done well, where the same faults make sense: {', '.join(theirs)}.\n"
    )


def _section(campaign: Campaign, found: Found | None) -> Iterator[str]:
    yield f"### {campaign.name}\n"
    yield f"{campaign.tells}\n"
    if found is None:
        yield "Not run yet.\n"
        return
    counted = [row for row in found.rows if row.tally is not None]
    checked = [row for row in found.rows if row.tally is None]
    if counted:
        yield _table(COLUMNS, (_cells(row, row.tally) for row in counted if row.tally))
    if checked:
        yield _table(CHECKED, (_checked(row) for row in checked))
    yield from (f"- {note}" for note in _notes(found.rows))
    wrong = [*([found.failure] if found.failure else []), *_wrongs(found.rows)]
    verdict = "green" if found.green else "**red**: " + "; ".join(wrong)
    yield f"\nSeed {found.seed}, {found.took_s} s, {verdict}.\n"


COLUMNS: Final = (
    *("fault", "policy", "injected", "load"),
    *("acknowledged", "in doubt (arrived)", "arrived", "dead", "unclear"),
    *("lost", "doubled", "unexplained", "recovery"),
)
CHECKED: Final = ("what", "policy", "injected", "over", "result")


def _cells(row: Row, counted: Tally) -> list[str]:
    cells = [
        row.fault,
        row.policy,
        row.injected,
        row.load,
        f"{counted.acknowledged:,}",
        f"{counted.doubtful:,} ({counted.recovered:,})" if counted.doubtful else "0",
        f"{counted.delivered:,}",
        f"{counted.dead:,}",
        f"{counted.unclear:,}",
        f"{counted.lost:,}" + (f" + {counted.waiting:,} stuck" if counted.waiting else ""),
        f"{counted.duplicated:,}",
        DASH if counted.unexplained is None else f"{counted.unexplained:,}",
        DASH if row.recovery_ms is None else f"{row.recovery_ms / 1000:.1f} s",
    ]
    return cells if row.promised else [f"*{cell}*" for cell in cells]


def _checked(row: Row) -> list[str]:
    result = "holds" if not row.wrongs else "; ".join(row.wrongs)
    cells = [row.fault, row.policy, row.injected, row.load, result]
    return cells if row.promised else [f"*{cell}*" for cell in cells]


def _notes(rows: Iterable[Row]) -> list[str]:
    return [f"{row.fault}, {row.policy}: {row.note}" for row in rows if row.note]


def _wrongs(rows: Iterable[Row]) -> list[str]:
    return [f"{row.fault}, {row.policy}: {wrong}" for row in rows if not row.green for wrong in row.wrongs]


def _covered(faults: Iterable[Covered]) -> str:
    lines = ([each.fault, each.must_hold, _places(each)] for each in faults)
    return _table(("fault", "must hold", "campaigns and tests"), lines)


def _places(covered: Covered) -> str:
    campaigns = [f"[{name}](#{name})" for name in covered.campaigns]
    files = dict.fromkeys(test.partition("::")[0] for test in covered.tests)
    return ", ".join([*campaigns, *(f"[{Path(file).stem}](../{file})" for file in files)])


def _table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [heads, ["---"] * len(heads), *([_cell(cell) for cell in line] for line in lines)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def in_one_line(row: Row) -> str:
    """Tell a row in a line of a terminal."""
    head = f"{row.fault}, {row.policy}: {row.injected}"
    if row.tally is None:
        return f"{head}; {row.load}: {'holds' if not row.wrongs else 'does not hold'}"
    counted = row.tally
    doubled = f"{counted.duplicated:,} doubled"
    if counted.unexplained is not None:
        doubled += f" ({counted.unexplained:,} unexplained)"
    recovery = "" if row.recovery_ms is None else f", at rest after {row.recovery_ms / 1000:.1f} s"
    return f"{head}; {counted.acknowledged:,} acknowledged, {counted.lost:,} lost, {doubled}{recovery}"
