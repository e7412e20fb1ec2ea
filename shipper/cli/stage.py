"""Stage: what one sees of a demo while it runs: a live line on a terminal, plain lines anywhere else."""

from __future__ import annotations

from threading import Lock
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bars
from rich.text import Text

from shipper.cli.text import clean, number
from shipper.clock import monotonic_ms
from shipper.local.fact import Fact
from shipper.local.progress import Progress
from shipper.local.stack import Stack

PLAIN_EVERY_MS: Final = 2000
"""How often progress is a line of its own where there is no terminal."""
FIGURES: Final = 45
"""Characters of the figures behind the bar, so that it keeps its length."""
SENTENCES: Final = {
    "account.held": "{why}: no calls for {for_ms}",
    "worker.killed": "is killed ({by}) with {calls_under_way} calls under way",
    "process.ended": "ended ({by}), starts again in {again_in_ms}",
    "process.started": "started again",
    "process.killed": "did not end by itself within {after_ms}: killed",
}
"""The facts that are shown, as sentences. The workers' own are kept with --keep."""


class Stage:
    """Show facts above, and below them how far it is. `quiet` shows nothing."""

    def __init__(self, *, quiet: bool) -> None:
        self._console = Console(quiet=quiet, highlight=False)
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[figures]}"),
            console=self._console,
            expand=True,
            transient=True,
            disable=quiet or not self._console.is_terminal,
        )
        self._task = self._bars.add_task("starting", total=None, figures="Redis, sandbox, three workers")
        self._lock = Lock()
        self._plain_at = 0

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def say(self, name: str, sentence: str, *, style: str = "") -> None:
        """Show one line: who, and what."""
        line = Text.assemble((f"{clean(name):<9}", "cyan"), (clean(sentence), style))
        with self._lock:
            self._console.print(line, soft_wrap=True)

    def tell(self, fact: Fact) -> None:
        """Show a fact, if it is one of those that matter here."""
        if fact.event in SENTENCES:
            style = "yellow" if fact.level == "warning" else ""
            words = {
                name: f"{value / 1000:.1f} s" if name.endswith("_ms") else value
                for name, value in fact.fields.items()
            }
            self.say(fact.process, SENTENCES[fact.event].format(**words), style=style)

    def opened(self, stack: Stack) -> None:
        """Show what runs now."""
        if stack.program is not None:
            self.say("redis", f"{stack.program.name} {stack.program.version} at {stack.redis_url}")
        self.say("sandbox", f"stands in for Gameball at {stack.sandbox_url}")
        self.say("workers", "two deliver, one calls the hooks")

    def look(self, progress: Progress) -> None:
        """Show how far it is."""
        figures = (
            f"{number(progress.delivered)}/{number(progress.accepted)} delivered"
            f"  {number(progress.dead)} dead  {progress.calls_per_second:>3} calls/s"
        )
        doing = "shipping" if progress.accepted < progress.total else "delivering"
        self._bars.update(
            self._task,
            description=f"{doing:<10}",
            total=progress.total,
            completed=progress.ended,
            figures=f"{figures:>{FIGURES}}",
        )
        if self._bars.disable and monotonic_ms() >= self._plain_at:
            self._plain_at = monotonic_ms() + PLAIN_EVERY_MS
            self.say("shop", figures)
