"""Plot: bars as an SVG that reads on a light and on a dark page; by hand, for it is only rectangles."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from benchmarks.finding import Bar, Plot
from benchmarks.text import figure

WIDTH: Final = 720
LEFT: Final = 240
RIGHT: Final = 90
ROW: Final = 26
TOP: Final = 44
STYLE: Final = """\
<style>
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 } .label { text-anchor: end }
  .other { fill: #a9b4c0 } .ours { fill: #2f7d4f } .spread { stroke: #1f2328; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .other { fill: #57606a } .ours { fill: #4fb477 } .spread { stroke: #e6edf3 }
  }
</style>"""


def svg(plot: Plot) -> str:
    """Draw horizontal bars of medians from zero, with a line from the lowest to the highest round."""
    height = TOP + ROW * len(plot.bars) + 8
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    title = escape(f"{plot.title} ({plot.unit})")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{title}" {size}>',
        STYLE,
        f'<text class="title" x="8" y="24">{title}</text>',
        *_bars(plot),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _bars(plot: Plot) -> Iterator[str]:
    longest = max((bar.spread.high for bar in plot.bars), default=0) or 1
    scale = (WIDTH - LEFT - RIGHT) / longest
    for row, bar in enumerate(plot.bars):
        yield from _bar(bar, TOP + ROW * row, scale)


def _bar(bar: Bar, top: int, scale: float) -> Iterator[str]:
    low, middle, high = (LEFT + scale * at for at in (bar.spread.low, bar.spread.middle, bar.spread.high))
    kind = "ours" if bar.ours else "other"
    line = top + 9
    yield f'<text class="label" x="{LEFT - 8}" y="{top + 14}">{escape(bar.label)}</text>'
    width = f"{max(middle - LEFT, 1):.1f}"
    yield f'<rect class="{kind}" x="{LEFT}" y="{top}" width="{width}" height="18" rx="2"/>'
    if high > low:
        yield f'<line class="spread" x1="{low:.1f}" x2="{high:.1f}" y1="{line}" y2="{line}"/>'
    yield f'<text x="{max(high, middle) + 6:.1f}" y="{top + 14}">{figure(bar.spread.middle)}</text>'
