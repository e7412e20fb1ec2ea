"""Difference: what differs in an event, drawn for a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from shipper.cli.text import clean
from shipper.inspector import Difference


def draw_differences(found: Iterable[Difference]) -> RenderableType:
    """Draw what differs, place by place: what goes behind a red minus, what comes behind a green plus."""
    lines: list[Text] = []
    for each in found:
        lines.append(Text(clean(each.place), style="bold"))
        if each.what != "added":
            lines.append(_side("-", each.before, "red"))
        if each.what != "removed":
            lines.append(_side("+", each.after, "green"))
    return Group(*lines)


def _side(sign: str, value: Any, style: str) -> Text:
    return Text(f"{sign} {clean(json.dumps(value, ensure_ascii=False))}", style=style, overflow="fold")
