"""`shipper hooks`: completion hooks that were given up: list, retry, discard."""

from __future__ import annotations

from collections.abc import Sequence

import click
from rich.console import RenderableType
from rich.text import Text

from shipper.cli.desk import Desk, at_desk, confirm, leave
from shipper.cli.kinds import a_hook_job
from shipper.cli.output import table
from shipper.cli.text import clean, duration, number
from shipper.clock import now_ms
from shipper.inspector import HookSeen, HooksHandled

names = click.argument("names", nargs=-1, metavar="[EVENT_ID]...")
everything = click.option("--all", "everything", is_flag=True, help="All that have failed.")


@click.group()
def hooks() -> None:
    """See completion hooks that were given up, try them again, or forget them."""


@hooks.command("list", short_help="The failed hooks, newest first.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Hooks told.")
@click.option(
    "--before", "beyond", callback=a_hook_job, metavar="JOB", help="Begin after this job: the next page."
)
@at_desk
def list_(desk: Desk, *, limit: int, beyond: str | None) -> None:
    """List hooks that were given up, newest first."""
    inspectors = (desk.inspector,) if beyond else desk.inspectors  # a job is of one account
    seen = [hook for each in inspectors for hook in each.hooks.failed(limit=limit, beyond=beyond)]
    desk.out.facts(seen, _draw)
    if len(inspectors) == 1 and len(seen) == limit:
        desk.out.note(f"\nthe next page: --before {seen[-1].job}")


@hooks.command("retry", short_help="Try failed hooks again.")
@names
@everything
@at_desk
def retry(desk: Desk, names: Sequence[str], *, everything: bool) -> None:
    """Try failed hooks again, each with a fresh budget."""
    _check(names, everything=everything)
    _report(desk, desk.inspector.hooks.retry(None if everything else names), "will be tried again")


@hooks.command("discard", short_help="Forget failed hooks.")
@names
@everything
@click.option("--yes", is_flag=True, help="Do not ask.")
@at_desk
def discard(desk: Desk, names: Sequence[str], *, everything: bool, yes: bool) -> None:
    """Forget failed hooks: nobody will be told how these events ended."""
    _check(names, everything=everything)
    how_many = "all failed hooks" if everything else f"the failed hooks of {len(names)} event(s)"
    confirm(f"Discard {how_many} for good?", yes=yes)
    _report(desk, desk.inspector.hooks.discard(None if everything else names), "discarded")


def _check(names: Sequence[str], *, everything: bool) -> None:
    if bool(names) == everything:
        raise click.UsageError("Say which: event ids, or --all.")


def _report(desk: Desk, handled: HooksHandled, done: str) -> None:
    lines = [f"{number(handled.done)} hook(s) {done}"]
    lines += [f"no failed hook: {name}" for name in handled.not_failed]
    desk.out.fact(handled, lambda _: Text("\n".join(clean(line) for line in lines)))
    if handled.not_failed:
        leave(1)


def _draw(seen: list[HookSeen]) -> RenderableType:
    if not seen:
        return Text("no failed hooks")
    now = now_ms()
    rows = [
        (
            each.job,
            duration(max(now - each.failed_at, 0)),
            clean(each.hook or "?", most=20),
            each.ending,
            each.tries,
            clean(each.error or "", most=200),
        )
        for each in seen
    ]
    return table("JOB", "AGO", "HOOK", "EVENT", "TRIES", "ERROR", rows=rows, wide=(0, 1, 4))
