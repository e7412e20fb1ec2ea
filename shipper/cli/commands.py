"""Every command by name: where it is, and the line that `shipper --help` says of it.

A command is imported when it is run, so that this page costs no more than click itself. To add one, add a
line: section, name, then `module:function` and what it does, a short phrase.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

import click

from shipper.cli.group import LazyGroup, Sections

SECTIONS: Final[Sections] = {
    "Ship": {
        "send": ("shipper.cli.send:send", "Accept one event, or a file of JSON lines."),
        "worker": ("shipper.cli.worker:worker", "Deliver events: celery -A workers worker."),
    },
    "On one machine": {
        "demo": ("shipper.cli.demo:demo", "See it work, faults and all, in half a minute."),
        "up": ("shipper.cli.up:up", "Run Redis, sandbox and workers here."),
        "sandbox": ("shipper.cli.sandbox:sandbox", "A stand-in for Gameball, faults on demand."),
    },
    "Look": {
        "web": ("shipper.cli.web:web", "The page: see and put right in a browser."),
        "status": ("shipper.cli.status:status", "How each account stands."),
        "show": ("shipper.cli.show:show", "One event and its timeline."),
        "audit": ("shipper.cli.audit:audit", "Prove by recount that nothing is lost."),
        "trail": ("shipper.cli.trail:trail", "What operators did: the audit log."),
        "config": ("shipper.cli.config:config", "The effective settings, secrets hidden."),
        "metrics": ("shipper.cli.metrics:metrics", "Every number, for Prometheus."),
        "doctor": ("shipper.cli.doctor:doctor", "Is everything set up to lose nothing?"),
        "health": ("shipper.cli.status:health", "Is somebody at work? For container probes."),
    },
    "Put right": {
        "dead": ("shipper.cli.dead:dead", "Dead and unclear events: see, send again, discard."),
        "hooks": ("shipper.cli.hooks:hooks", "Completion hooks that were given up."),
        "pause": ("shipper.cli.gate:pause", "Make no calls for an account."),
        "resume": ("shipper.cli.gate:resume", "Make calls again."),
        "mend": ("shipper.cli.audit:mend", "Repair what an audit complains of."),
        "expunge": ("shipper.cli.expunge:expunge", "Erase a customer's events."),
    },
}


def _tell_version(ctx: click.Context, _param: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        metadata = import_module("importlib.metadata")  # a tenth of the time that --help takes
        try:
            click.echo(f"shipper {metadata.version('gameball-shipper')}")
        except metadata.PackageNotFoundError:
            click.echo("shipper, from a folder: it is not installed")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    sections=SECTIONS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
@click.option(
    "--version", is_flag=True, callback=_tell_version, expose_value=False, help="Show the version and exit."
)
def cli() -> None:
    """Ship customer events to Gameball: durable, explained, never silently lost.

    Settings come from the environment (shipper config lists them). Commands that
    tell facts take --json: one object a line. Exit codes: 0 done, 1 it failed or
    does not add up, 2 wrong use.
    """


def main() -> None:
    """Run the command line, and end the process."""
    for stream in (sys.stdout, sys.stderr):
        # What a terminal's encoding cannot show is escaped, not an error.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    cli(prog_name="shipper")
