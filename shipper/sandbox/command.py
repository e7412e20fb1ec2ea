"""The command that starts a sandbox: options in, one line out."""

from __future__ import annotations

from pathlib import Path
from random import SystemRandom

import click

from shipper.errors import SettingsError
from shipper.sandbox.contract import Keys
from shipper.sandbox.options import Options
from shipper.sandbox.plan import Plan, load_plan
from shipper.sandbox.windows import Limits

COUNT = click.IntRange(min=0)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=0, show_default=True, type=click.IntRange(0, 65535), help="0: a free one.")
@click.option("--api-key", envvar="SANDBOX_API_KEY", help="The only key taken. Default: any.")
@click.option(
    "--secret-key", envvar="SANDBOX_SECRET_KEY", help="The only secret taken by v4.1. Default: any."
)
@click.option(
    "--per-second", default=100, show_default=True, type=COUNT, help="Calls in any 1 s; 0: no limit."
)
@click.option(
    "--per-30-seconds", default=1200, show_default=True, type=COUNT, help="Calls in any 30 s; 0: no limit."
)
@click.option(
    "--latency-ms", default=0, show_default=True, type=COUNT, help="Work on each call for this long."
)
@click.option("--plan", type=click.Path(path_type=Path), help="Points and faults, as JSON or TOML.")
@click.option("--log", type=click.Path(dir_okay=False, path_type=Path), help="Accepted calls, as JSON lines.")
@click.option("--seed", type=int, help="Draws the shares of faults. Default: drawn and printed.")
def sandbox(
    *,
    host: str,
    port: int,
    api_key: str | None,
    secret_key: str | None,
    per_second: int,
    per_30_seconds: int,
    latency_ms: int,
    plan: Path | None,
    log: Path | None,
    seed: int | None,
) -> None:
    """Stand in for Gameball: a real HTTP server with its limits, points and faults on demand.

    Prints one line with the URL when it is ready; ends on Ctrl-C or SIGTERM.
    """
    try:
        from shipper.sandbox.server import serve  # noqa: PLC0415 - the extra `web`
    except ModuleNotFoundError as error:
        missing = f"the sandbox needs {error.name}: pip install 'gameball-shipper[web]'"
        raise click.ClickException(missing) from error
    drawn = SystemRandom().randrange(2**32) if seed is None else seed
    try:
        options = Options(
            host=host,
            port=port,
            keys=Keys(api_key=api_key, secret_key=secret_key),
            limits=Limits(per_second=per_second, per_30_seconds=per_30_seconds),
            latency_ms=latency_ms,
            seed=drawn,
            log=log,
            plan=load_plan(plan) if plan else Plan(),
        )
        serve(options, ready=lambda url: click.echo(f"sandbox ready at {url} (seed {drawn})"))
    except (OSError, SettingsError) as error:
        raise click.ClickException(str(error)) from error
