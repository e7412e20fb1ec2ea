"""Render the golden table as a page: `python -m workers.verdict_page docs/reference/verdicts.md`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from workers.verdict import DOES, TABLE, Row

_HEAD: Final = """\
# Verdicts: what every answer of Gameball means

Made from `workers/verdicts.toml`, which the code decides by and a test walks: change it there, then run
`python -m workers.verdict_page docs/reference/verdicts.md`.

Read from top to bottom; the first row that fits decides. The code comes before the status; `type` and
`message` decide nothing. A body is *empty*, *html*, *success* (JSON with `"success": true`), *failure* (with
`false`), *object* (any other JSON object) or *other*; at most 64 KiB of it are read.

## Answers

| answer | code | body | Retry-After | verdict | why |
|---|---|---|---|---|---|
"""
_MIDDLE: Final = """
## What is done

| verdict | what is done |
|---|---|
"""


def render() -> str:
    """Return the whole page."""
    answers = "".join(_line(row) for row in TABLE)
    done = "".join(f"| {verdict} | {text} |\n" for verdict, text in DOES.items())
    return f"{_HEAD}{answers}{_MIDDLE}{done}"


def _line(row: Row) -> str:
    cells = (_answer(row), _code(row), _body(row), _retry_after(row), f"**{row.verdict}**", row.why)
    return f"| {' | '.join(cells)} |\n"


def _answer(row: Row) -> str:
    if row.lost:
        return "none: " + ", ".join(row.lost)
    return "any" if row.status is None else ", ".join(_span(span) for span in row.status)


def _code(row: Row) -> str:
    if row.code is None:
        return "any"
    return ", ".join(_span(span) for span in row.code) or "none"


def _body(row: Row) -> str:
    return "any" if row.body is None else ", ".join(row.body)


def _retry_after(row: Row) -> str:
    return "any" if row.retry_after is None else ("yes" if row.retry_after else "no")


def _span(span: range) -> str:
    if len(span) == 100:
        return f"{span.start // 100}xx"
    return f"{span.start}" if len(span) == 1 else f"{span.start}–{span.stop - 1}"  # noqa: RUF001 - a range


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
