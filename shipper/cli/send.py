"""`shipper send`: one event by options, or many from a file of JSON lines."""

from __future__ import annotations

import json
import os
import stat
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

import click
from rich.text import Text

import shipper
from shipper import Receipt
from shipper.cli.desk import Desk, at_desk, leave
from shipper.cli.json_text import read_json
from shipper.cli.lines import read_lines
from shipper.cli.progress import counting
from shipper.cli.sending import send_lines
from shipper.cli.tally import Tally
from shipper.cli.text import clean
from shipper.enqueue import Options
from shipper.outcome import OnUnclear


def _pairs(_ctx: click.Context, _param: click.Parameter, given: Sequence[str]) -> dict[str, Any]:
    """Read key=value; a value that is JSON is taken as that, any other as text."""
    found: dict[str, Any] = {}
    for pair in given:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise click.BadParameter(f"{pair[:60]!r} is not of the form key=value")
        try:
            found[key] = json.loads(value, parse_constant=str)
        except ValueError:
            found[key] = value
    return found


def _metadata(_ctx: click.Context, _param: click.Parameter, given: str | None) -> dict[str, Any]:
    try:
        found = read_json(given) if given else {}
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if not isinstance(found, dict):
        raise click.BadParameter("is no JSON object")
    return found


@click.command()
@click.argument("file", type=click.File("rb"), required=False)
@click.option("--customer", "customer_id", help="Gameball's id of the customer.", metavar="ID")
@click.option("--event", "event_name", help="Event name.", metavar="NAME")
@click.option(
    "--set", "pairs", multiple=True, callback=_pairs, help="Metadata; repeatable.", metavar="KEY=VALUE"
)
@click.option(
    "--json-metadata", "metadata", callback=_metadata, help="Metadata as an object.", metavar="JSON"
)
@click.option("--email", help="For accounts that merge channels by it.")
@click.option("--mobile", help="For accounts that merge channels by it.")
@click.option("--event-id", help="An id of your own, to repeat a send safely.", metavar="ID")
@click.option("--idempotency-key", help="Accept it once under this key.", metavar="KEY")
@click.option("--hook", help="The completion hook to tell of its end.", metavar="NAME")
@click.option(
    "--on-unclear", type=click.Choice([each.value for each in OnUnclear]), help="After a lost answer."
)
@click.option("--solo", is_flag=True, help="Never share a call with other events.")
@at_desk
def send(
    desk: Desk,
    *,
    file: BinaryIO | None,
    customer_id: str | None,
    event_name: str | None,
    pairs: dict[str, Any],
    metadata: dict[str, Any],
    email: str | None,
    mobile: str | None,
    event_id: str | None,
    idempotency_key: str | None,
    hook: str | None,
    on_unclear: str | None,
    solo: bool,
) -> None:
    """Accept one event, or every line of FILE (- for standard input).

    \b
    shipper send --customer c-42 --event write_review --set stars=5
    shipper send events.jsonl

    A line is {"customerId": ..., "events": {...}}, with "email", "mobile",
    "idempotency_key" and "event_id" where wanted; with one of the last two a file can
    be sent twice without harm. Exits 1 if a line was refused.
    """  # noqa: D301 - \b is click's
    options: Options = {
        "hook": hook,
        "on_unclear": on_unclear,
        "solo": solo,
        "account": desk.inspector.account,
    }
    of_one = (customer_id, event_name, pairs, metadata, email, mobile, event_id, idempotency_key)
    if file is not None and any(of_one):
        raise click.UsageError(
            "A file brings its own events: --customer, --event and so on are for one event."
        )
    if file is None and not (customer_id and event_name):
        raise click.UsageError("Give --customer and --event, or a file of JSON lines (- for standard input).")
    shipper.configure(desk.settings)
    with _warnings_as_lines():
        if file is not None:
            _send_file(desk, file, options)
            return
        event = {
            "customerId": customer_id,
            "email": email,
            "mobile": mobile,
            "events": {event_name: {**metadata, **pairs}},
        }
        receipt = shipper.enqueue_event(event, event_id=event_id, idempotency_key=idempotency_key, **options)
    desk.out.fact(receipt, _draw_receipt)


def _send_file(desk: Desk, file: BinaryIO, options: Options) -> None:
    tally = Tally(as_json=desk.out.as_json)
    with counting("sending", _size_of(file), quiet=desk.out.as_json) as bar:
        tally.take(send_lines(read_lines(file), options), bar)
    for line in () if desk.out.as_json else tally.summary():  # in JSON each line of the file has told it
        desk.out.note(line)
    if not tally.whole:
        leave(1)


def _size_of(file: BinaryIO) -> int | None:
    """Return the size of a regular file; nobody knows how much a pipe will bring."""
    try:
        found = os.fstat(file.fileno())
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Say what the library warns of as a command line does."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        click.echo(f"warning: {clean(warning.message)}", err=True)


def _draw_receipt(receipt: Receipt) -> Text:
    again = " (it had been before)" if receipt.duplicate else ""
    return Text(f"accepted {receipt.event_id}{again}")
