"""`shipper config new-key`: a fresh key under which events can be stored."""

from __future__ import annotations

import click

from shipper.cli.text import moment
from shipper.clock import now_ms
from shipper.keyring import KEY_ID, new_key


def an_id(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str:
    """Take what could be the id of a key; today's date for none."""
    if value is None:
        return moment(now_ms())[:10]
    if not KEY_ID.fullmatch(value):
        raise click.BadParameter("is no id of a key: 1 to 16 of a-z, 0-9, _ -")
    return value


@click.command("new-key", short_help="A fresh key to encrypt stored events.")
@click.argument("key_id", required=False, metavar="[ID]", callback=an_id)
def new_key_(key_id: str) -> None:
    """Print a fresh key as ID:KEY, as SHIPPER_ENCRYPTION_KEYS takes it. Nothing is stored.

    The ID, by default today's date, stands in every event stored under the key, so it
    is no secret. Who has the KEY reads what is stored: keep it where your other secrets
    are. To rotate, everything must open the new key before anything encrypts under it:

    \b
      1. everywhere  OLD,NEW
      2. everywhere  NEW,OLD
      3. everywhere  NEW      once shipper doctor finds nothing under OLD
    """  # noqa: D301 - \b is click's
    click.echo(f"{key_id}:{new_key()}")
