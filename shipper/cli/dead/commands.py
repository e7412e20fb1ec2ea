"""Every command of `shipper dead` by name: where it is, and the line that its help page says of it."""

from __future__ import annotations

from typing import Final

import click

from shipper.cli.group import LazyGroup, Sections

SECTIONS: Final[Sections] = {
    "Look": {
        "list": ("shipper.cli.dead.list:list_", "The letters, newest first."),
        "reasons": ("shipper.cli.dead.reasons:reasons", "How many, by reason, code and event."),
        "show": ("shipper.cli.dead.show:show", "All of one letter."),
    },
    "Put right": {
        "redrive": ("shipper.cli.dead.redrive:redrive", "Send letters again."),
        "jobs": ("shipper.cli.dead.jobs:jobs", "Redrives that workers carry on."),
        "edit": ("shipper.cli.dead.edit:edit", "Change one letter and send it again."),
        "discard": ("shipper.cli.dead.discard:discard", "Forget letters on purpose."),
        "export": ("shipper.cli.dead.transfer:export", "Write letters to a file."),
        "import": ("shipper.cli.dead.transfer:import_", "Take letters of a file in."),
    },
}


@click.group(cls=LazyGroup, sections=SECTIONS)
def dead() -> None:
    """See dead and unclear events, send them again, or discard them."""
