"""Album: the pictures of a walk: what the terminal showed as SVG, what the browser showed as PNG."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from socket import gethostname
from typing import Final

from playwright.sync_api import Page
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

COLUMNS: Final = 80
FONT: Final = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"
"""A picture that loads nothing: rich would fetch its font from another host."""
FORMAT: Final = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
    "Fira Code, monospace", FONT
)
THEME: Final = TerminalTheme(
    (22, 27, 34),
    (214, 219, 226),
    [
        (40, 46, 54),
        (255, 123, 114),
        (104, 201, 130),
        (227, 179, 65),
        (121, 184, 255),
        (210, 168, 255),
        (86, 212, 221),
        (201, 209, 217),
    ],
)
_PIECE: Final = re.compile(r"\x1b\[(?P<args>[0-?]*)(?P<end>[@-~])|(?P<move>[\r\n])|(?P<text>[^\x1b\r\n]+)|.")


@dataclass(slots=True)
class Album:
    """Pictures in a folder; without one nothing is kept, and widths are looked at all the same."""

    folder: Path | None = None
    wide: list[str] = field(default_factory=list)
    """Lines of the terminal that are wider than it is."""

    def terminal(self, name: str, command: str, output: str) -> None:
        """Keep what a terminal shows after this output, under a name if it has one."""
        lines = screen(output.replace(f"{gethostname()}:", "w1:"))  # no picture tells where it was taken
        self.wide += [line for line in (Text.from_ansi(each).plain for each in lines) if len(line) > COLUMNS]
        if self.folder and name:
            (self.folder / f"{name}.svg").write_text(drawn(name, [*prompted(command), *lines]))

    def page(self, name: str, page: Page, *, whole: bool = True) -> None:
        """Keep what a browser shows."""
        if self.folder:
            page.screenshot(path=self.folder / f"{name}.png", full_page=whole, animations="disabled")


def prompted(command: str) -> list[str]:
    """Return a command behind a prompt, broken before its options where it is too long."""
    words = re.split(r" (?=--)", f"$ {command}")
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + len(word) + 3 > COLUMNS:
            lines[-1] += " \\"
            lines.append(f"    {word}")
        else:
            lines[-1] += f" {word}"
    return [f"\x1b[1m{line}\x1b[0m" for line in lines]


def screen(output: str) -> list[str]:
    """Return the lines that a terminal shows after all this was printed, with their colours.

    It knows what rich's progress does: back to the beginning, a line up, a line cleared.
    """
    lines, row = [""], 0
    for piece in _PIECE.finditer(output):
        match piece["end"], piece["move"]:
            case "m", _:
                lines[row] += piece[0]
            case "A", _:
                row = max(row - int(piece["args"] or 1), 0)
            case "K", _:
                lines[row] = ""
            case _, "\n":
                row += 1
                if row == len(lines):
                    lines.append("")
            case _:
                lines[row] += piece["text"] or ""
    while lines and not Text.from_ansi(lines[-1]).plain.strip():
        lines.pop()
    return lines


def drawn(name: str, lines: list[str]) -> str:
    """Return the lines as an SVG of eighty columns that is the same each time."""
    console = Console(
        record=True,
        width=COLUMNS,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        highlight=False,
    )
    for line in lines:
        console.print(Text.from_ansi(line), overflow="fold")
    return console.export_svg(title="", theme=THEME, code_format=FORMAT, unique_id=name)
