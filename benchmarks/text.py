"""Text: findings as plain tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.finding import Finding, Goal, Table


def lines(finding: Finding) -> Iterator[str]:
    """Yield all tables, then the goals."""
    for table in finding.tables:
        yield from _table(table)
    for goal in finding.goals:
        yield f"  {'+' if goal.met else '!'} {goal.name}: {value(goal)} ({goal.verdict})"


def value(goal: Goal) -> str:
    """Return what was found beside what was asked for, as in `16.2 x, ≥ 15 x`."""
    return f"{figure(goal.found)}{goal.unit}, {goal.sign} {figure(goal.limit)}{goal.unit}"


def figure(number: float) -> str:
    """Write a number with the three digits that matter."""
    if number == int(number) or abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if abs(number) >= 10 else f"{number:.2f}"


def _table(table: Table) -> Iterator[str]:
    widths = [max(len(row[i]) for row in (table.header, *table.rows)) for i in range(len(table.header))]
    yield f"\n  {table.title}"
    for row in (table.header, *table.rows):
        first, *rest = (
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  " + "   ".join([first, *rest])
    if table.note:
        yield f"  {table.note}"
