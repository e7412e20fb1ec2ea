"""`shipper dead export` and `import`: letters into a file, and out of one."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import click
from rich.console import RenderableType
from rich.text import Text

from shipper.cli.dead.chosen import WHY_LEFT, choose, everything, ids, report, yes
from shipper.cli.desk import Desk, at_desk, confirm, leave
from shipper.cli.failure import Failure
from shipper.cli.filters import filters
from shipper.cli.progress import counting
from shipper.cli.text import clean, moment, number
from shipper.inspector import Filter

STDOUT = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written. `left` were named, and are no dead letters."""

    account: str
    file: str
    letters: int
    left: int


@click.command("export")
@ids
@filters
@everything
@click.option("-o", "--output", "target", required=True, metavar="FILE", help="A new file, or - for stdout.")
@click.option("--masked", is_flag=True, help="Hide emails and mobiles: to be read, not imported.")
@at_desk
def export(
    desk: Desk, event_ids: Sequence[str], *, wanted: Filter, everything: bool, target: str, masked: bool
) -> None:
    """Write dead letters to a file of JSON lines, by id or filter; they stay as they are.

    It holds everything, customers and contacts too: the file is readable by you alone, and
    the export stands on the audit log. Each line has a checksum, the last one covers all.
    """
    choice = choose(desk, event_ids, wanted, everything=everything)
    letters = -2  # the first and the last line are none
    with counting("exporting", choice.count, quiet=desk.out.as_json) as bar, _target(target) as file:
        for line in desk.inspector.letters.export(choice, masked=masked, told=bar.step):
            file.write(line)
            letters += 1
    left = choice.count - letters if event_ids else 0
    done = Exported(account=desk.inspector.account, file=target, letters=letters, left=left)
    if target != STDOUT:
        desk.out.fact(done, _draw)
    if left:
        leave(1)


@click.command("import")
@click.argument("file", type=click.File("rb"))
@yes
@at_desk
def import_(desk: Desk, file: BinaryIO, *, yes: bool) -> None:
    """Take letters of an export in as dead letters, here or in another account or Redis.

    The whole file is checked first; one that is torn or was changed is refused with its
    line, and nothing is written. Ids that are known here are left. - reads stdin.
    """
    with _rewindable(file) as whole:
        head, letters = desk.inspector.letters.check_export(whole)
        whole.seek(0)
        told = f"of {clean(head.account)}, {moment(head.exported_at)} UTC"
        confirm(
            f"Take {number(letters)} letter(s) {told}, into {desk.inspector.account}?",
            yes=yes or not letters,
        )
        with counting("importing", letters, quiet=desk.out.as_json) as bar:
            handled = desk.inspector.letters.import_export(whole, told=bar.step)
    report(desk, handled, "taken in")


@contextmanager
def _target(name: str) -> Iterator[BinaryIO]:
    """Yield a file that nobody else can read, and that is there under its name only once it is whole."""
    if name == STDOUT:
        if sys.stdout.isatty():
            raise click.UsageError("A terminal is no place for what customers said: name a file.")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(name)
    if path.exists():
        raise Failure([f"{name} is there already: name a new file"])
    part = path.with_name(f"{path.name}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Failure([f"cannot write {part}: {error.strerror}"]) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _rewindable(file: BinaryIO) -> Iterator[BinaryIO]:
    """Yield a file that can be read twice; a pipe is kept in one that has no name."""
    if file.seekable():
        yield file
        return
    with tempfile.TemporaryFile() as kept:
        shutil.copyfileobj(file, kept)
        kept.seek(0)
        yield kept


def _draw(done: Exported) -> RenderableType:
    said = Text(f"{number(done.letters)} letter(s) written")
    if done.left:
        said.append(f"\n{number(done.left)} {WHY_LEFT['no']}")
    return said
