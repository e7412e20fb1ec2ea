"""`shipper web`: the page and its JSON API, until Ctrl-C."""

from __future__ import annotations

import getpass
import os

import click

from shipper.cli.failure import Failure
from shipper.logs import configure_logs
from shipper.settings import load_settings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=8642, show_default=True, type=click.IntRange(0, 65535), help="0: a free one.")
def web(*, host: str, port: int) -> None:
    """Serve the page and its JSON API until Ctrl-C or SIGTERM.

    On loopback whoever sits at this machine is an operator. Elsewhere
    SHIPPER_WEB_TOKENS (name:role:token,…) says who may look (viewer) and who may
    act (operator).
    """
    try:
        from shipper.web.serve import serve  # noqa: PLC0415 - the extra `web`
    except ModuleNotFoundError as error:
        missing = f"{error.name} is not installed"
        raise Failure([missing], advice="pip install 'gameball-shipper[web]'") from error
    settings = load_settings()
    configure_logs(os.environ.get("SHIPPER_LOG", "auto"))  # noqa: TID251 - a door
    try:
        serve(
            settings,
            host=host,
            port=port,
            local=settings.operator or _login_name(),
            ready=lambda url: click.echo(f"the page is at {url}"),
        )
    except OSError as error:
        raise Failure([f"cannot listen on {host}:{port}: {error.strerror or error}"]) from error


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "local"
