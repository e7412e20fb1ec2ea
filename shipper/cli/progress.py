"""Progress: a bar on a terminal, and nothing anywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from shipper.cli.text import clean


class Bar:
    """Be told of each step; say what cannot wait, above the bar where there is one. All goes to stderr."""

    def __init__(
        self, console: Console, progress: Progress | None = None, task: TaskID | None = None
    ) -> None:
        self._console = console
        self._progress = progress
        self._task = task

    def step(self, size: int) -> None:
        """Move on by so much of the whole."""
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task, size)

    def say(self, text: str) -> None:
        """Print a line."""
        self._console.print(Text(clean(text)), soft_wrap=True)


@contextmanager
def counting(what: str, total: int | None, *, quiet: bool = False) -> Iterator[Bar]:
    """Yield the bar of a task of that size (None: unknown); it goes away at the end."""
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    if quiet or not console.is_terminal:
        yield Bar(console)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield Bar(console, progress, progress.add_task(what, total=total))
