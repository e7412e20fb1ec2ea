"""`python -m benchmarks`: measure everything and write docs/performance.md; `make bench` calls it."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from typing import Final

import click

from benchmarks import page, text
from benchmarks.catalogue import PARTS
from benchmarks.part import Effort, Part
from benchmarks.store import ROOT, Kept, Store

BY_NAME: Final = {part.name: part for part in PARTS}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, metavar="[PART]...")
@click.option("--rounds", default=0, help="Rounds of each; the median counts.  [default: the part's]")
@click.option("--quick", is_flag=True, help="All in some minutes, to see that it works; the page stays.")
@click.option("--fresh", is_flag=True, help="Measure again what is done already on the same sources.")
@click.option("--list", "listing", is_flag=True, help="List the parts and when each was measured last.")
def main(names: Sequence[str], rounds: int, quick: bool, fresh: bool, listing: bool) -> None:
    """Measure this project beside what users would take instead.

    Without a name all parts run, one after another; those that are done on the same sources are not run
    again, so a run that was broken off goes on where it was. Then docs/performance.md is written from all
    that is measured.
    """
    if unknown := [name for name in names if name not in BY_NAME]:
        raise click.UsageError(f"no part is named {', '.join(unknown)}: --list shows them all")
    store = Store(quick=quick)
    if listing:
        _list(store)
        return
    failed = []
    for part in [BY_NAME[name] for name in names] or PARTS:
        effort = Effort(rounds=rounds or (1 if quick else part.rounds), quick=quick, say=_say)
        try:
            kept = _measure(part, store, effort, fresh=fresh)
        except Exception:  # noqa: BLE001 - the other parts are measured all the same, and this one again
            click.echo(traceback.format_exc(), err=True)
            failed.append(part.name)
        else:
            click.echo("\n".join(text.lines(kept.finding)))
    if failed:
        raise click.ClickException(f"could not be measured: {', '.join(failed)}")
    if quick:
        return
    page.write(PARTS, store)
    click.echo(f"\nwritten: {page.PATH.relative_to(ROOT)}")


def _measure(part: Part, store: Store, effort: Effort, *, fresh: bool) -> Kept:
    if not fresh and (done := store.done(part.name, rounds=effort.rounds)):
        click.echo(f"= {part.name}: measured already; --fresh does it again")
        return done
    about = "quick" if effort.quick else f"about {part.minutes * effort.rounds / part.rounds:.0f} minutes"
    click.echo(f"> {part.name}: {part.title} ({about})")
    began = time.monotonic()
    finding = part.main(effort)
    return store.keep(part.name, finding, took_s=round(time.monotonic() - began), rounds=effort.rounds)


def _say(line: str) -> None:
    click.echo(f"    {line}", err=True)


def _list(store: Store) -> None:
    for part in PARTS:
        kept = store.find(part.name)
        unmet = sum(not goal.met for goal in kept.finding.goals) if kept else 0
        state = (
            f"{kept.rounds} rounds, {unmet} of {len(kept.finding.goals)} goals not met"
            if kept
            else "never measured"
        )
        click.echo(f"{part.name:16} {part.minutes:4g} min   {state:40} {part.title}")


if __name__ == "__main__":
    main()
