"""Read pages of documentation: their fenced blocks, and what the comment before a block says of it.

A comment stands on the line before the fence:

- `<!-- not run: reason -->`
- `<!-- continues -->`: in the folder, with the exports and processes, of the block before
- `<!-- keeps running -->`: its last command is left running once it has said what is shown
- `<!-- file: hooks.py -->`: written to the folder under this name instead of run
- `<!-- from: examples/hooks.py -->`: a part of that file, word for word; not run
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

RUN: Final = ("console", "python")

_FENCE: Final = re.compile(
    r"^(?:<!-- (?P<note>[^\n]+) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_NOTES: Final = ("not run", "continues", "keeps running", "file", "from")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block; `line` is that of its fence."""

    page: str
    line: int
    language: str
    text: str
    note: str = ""
    """The first words of the comment, as in `file`; empty without one."""
    told: str = ""
    """What the comment says behind its colon."""

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One `$` line of a console block, and the lines shown below it."""

    line: str
    shown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Blocks that run one after the other in one folder."""

    blocks: list[Block] = field(default_factory=list)

    @property
    def place(self) -> str:
        return self.blocks[0].place


def blocks_of(root: Path, page: str) -> list[Block]:
    """Return every fenced block of a page."""
    text = (root / page).read_text()
    found = []
    for match in _FENCE.finditer(text):
        note, _, told = (match["note"] or "").partition(": ")
        assert not note or note in _NOTES, f"{page} has a comment before a block that means nothing: {note}"
        line = text.count("\n", 0, match.start("text"))
        found.append(
            Block(page=page, line=line, language=match["language"], text=match["text"], note=note, told=told)
        )
    return found


def chains_of(blocks: list[Block]) -> list[Chain]:
    """Put together what runs together: a block that continues, or keeps a file for the next one."""
    chains: list[Chain] = []
    open_ended = False
    for block in blocks:
        if block.note in {"not run", "from"} or (block.language not in RUN and block.note != "file"):
            continue
        if not (chains and (open_ended or block.note == "continues")):
            chains.append(Chain())
        chains[-1].blocks.append(block)
        open_ended = block.note in {"file", "keeps running"}
    return chains


def commands_of(block: Block) -> list[Command]:
    """Return the commands of a console block; a line that ends in a backslash goes on in the next."""
    lines = block.text.replace("\\\n", "").splitlines()
    assert lines, f"{block.place} is empty"
    assert lines[0].startswith("$ "), f"{block.place} does not begin with a command"
    found: list[Command] = []
    for line in lines:
        if line.startswith("$ "):
            found.append(Command(line=line[2:]))
        else:
            found[-1] = Command(line=found[-1].line, shown=(*found[-1].shown, line))
    return found


def matches(shown: tuple[str, ...], said: str) -> bool:
    """Tell whether output is what the page shows; `...` is any text, and alone on a line any lines."""
    return not shown or _match(shown, tuple(line.rstrip() for line in said.rstrip().splitlines()))


def _match(shown: tuple[str, ...], said: tuple[str, ...]) -> bool:
    if not shown:
        return not said
    if shown[0].strip() == "...":
        return any(_match(shown[1:], said[i:]) for i in range(len(said) + 1))
    pattern = re.escape(shown[0].rstrip()).replace(r"\.\.\.", ".*")
    return bool(said) and re.fullmatch(pattern, said[0]) is not None and _match(shown[1:], said[1:])
