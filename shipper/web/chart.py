"""Chart: an hour of samples as lines of an SVG, computed here so that the page needs no script for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from shipper.inspector import Sample

HOUR_MS: Final = 3_600_000
STEP_MS: Final = 30_000
"""Samples within one step are one point: their mean."""
WIDTH: Final = 600
HEIGHT: Final = 100
ROOM: Final = 4
"""Kept free above and below, so that a line's stroke is whole."""
ROUND: Final = (1, 2, 2.5, 5, 10)
GAP_STEPS: Final = 2

Value = Callable[[Sample], float | None]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: the `d` of its path, that of the area below it, and the figures to say it in words."""

    name: str
    d: str
    area: str
    last: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Lines over one hour that share a scale from 0 to `top`."""

    lines: tuple[Line, ...]
    top: float
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def is_empty(self) -> bool:
        """Tell that there is nothing to draw."""
        return not any(line.d for line in self.lines)


def chart_of(samples: Sequence[Sample], wanted: dict[str, Value], *, now: int, least: float = 1) -> Chart:
    """Draw values of an hour's samples; the scale ends at a round number of at least `least`."""
    series = {name: _means(samples, value, now=now) for name, value in wanted.items()}
    top = _round_up(max([least, *(y for points in series.values() for _, y in points)]))
    return Chart(lines=tuple(_line(name, points, top) for name, points in series.items()), top=top)


def _means(samples: Sequence[Sample], value: Value, *, now: int) -> list[Point]:
    """Return (step, mean) for each step of the hour that has values; steps count from the hour's start."""
    found: dict[int, list[float]] = {}
    for sample in samples:
        step = (sample.at - now + HOUR_MS) // STEP_MS
        y = value(sample)
        if y is not None and 0 <= step <= HOUR_MS // STEP_MS:
            found.setdefault(step, []).append(max(y, 0))
    return [(step, sum(ys) / len(ys)) for step, ys in sorted(found.items())]


def _line(name: str, points: list[Point], top: float) -> Line:
    runs: list[list[Point]] = []
    for point in points:
        if runs and point[0] - runs[-1][-1][0] <= GAP_STEPS:
            runs[-1].append(point)
        else:
            runs.append([point])
    placed = [[_place(point, top) for point in run] for run in runs]
    return Line(
        name=name,
        d=" ".join(_path(run) for run in placed),
        area=" ".join(f"{_path(run)} V{HEIGHT} H{run[0][0]:.1f} Z" for run in placed),
        last=points[-1][1] if points else 0,
        most=max((y for _, y in points), default=0),
    )


def _path(run: list[Point]) -> str:
    # A lone point is drawn as a short dash: a path of one point has no stroke.
    points = run if len(run) > 1 else [run[0], (run[0][0] + 1, run[0][1])]
    return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _place(point: Point, top: float) -> Point:
    step, y = point
    return step * STEP_MS / HOUR_MS * WIDTH, HEIGHT - ROOM - y / top * (HEIGHT - 2 * ROOM)


def _round_up(value: float) -> float:
    size = 1.0
    while size * 10 < value:
        size *= 10
    return next(size * step for step in ROUND if size * step >= value)
