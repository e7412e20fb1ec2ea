"""`shipper metrics`: the numbers for Prometheus, for whoever collects them from a file."""

from __future__ import annotations

import click

from shipper.cli.desk import Desk, at_desk
from shipper.cli.failure import Failure
from shipper.cli.output import json_line


@click.command()
@at_desk
def metrics(desk: Desk) -> None:
    """Print every account's metrics in Prometheus' text format.

    For node_exporter's textfile collector; shipper web serves the same at /metrics.
    """
    seen = [inspector.metrics() for inspector in desk.inspectors]
    if desk.out.as_json:
        for each in seen:
            click.echo(json_line(each))
        return
    try:
        from shipper.web.metrics import exposition  # noqa: PLC0415 - of the extra `web`
    except ImportError:
        raise Failure(
            ["metrics need prometheus_client: install gameball-shipper[web], or use --json"]
        ) from None
    click.echo(exposition(seen), nl=False)
