"""`shipper dead edit`: change what a letter says, see the difference, and send it again."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from shipper.cli.dead.chosen import WHY_LEFT, yes
from shipper.cli.desk import Desk, at_desk, leave
from shipper.cli.failure import Failure
from shipper.cli.json_text import read_json
from shipper.cli.text import clean
from shipper.inspector import Change, Difference, Edit, Edited

WHY_NOT = {
    **WHY_LEFT,
    "changed": "has changed since it was read: look again with shipper dead show",
    "unclear": "may have reached Gameball as it was: --may-duplicate sends it again all the same",
    "no": "is no dead letter any more",
    "broken": "belongs to a customer whose lane is corrupt: run shipper mend, then try again",
}
HELP = """\
# Event {id}, {why}.
# Change its metadata or its name above, then save and leave. It is checked like a new event, and sent again
# when you say yes. Lines that begin with # are left out; a text without anything else changes nothing.
"""


def _pairs(_ctx: click.Context, param: click.Parameter, given: Iterable[str]) -> dict[str, str]:
    pairs = {}
    for each in given:
        left, equals, right = each.partition("=")
        if not (left and equals):
            raise click.BadParameter(f"{each[:60]!a} lacks its =: {param.metavar}")
        if left in pairs:
            raise click.BadParameter(f"{left[:60]!a} is there twice")
        pairs[left] = right
    return pairs


def _values(ctx: click.Context, param: click.Parameter, given: Iterable[str]) -> dict[str, Any]:
    found = {}
    for place, text in _pairs(ctx, param, given).items():
        try:
            found[place] = read_json(text)
        except ValueError as error:
            raise click.BadParameter(
                f"{place[:60]!a}: {error}. Text stands in quotes of its own: '\"text\"'."
            ) from None
    return found


@click.command("edit")
@click.argument("event_id")
@click.option(
    "--set", "sets", multiple=True, callback=_values, metavar="NAME.PROPERTY=JSON", help="Set a value."
)
@click.option("--unset", "unsets", multiple=True, metavar="NAME.PROPERTY", help="Take a value out.")
@click.option(
    "--rename", "renames", multiple=True, callback=_pairs, metavar="OLD=NEW", help="Rename an event."
)
@click.option("--file", type=click.File("r", encoding="utf-8"), help="All of it anew: {name: metadata}.")
@click.option("--may-duplicate", is_flag=True, help="An unclear one too: Gameball may reward it twice.")
@yes
@at_desk
def edit(
    desk: Desk,
    event_id: str,
    *,
    sets: Mapping[str, Any],
    unsets: tuple[str, ...],
    renames: Mapping[str, str],
    file: Any,
    may_duplicate: bool,
    yes: bool,
) -> None:
    """Change one dead letter's metadata or event name, and send it again.

    Without options your $EDITOR opens. The id, customer, email and mobile stay. You are
    shown what differs and asked. It is checked like a new event, all problems together.
    """
    given = bool(sets or unsets or renames or file)
    if given:
        whole = _read(file.read()) if file else None
        change = Change(events=whole, renames=renames, sets=sets, unsets=unsets)
        proposed = desk.inspector.propose(event_id, change)
    else:
        proposed = _in_editor(desk, event_id)
    if _asked(desk, proposed, may_duplicate=may_duplicate, yes=yes):
        _tell(desk, desk.inspector.redrive_edited(proposed, may_duplicate=may_duplicate))


def _in_editor(desk: Desk, event_id: str) -> Edit:
    """Let a person edit until it is sound, or until they give up."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("There is no terminal for an editor: say --set, --unset, --rename or --file.")
    proposed = desk.inspector.propose(event_id, Change())
    why = "unclear: Gameball may have it" if proposed.unclear else "a dead letter"
    text = json.dumps(proposed.after, ensure_ascii=False, indent=2) + "\n\n"
    text += HELP.format(id=proposed.event_id, why=why)
    while True:
        written = click.edit(text, extension=".json", require_save=False) or ""
        if not _without_comments(written).strip():
            raise Failure(["nothing was written: the letter stays as it is"])
        try:
            proposed = desk.inspector.propose(event_id, Change(events=_read(_without_comments(written))))
        except Failure as problem:
            lines = problem.lines
        else:
            lines = [str(each) for each in proposed.problems]
        if not lines:
            return proposed
        for line in lines:
            desk.out.console.print(Text(clean(line), style="red"), soft_wrap=False)
        click.confirm("Edit again?", default=True, abort=True, err=True)
        text = written


def _without_comments(text: str) -> str:
    # A text of JSON has no line that begins so: its strings hold no bare line break.
    return "\n".join(line for line in text.splitlines() if not line.startswith("#"))


def _read(text: str) -> dict[str, Any]:
    try:
        found = read_json(text)
    except ValueError as error:
        raise Failure([f"the text {error}"]) from None
    if not isinstance(found, dict):
        raise Failure(["the text is no JSON object: write {name: metadata}"])
    return found


def _asked(desk: Desk, proposed: Edit, *, may_duplicate: bool, yes: bool) -> bool:
    """Show what would be different, and ask. What cannot be sent is told at once, without a question."""
    sound = proposed.differences and not proposed.problems and (may_duplicate or not proposed.unclear)
    if not desk.out.as_json and sound:
        desk.out.console.print(draw_differences(proposed.differences))
    if yes or not sound:
        return True
    if not sys.stdin.isatty():
        raise click.UsageError("Send it again so? Nobody is there to ask: say --yes.")
    again = " Gameball may reward it twice." if proposed.unclear else ""
    return click.confirm(f"Send it again so?{again}", abort=True, err=True)


def _tell(desk: Desk, done: Edited) -> None:
    if done.result == "invalid" and not desk.out.as_json:
        raise Failure([str(problem) for problem in done.problems], advice="Nothing was changed.")
    desk.out.fact(done, _draw)
    if done.result != "ok":
        leave(1)


def _draw(done: Edited) -> RenderableType:
    match done.result:
        case "ok":
            return Text(f"{clean(done.event_id)} is changed and sent again")
        case "same":
            return Text("nothing differs: nothing was sent")
        case word:
            return Text(f"{clean(done.event_id)} {WHY_NOT.get(word, word)}")


def draw_differences(found: Iterable[Difference]) -> RenderableType:
    """Draw what differs, place by place: what goes behind a red minus, what comes behind a green plus."""
    lines: list[Text] = []
    for each in found:
        lines.append(Text(clean(each.place), style="bold"))
        if each.what != "added":
            lines.append(_side("-", each.before, "red"))
        if each.what != "removed":
            lines.append(_side("+", each.after, "green"))
    return Group(*lines)


def _side(sign: str, value: Any, style: str) -> Text:
    return Text(f"{sign} {clean(json.dumps(value, ensure_ascii=False))}", style=style, overflow="fold")
