"""`shipper dead edit`: change what letters say, see the difference, and send them again."""

from __future__ import annotations

import json
import re
import sys

import click
from rich.console import RenderableType
from rich.text import Text

from shipper.cli.dead.change import changes, read_events
from shipper.cli.dead.chosen import WHY_LEFT, choose, everything, yes
from shipper.cli.dead.correct import correct
from shipper.cli.dead.difference import draw_differences
from shipper.cli.desk import Desk, at_desk, leave
from shipper.cli.failure import Failure
from shipper.cli.filters import filters
from shipper.cli.kinds import a_rate
from shipper.cli.text import clean
from shipper.inspector import Change, Edit, Edited, Filter

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


@click.command("edit")
@click.argument("event_id", required=False)
@filters
@everything
@changes
@click.option("--may-duplicate", is_flag=True, help="Unclear ones too: Gameball may reward them twice.")
@click.option(
    "--rate", callback=a_rate, metavar="RATE", help="Of many: 50/s or 30/m. Default: half of the pace."
)
@click.option("--because", default="", metavar="TEXT", help="Of many: why, for the audit log.")
@click.option("--dry-run", is_flag=True, help="Of many: say what would differ; touch nothing.")
@yes
@at_desk
def edit(
    desk: Desk,
    event_id: str | None,
    *,
    wanted: Filter,
    everything: bool,
    change: Change | None,
    may_duplicate: bool,
    rate: float | None,
    because: str,
    dry_run: bool,
    yes: bool,
) -> None:
    """Change dead letters' metadata or event names, and send them again.

    One by its id: without options your $EDITOR opens. Many by a filter: the same change
    in each, and those that it does not fit stay dead. Ids, customers, emails and mobiles
    stay. You are shown what differs and asked. Each is checked like a new event.
    """
    if event_id is None:
        if change is None:
            raise click.UsageError("Say what differs: --rename, --move, --number, --set or --unset.")
        choice = choose(desk, (), wanted, everything=everything)
        correct(
            desk,
            choice,
            change,
            rate=rate,
            may_duplicate=may_duplicate,
            because=because,
            dry_run=dry_run,
            yes=yes,
        )
        return
    if wanted != Filter() or everything or rate or because or dry_run:
        raise click.UsageError("Name one event by its id, or many by a filter; the rest is for many.")
    letters = desk.inspector.letters
    proposed = letters.propose(event_id, change) if change else _in_editor(desk, event_id)
    if _asked(desk, proposed, may_duplicate=may_duplicate, yes=yes):
        _tell(desk, letters.redrive_edited(proposed, may_duplicate=may_duplicate))


def _in_editor(desk: Desk, event_id: str) -> Edit:
    """Let a person edit until it is sound, or until they give up."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("There is no terminal for an editor: say --set, --unset, --rename or --file.")
    proposed = desk.inspector.letters.propose(event_id, Change())
    why = "unclear: Gameball may have it" if proposed.unclear else "a dead letter"
    text = json.dumps(proposed.after, ensure_ascii=False, indent=2) + "\n\n"
    text += HELP.format(id=proposed.event_id, why=why)
    while True:
        written = click.edit(text, extension=".json", require_save=False) or ""
        if not _without_comments(written).strip():
            raise Failure(["nothing was written: the letter stays as it is"])
        try:
            proposed = desk.inspector.letters.propose(
                event_id, Change(events=read_events(_without_comments(written)))
            )
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
    # A text of JSON has no line that begins so: its strings hold no bare line break of these
    # three; others, as U+2028, it may.
    return "\n".join(line for line in re.split(r"\r\n|\n|\r", text) if not line.startswith("#"))


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
