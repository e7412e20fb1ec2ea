"""`shipper dead reasons`: the letters grouped by what they died of, with what usually helps."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from itertools import pairwise

import click
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from shipper.cli.desk import Desk, at_desk
from shipper.cli.text import clean, duration, in_shell, number
from shipper.clock import now_ms
from shipper.inspector import ReasonGroup

MARGIN = 2
WIDTH = 72


@click.command("reasons")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Groups.")
@at_desk
def reasons(desk: Desk, *, limit: int) -> None:
    """Group dead letters by reason, code, event name and field, the largest first.

    Each group tells what it means, what usually helps, and the command that does it; where a change may mend
    the events, first the one that tries it.
    """
    seen = [inspector.letters.reasons(most=limit) for inspector in desk.inspectors]
    desk.out.facts([group for each in seen for group in each.groups], _draw_reasons)
    left_out = sum(each.left_out for each in seen)
    if left_out:
        desk.out.note(f"\n{number(left_out)} smaller groups are left out: --limit")
    if desk.elsewhere and any(each.groups for each in seen):
        desk.out.note("\nthese commands are for SHIPPER_REDIS_URL: add your --redis-url to them")


def _draw_reasons(groups: list[ReasonGroup]) -> RenderableType:
    if not groups:
        return Text("no dead letters")
    now = now_ms()
    blocks: list[RenderableType] = []
    for group in groups:
        blocks += [Text(), *_block(group, now)] if blocks else _block(group, now)
    return Group(*blocks)


def _block(group: ReasonGroup, now: int) -> Iterator[RenderableType]:
    yield Text.assemble((number(group.count), "bold"), "  ", (_title(group), "bold"))
    first, last = (duration(max(now - at, 0)) for at in (group.first_at, group.last_at))
    people = f"{number(group.customers)} customer{'s' if group.customers != 1 else ''}"
    yield _line(Text(f"{people} · first {first} ago, last {last} ago · {group.example}", "dim"))
    if group.doubtful:
        yield _line(
            Text(
                f"{number(group.doubtful)} may be with Gameball already: an answer of theirs was lost",
                "yellow",
            )
        )
    yield _line(Text(f"{group.means} {group.helps}"))
    if group.edit is not None:
        yield Text(" " * MARGIN + "where the events are wrong:", "dim")
        yield _command(group.edit)
        yield Text(" " * MARGIN + "after it is mended at Gameball:", "dim")
    yield _command(group.command)


def _title(group: ReasonGroup) -> str:
    code = "" if group.code is None else f" {group.code}"
    field = "" if group.field is None else f" · field {group.field}"
    return f"{group.reason}{code} · {clean(group.event_name or '?', most=40)}{field}"


def _command(command: str) -> Text:
    # No padding here: a blank behind a backslash would spoil the command for whoever copies it.
    return Text("\n".join(" " * MARGIN + line for line in _folded(command)), "cyan")


def _folded(command: str) -> Iterator[str]:
    """Break a command between its options, as a shell reads it when it is copied."""
    words = [in_shell(word) for word in shlex.split(command)]
    starts = [i for i, word in enumerate(words) if word.startswith("--") or not i]
    line = "$"
    for begin, end in pairwise([*starts, len(words)]):
        word = " ".join(words[begin:end])
        if len(line) + len(word) > WIDTH and not line.endswith("$"):
            yield f"{line} \\"
            line = "   "
        line += f" {word}"
    yield line


def _line(text: Text) -> Padding:
    return Padding(text, (0, 0, 0, MARGIN))
