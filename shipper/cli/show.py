"""`shipper show`: one event, and its way drawn as a timeline."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import click
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from shipper.cli.desk import Desk, at_desk
from shipper.cli.text import clean, duration, moment
from shipper.errors import EventNotFoundError
from shipper.inspector import EventSeen, HookStanding, Moment, Wait

COLOURS = {"delivered": "green", "dead": "red", "unclear": "yellow", "discarded": "dim", "expunged": "dim"}
WAITED = {
    "backoff": "backoff",
    "lane": "behind its customer's earlier events",
    "pace": "for the pace",
    "letter": "as a dead letter",
    "waiting": "for its turn",
}
ANSWER = 400
"""Characters of an answer that are drawn; --json has all that is kept."""


@click.command()
@click.argument("event_id")
@click.option("--unmasked", is_flag=True, help="Show email and mobile in full.")
@at_desk
def show(desk: Desk, event_id: str, *, unmasked: bool) -> None:
    """Tell all that the ledger holds of an event, from its acceptance to its end."""
    desk.out.fact(find(desk, event_id, unmasked=unmasked), draw)


def find(desk: Desk, event_id: str, *, unmasked: bool = False) -> EventSeen:
    """Return the event of the first account that knows it; raise EventNotFoundError."""
    for inspector in desk.inspectors[:-1]:
        try:
            return inspector.event(event_id, unmasked=unmasked)
        except EventNotFoundError:
            continue
    return desk.inspectors[-1].event(event_id, unmasked=unmasked)


def draw(seen: EventSeen) -> RenderableType:
    """Draw an event: what it is, then what happened to it, line by line."""
    facts = Table.grid(padding=(0, 2, 0, 0))
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in _facts(seen):
        facts.add_row(name, Text(clean(value)))
    return Group(_headline(seen), facts, Text(), _timeline(seen))


def _headline(seen: EventSeen) -> Text:
    line = Text(clean(seen.event_id), style="bold")
    line.append(f"  {seen.state.value}", style=COLOURS.get(seen.state.value, "cyan"))
    if seen.reason and seen.reason != seen.state.value:
        line.append(f" ({clean(seen.reason)}{f', code {seen.code}' if seen.code is not None else ''})")
    return line


def _facts(seen: EventSeen) -> Iterator[tuple[str, str]]:
    yield "account", seen.account
    if seen.customer_id is not None:
        yield "customer", seen.customer_id
    for name, value in (("email", seen.email), ("mobile", seen.mobile)):
        if value:
            yield name, value
    for name, metadata in seen.events.items():
        yield "event", f"{name} {json.dumps(metadata, ensure_ascii=False)}"
    if seen.on_unclear:
        alone = ", always alone in its call" if seen.solo else ""
        yield "policy", f"on_unclear={seen.on_unclear.value}{alone}"
    if seen.hook:
        yield "hook", f"{seen.hook}{_hook(seen)}"
    yield from (("context", f"{name}={value}") for name, value in seen.context.items())
    if seen.waits_for:
        yield "waits for", _waits_for(seen)
    again = f", sent again by a person {seen.life} time(s)" if seen.life else ""
    yield "attempts", f"{seen.attempts} ({seen.charged} charged){again}"
    yield "causes", _causes(seen)
    if seen.unopened:
        yield "content", seen.unopened
    elif not seen.events:
        yield "note", "an ended event leaves its id, times, attempts and causes; its content is gone"


def _hook(seen: EventSeen) -> str:
    match seen.hook_standing:
        case None:
            return ""
        case HookStanding(standing="told"):
            return ": told"
        case HookStanding(standing=standing, tries=tries, error=error):
            given_up = (
                f"given up after {tries} tries" if standing == "failed" else f"not told yet, {tries} tries"
            )
            return f": {given_up}" + (f", the last said: {error}" if error else "")


def _waits_for(seen: EventSeen) -> str:
    match seen.waits_for:
        case "lane":
            return f"{seen.behind} earlier event(s) of its customer"
        case "backoff":
            return "the end of its backoff"
        case "turn":
            return "its turn: it is due"
        case "waiting":
            return "the moment at which it is due"
        case why:
            return f"the account, which is held: {why}"


def _causes(seen: EventSeen) -> str:
    """Say why Gameball may have an event more than once: each copy beyond the first has a cause on record."""
    if not seen.causes:
        return "none on record: nothing happened for which Gameball might have it twice"
    return f"{seen.causes} on record: Gameball may have it up to {seen.causes + 1} times"


def _timeline(seen: EventSeen) -> Table:
    drawn = Table.grid(padding=(0, 2, 0, 0))
    drawn.add_column(justify="right", no_wrap=True)
    drawn.add_column(overflow="fold")
    before: int | None = None
    for each in seen.timeline:
        when = f"{moment(each.at)} UTC" if before is None else f"+{duration(max(each.at - before, 0))}"
        if each.waits:
            drawn.add_row("", Text(_waited(each.waits), style="dim"))
        drawn.add_row(when, _said(each))
        if each.siblings:
            drawn.add_row("", Text(_siblings(each.siblings, each.of or 1), style="dim"))
        if each.answer:
            drawn.add_row("", Text(clean(each.answer, most=ANSWER), style="dim"))
        before = each.at
    return drawn


def _waited(waits: Iterable[Wait]) -> str:
    parts = (f"{duration(wait.ms)} {WAITED.get(wait.what, f'held: {wait.what}')}" for wait in waits)
    return clean(f"waited {', '.join(parts)}")


def _siblings(siblings: tuple[str, ...], of: int) -> str:
    more = of - 1 - len(siblings)
    return clean(f"with {' '.join(siblings)}{f' and {more} more' if more > 0 else ''}")


def _said(each: Moment) -> Text:
    match each.what:
        case "attempt":
            return Text(clean(f"attempt {each.number}: {', '.join(_attempt(each))}"))
        case "in_flight":
            return Text(clean(f"attempt {each.number} is under way, by {each.worker}"), style="cyan")
        case "redriven":
            job = f" in job {clean(each.job)}" if each.job else ""
            return Text(f"sent again by {clean(each.by or 'a person')}{job}: a new life with a fresh budget")
        case "imported":
            return Text(f"taken in from a file by {clean(each.by or 'a person')}")
        case "edited":
            return Text(
                f"edited by {clean(each.by or 'a person')} and sent again: {clean(each.places or '')}"
            )
        case "unreadable":
            return Text("what stands here cannot be read")
        case "due":
            return Text("due", style="cyan")
        case _:
            return Text(clean(each.what), style=COLOURS.get(each.what, ""))


def _attempt(each: Moment) -> Iterator[str]:
    yield str(each.verdict)
    if each.status is not None:
        yield f"HTTP {each.status}"
    if each.code is not None:
        yield f"code {each.code}"
    if each.request_id:
        yield f"request {each.request_id}"
    if each.took_ms is not None:
        yield f"{each.took_ms} ms"
    if each.of and each.of > 1:
        yield f"one of {each.of} events in the call"
    yield f"by {each.worker}"
    then = str(each.outcome)
    yield f"then {then} in {duration(each.delay_ms)}" if each.delay_ms else f"then {then}"
