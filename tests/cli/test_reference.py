"""The reference page names every command and every field that `--json` prints, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest

from shipper import Receipt
from shipper.cli.commands import cli
from shipper.cli.config import Line
from shipper.cli.dead.transfer import Exported
from shipper.errors import Problem
from shipper.inspector import (
    Audit,
    Check,
    Correction,
    Difference,
    Edited,
    Erasure,
    EventSeen,
    Finding,
    Handled,
    Health,
    HookSeen,
    HooksHandled,
    HookStanding,
    Job,
    Left,
    Letter,
    Mending,
    Metrics,
    Moment,
    Pause,
    Preview,
    Previewed,
    ReasonGroup,
    Standing,
    TrailEntry,
    Wait,
)
from shipper.ledger.alarms import RaisedAlarm
from shipper.ledger.histogram import Histogram

PAGE = (Path(__file__).parents[2] / "docs/reference/cli.md").read_text()
SECTIONS = dict(re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))

TOLD = {
    "`shipper send`": (Receipt,),
    "`shipper status`": (Standing, RaisedAlarm),
    "`shipper show EVENT_ID`": (EventSeen, Moment, Wait, HookStanding),
    "`shipper audit`": (Audit, Finding),
    "`shipper metrics`": (Metrics, Histogram),
    "`shipper health`": (Health,),
    "`shipper doctor`": (Check,),
    "`shipper config`": (Line,),
    "`shipper dead list`": (Letter,),
    "`shipper dead reasons`": (ReasonGroup,),
    "`shipper dead redrive`": (Handled, Left, Preview, Previewed),
    "`shipper dead jobs`": (Job,),
    "`shipper trail`": (TrailEntry,),
    "`shipper dead edit`": (Edited, Difference, Problem, Correction),
    "`shipper dead export`, `shipper dead import FILE`": (Exported,),
    "`shipper hooks list`": (HookSeen,),
    "`shipper hooks retry`, `shipper hooks discard`": (HooksHandled,),
    "`shipper pause`, `shipper resume`": (Pause,),
    "`shipper mend`": (Mending, Finding),
    "`shipper expunge CUSTOMER`": (Erasure,),
}


@pytest.mark.parametrize("section", TOLD)
def test_every_field_is_explained_where_its_command_is(section: str) -> None:
    told = SECTIONS[section].partition("JSON")[2]

    explained = set(re.findall(r"`(\w+)`", told))

    assert {field.name for kind in TOLD[section] for field in fields(kind)} - explained == set()


def test_every_section_is_of_a_command_that_is_tried_here() -> None:
    without_facts = {"`shipper dead show EVENT_ID`", "`shipper dead discard`"}

    assert TOLD.keys() | without_facts <= SECTIONS.keys()


def helps(command: click.Command, ctx: click.Context) -> Iterator[str]:
    """What `--help` says of a command, and of those below it."""
    yield command.get_help(ctx)
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            below = command.get_command(ctx, name)
            assert below is not None
            yield from helps(below, click.Context(below, info_name=name, parent=ctx))


def test_no_help_shows_how_it_is_laid_out() -> None:
    told = [*helps(cli, click.Context(cli, info_name="shipper"))]

    assert len(told) > 30
    assert not [help_ for help_ in told if "\\b" in help_ or "\b" in help_]
