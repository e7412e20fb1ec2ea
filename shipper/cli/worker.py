"""`shipper worker`: start one worker, as `celery -A workers worker` does."""

from __future__ import annotations

import sys

import click

from shipper.cli.failure import Failure
from shipper.local.ours import load_door

PATCHING: frozenset[str] = frozenset({"gevent", "eventlet"})


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "-c", "--concurrency", type=click.IntRange(min=1), help="Slots for pumps and hooks. Default: 8."
)
@click.option("-P", "--pool", help="threads (default), prefork or solo.")
@click.option("-Q", "--queues", help="shipper.deliver, shipper.hooks, or both (default).")
@click.option("-l", "--loglevel", default="info", show_default=True, help="debug, info, warning or error.")
@click.argument("celery", nargs=-1, type=click.UNPROCESSED, metavar="[CELERY OPTIONS]...")
def worker(
    *, concurrency: int | None, pool: str | None, queues: str | None, loglevel: str, celery: tuple[str, ...]
) -> None:
    """Deliver events until Ctrl-C or SIGTERM.

    It is `celery -A workers worker` with our package workers, whatever lies in the
    current folder; every further option is Celery's.
    """
    if pool in PATCHING:
        way = f"celery -A workers worker --pool {pool}"
        raise Failure([f"{pool} must change Python before anything is imported: start it by {way}"])
    given = {"--concurrency": concurrency, "--pool": pool, "--queues": queues, "--loglevel": loglevel}
    options = [f"{name}={value}" for name, value in given.items() if value is not None]
    quiet = () if sys.stdout.isatty() else ("--quiet",)
    sys.exit(load_door().main([*quiet, "worker", *options, *celery]))
