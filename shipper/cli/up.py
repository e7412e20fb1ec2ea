"""`shipper up`: everything on this machine, until Ctrl-C."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from shipper.cli.facts import Lines
from shipper.cli.failure import Failure
from shipper.errors import ShipperError
from shipper.local.ending import Ending, InterruptedRunError, asked_by_signals
from shipper.local.fact import Fact
from shipper.local.stack import Layout, Stack
from shipper.settings import load_settings

FOLDER: Final = Path(".shipper")
KEY: Final = re.compile(r"GAMEBALL_(?:[A-Z0-9_]+_)?API_KEY(?:_FILE)?")
A_DAY_MS: Final = 86_400_000
NEXT: Final = """
Everything runs. In another terminal:

  export SHIPPER_REDIS_URL={redis_url}
  shipper send --customer c-42 --event write_review --set stars=5
  shipper status
"""
POINTS: Final = "  curl {sandbox_url}/admin/ledger\n"
LAST: Final = "\nCtrl-C ends all; what waits is kept in {folder}.\n"


@click.command()
@click.option("--sandbox", is_flag=True, help="Stand in for Gameball, whatever keys are set.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="How many deliver.")
@click.option("--json", "as_json", is_flag=True, help="Print each fact as one object.")
def up(*, sandbox: bool, workers: int, as_json: bool) -> None:
    """Run Redis, a sandbox, workers and a hooks worker until Ctrl-C.

    Redis is the server that SHIPPER_REDIS_URL names, or one of our own that keeps
    its data in .shipper. The sandbox stands in for Gameball unless
    GAMEBALL_API_KEY is set. Whatever ends by itself is started again.
    """
    environ = dict(os.environ)  # noqa: TID251 - a door
    lines = Lines(as_json=as_json, plain=bool(environ.get("NO_COLOR")))
    layout = layout_of(environ, sandbox=sandbox, workers=workers)
    with asked_by_signals() as ending:
        try:
            _run(layout, lines, ending)
        except InterruptedRunError:  # the way it usually ends
            return
        except (ShipperError, OSError) as error:
            raise Failure(str(error).splitlines()) from error


def layout_of(environ: Mapping[str, str], *, sandbox: bool, workers: int) -> Layout:
    """Decide what runs. Raise Failure where the sandbox would swallow what may be real."""
    settings = load_settings()
    redis_url = environ.get("SHIPPER_REDIS_URL") or environ.get("REDIS_URL") or ""
    has_key = any(value and KEY.fullmatch(name) for name, value in environ.items())
    if redis_url and not has_key and not sandbox:
        raise Failure(
            [
                "SHIPPER_REDIS_URL is set and GAMEBALL_API_KEY is not:",
                "the sandbox would take what waits there, and Gameball would never see it.",
                "Set GAMEBALL_API_KEY; or unset SHIPPER_REDIS_URL, for a server of its own;",
                "or say that it is meant so: shipper up --sandbox",
            ]
        )
    stands_in = sandbox or not has_key
    # A folder each, so that what waits for Gameball is never delivered to the sandbox.
    folder = FOLDER.absolute() / ("sandbox" if stands_in else "gameball")
    return Layout(
        folder=folder,
        environ=environ,
        redis_url=redis_url,
        sandbox=(f"--log={folder / 'accepted.jsonl'}",) if stands_in else None,
        accounts=settings.accounts,
        workers=workers,
        timeout_ms=settings.timeout_ms,
    )


def _run(layout: Layout, lines: Lines, ending: Ending) -> None:
    with Stack(layout, tell=lines.tell, ending=ending) as stack:
        places = {"redis_url": _hidden(stack.redis_url), "sandbox_url": stack.sandbox_url}
        if lines.as_json:
            lines.tell(Fact(process="up", event="up.ready", fields=places))
        else:
            text = NEXT + (POINTS if stack.sandbox_url else "") + LAST
            lines.explain(text.format(**places, folder=layout.folder))
        while True:
            ending.wait(A_DAY_MS)


def _hidden(url: str) -> str:
    """Hide a password: what is printed ends up in scrollbacks and logs."""
    return re.sub(r"(://[^:@/]*:)[^@/]*@", r"\1***@", url)
