"""Page: docs/reliability.md, written from what the campaigns found, and a row as one line for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from tests.faults.campaign import Campaign
from tests.faults.coverage import Covered, coverage
from tests.faults.history import Tally
from tests.faults.row import PEER, Row
from tests.faults.store import PRODUCT, ROOT, Found, Store, hashes_of

PATH: Final = ROOT / "docs" / "reliability.md"
DASH: Final = "\N{EN DASH}"

INTRODUCTION: Final = Path(__file__).with_name("introduction.md")


def write(campaigns: Sequence[Campaign], store: Store, path: Path = PATH) -> None:
    """Write the page from the results that the store has; a campaign without one is named as not run."""
    path.write_text("\n".join(_parts(campaigns, store)).rstrip() + "\n")


def _parts(campaigns: Sequence[Campaign], store: Store) -> Iterator[str]:
    yield INTRODUCTION.read_text()
    results = {each.name: found for each in campaigns if (found := store.find(each.name))}
    product = hashes_of(PRODUCT)
    yield _sum(campaigns, results)
    yield from _changed(results, product)
    yield "## The matrix\n"
    for campaign in campaigns:
        yield from _section(campaign, results.get(campaign.name), product)
    yield "## What is proven where\n"
    yield "Each fault that must be survived, and the campaigns and tests that inject it.\n"
    for area, faults in groupby(coverage(), key=lambda covered: covered.area):
        yield f"### {area}\n"
        yield _covered(faults)


def _sum(campaigns: Sequence[Campaign], results: Mapping[str, Found]) -> str:
    green = sum(1 for found in results.values() if found.green)
    took = sum(found.took_s for found in results.values())
    machines = "; ".join(dict.fromkeys(found.machine for found in results.values()))
    promised = [row.tally for found in results.values() for row in found.rows if row.promised and row.tally]
    compared = [found for found in results.values() if any(row.policy == PEER for row in found.rows)]
    ours = [row.tally for found in compared for row in found.rows if row.promised and row.tally]
    theirs = [row.tally for found in compared for row in found.rows if row.policy == PEER and row.tally]
    return (
        "## In short\n\n"
        f"- {green} of {len(campaigns)} campaigns green, {took / 60:.0f} minutes of them, some at a time"
        f" ({machines}).\n"
        f"- All rows that are promised: {_totals(promised)}.\n"
        f"- The {len(compared)} campaigns that plain Celery went through too, ours: {_totals(ours)}.\n"
        f"- The same, Celery done well: {_totals(theirs)}.\n"
    )


def _totals(tallies: Sequence[Tally]) -> str:
    acknowledged = sum(each.acknowledged for each in tallies)
    lost = sum(each.lost for each in tallies)
    duplicated = sum(each.duplicated for each in tallies)
    unexplained = [each.unexplained for each in tallies if each.unexplained is not None]
    parts = [
        f"{acknowledged:,} events acknowledged",
        f"**{lost:,} lost**",
        *([f"{stuck:,} stuck"] if (stuck := sum(each.waiting for each in tallies)) else []),
        f"{duplicated:,} doubled"
        + (f", **{sum(unexplained):,} of them unexplained**" if unexplained else ""),
    ]
    return ", ".join(parts)


def _changed(results: Mapping[str, Found], product: dict[str, str]) -> Iterator[str]:
    """Say what changed since the runs, so that a reader can tell what it has to do with them."""
    earlier = [changed for found in results.values() if (changed := found.changed(product))]
    if earlier:
        files = sorted(set().union(*earlier))
        yield (
            f"{len(earlier)} of the campaigns ran before these files of the product were changed:"
            f" {', '.join(f'`{file}`' for file in files)}.\n"
        )


def _section(campaign: Campaign, found: Found | None, product: dict[str, str]) -> Iterator[str]:
    yield f"### {campaign.name}\n"
    yield f"{campaign.tells}\n"
    if found is None:
        yield "Not run yet.\n"
        return
    for fault, rows in groupby(found.rows, key=lambda row: row.fault):
        yield from _fault(fault, list(rows))
    wrong = [*([found.failure] if found.failure else []), *_wrongs(found.rows)]
    verdict = "green" if found.green else "**red**: " + "; ".join(wrong)
    files = len(found.changed(product))
    stale = f", before {files} file{'s' if files > 1 else ''} of the product changed" if files else ""
    yield f"Seed {found.seed}, {found.took_s} s, {verdict}{stale}.\n"


def _fault(fault: str, rows: Sequence[Row]) -> Iterator[str]:
    counted = [(row, row.tally) for row in rows if row.tally is not None]
    checked = [row for row in rows if row.tally is None]
    if counted:
        yield f"**{fault[:1].upper()}{fault[1:]}**, under {counted[0][0].load}:\n"
        yield _table(COLUMNS, (_cells(row, tally) for row, tally in counted))
    if checked:
        yield _table(CHECKED, (_checked(row) for row in checked))
    if notes := [f"- {row.policy}: {row.note}" for row in rows if row.note]:
        yield "\n".join(notes) + "\n"


COLUMNS: Final = (
    *("policy", "injected", "acknowledged", "refused", "in doubt (arrived)"),
    *("arrived", "dead", "unclear", "lost", "doubled (unexplained)", "recovery"),
)
CHECKED: Final = ("what", "policy", "injected", "over", "result")


def _cells(row: Row, counted: Tally) -> list[str]:
    unexplained = DASH if counted.unexplained is None else f"{counted.unexplained:,}"
    cells = [
        row.policy,
        row.injected,
        f"{counted.acknowledged:,}",
        f"{counted.refused:,}",
        f"{counted.doubtful:,} ({counted.recovered:,})" if counted.doubtful else "0",
        f"{counted.delivered:,}",
        f"{counted.dead:,}",
        f"{counted.unclear:,}",
        f"{counted.lost:,}" + (f" + {counted.waiting:,} stuck" if counted.waiting else ""),
        f"{counted.duplicated:,} ({unexplained})" if counted.duplicated else "0",
        DASH if row.recovery_ms is None else f"{row.recovery_ms / 1000:.1f} s",
    ]
    return cells if row.promised else [f"*{cell}*" for cell in cells]


def _checked(row: Row) -> list[str]:
    result = "holds" if not row.wrongs else "; ".join(row.wrongs)
    cells = [row.fault, row.policy, row.injected, row.load, result]
    return cells if row.promised else [f"*{cell}*" for cell in cells]


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
