"""`python -m tests.faults`: run the campaigns and write docs/reliability.md; `make faults` calls it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from tests.faults import page
from tests.faults.catalogue import CAMPAIGNS
from tests.faults.runner import Runner, run_here
from tests.faults.store import ROOT, Store

BY_NAME: Final = {campaign.name: campaign for campaign in CAMPAIGNS}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, metavar="[CAMPAIGN]...")
@click.option("--quick", is_flag=True, help="The decisive ones, shortened; the document stays.")
@click.option("--fresh", is_flag=True, help="Run again what ended green on the same sources.")
@click.option("--seed", type=int, help="Repeat a run: seeds are printed and stand in the document.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 16),
    default=2 * (os.cpu_count() or 1),
    help="Campaigns at a time; two a core.",
)
@click.option("--list", "listing", is_flag=True, help="List the campaigns and what was found last.")
@click.option("--write", "writing", is_flag=True, help="Only write the document, from what was found last.")
@click.option("--into", type=click.Path(path_type=Path), hidden=True)
def main(  # noqa: PLR0917 - click gives them by name
    names: Sequence[str],
    quick: bool,
    fresh: bool,
    seed: int | None,
    jobs: int,
    listing: bool,
    writing: bool,
    into: Path | None,
) -> None:
    """Break everything that can break, and write down what was lost: docs/reliability.md.

    Without a name all campaigns run, two at a time for each core, since most of them mostly wait. Those that
    ended green on the same sources are not run again, so a run that was broken off goes on where it was.

    \b
      make faults                            all, within ninety minutes
      make faults ARGS=--quick               the decisive ones, shortened
      make faults ARGS="redis-kill --fresh"  one, again
    """
    if unknown := [name for name in names if name not in BY_NAME]:
        raise click.UsageError(f"no campaign is named {', '.join(unknown)}: --list shows them all")
    if into is not None:
        run_here(BY_NAME[names[0]], seed or 0, quick=quick, into=into)
        return
    store = Store(quick=quick)
    if listing:
        list_campaigns(store)
        return
    wanted = [BY_NAME[name] for name in names] or [each for each in CAMPAIGNS if each.quick or not quick]
    found = [] if writing else Runner(store, seed=seed, quick=quick, fresh=fresh, jobs=jobs).run(wanted)
    if not quick:
        page.write(CAMPAIGNS, store)
        click.echo(f"written: {page.PATH.relative_to(ROOT)}")
    red = [each.name for each in found if not each.green]
    told = f"{len(found) - len(red)} of {len(found)} campaigns green"
    click.echo(told + (f"; not: {', '.join(red)}" if red else ""))
    sys.exit(1 if red else 0)


def list_campaigns(store: Store) -> None:
    """Print each campaign with what was found last."""
    for campaign in CAMPAIGNS:
        found = store.find(campaign.name)
        last = "not run yet" if found is None else "green" if found.green else "RED"
        click.echo(f"{campaign.name:<24} {campaign.minutes:>4g} min  {last:<12} {campaign.tells}")


if __name__ == "__main__":
    main(prog_name="make faults --")
