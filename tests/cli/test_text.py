"""How data is shown: nothing steers the terminal, times are read and written as documented."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from shipper.cli.output import json_line
from shipper.cli.text import clean, duration, iso, number, read_duration, read_moment
from shipper.inspector import Moment

NOW = 1_700_000_000_123


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    ended_at: int
    delay_ms: int
    events: dict[str, Any]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ünïcode 🎉", "plain ünïcode 🎉"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\nb\rc\td", r"a\nb\rc\td"),
        ("\x9b2J", r"\x9b2J"),
        ("\x7f", r"\x7f"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("\u2028", r"\u2028"),
        ("[red]markup[/red] :smile:", "[red]markup[/red] :smile:"),
    ],
)
def test_what_could_steer_a_terminal_is_escaped(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_a_long_text_is_cut() -> None:
    assert clean("abcdef", most=4) == "abc…"
    assert clean("abcd", most=4) == "abcd"


@pytest.mark.parametrize(
    ("ms", "shown"),
    [
        (None, ""),
        (0, "0 s"),
        (120, "120 ms"),
        (1_500, "1 s"),
        (59_999, "59 s"),
        (60_000, "1 min"),
        (3_600_000, "1 h"),
        (86_400_000, "1 d"),
        (10 * 86_400_000, "10 d"),
    ],
)
def test_a_span_is_shown_in_its_largest_unit(ms: int | None, shown: str) -> None:
    assert duration(ms) == shown


@pytest.mark.parametrize(
    ("text", "ms"),
    [("50ms", 50), ("30s", 30_000), ("10m", 600_000), ("1h30m", 5_400_000), ("2d", 172_800_000), ("0s", 0)],
)
def test_a_span_is_read(text: str, ms: int) -> None:
    assert read_duration(text) == ms


@pytest.mark.parametrize("text", ["", "10", "m", "-1s", "1.5h", "1 h", "10m!"])
def test_no_other_span_is_read(text: str) -> None:
    with pytest.raises(ValueError, match="is no time span: write 30s, 10m, 1h30m or 2d"):
        read_duration(text)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2h", NOW - 7_200_000),
        ("2023-11-14T22:13:20.123Z", NOW),
        ("2023-11-14T22:13:20.123", NOW),
        ("2023-11-15T00:13:20.123+02:00", NOW),
        ("2023-11-14", 1_699_920_000_000),
    ],
)
def test_a_moment_is_read(text: str, ms: int) -> None:
    assert read_moment(text, now=NOW) == ms


@pytest.mark.parametrize("text", ["", "yesterday", "2023-13-01", "14:00"])
def test_no_other_moment_is_read(text: str) -> None:
    with pytest.raises(ValueError, match="is no time: write"):
        read_moment(text, now=NOW)


def test_a_moment_is_written_to_the_millisecond_and_read_back() -> None:
    assert iso(NOW) == "2023-11-14T22:13:20.123Z"
    assert read_moment(iso(NOW), now=0) == NOW


@pytest.mark.parametrize("ms", [-1, 253_402_300_800_000, 2**60])
def test_a_moment_beyond_the_calendar_is_a_number(ms: int) -> None:
    assert iso(ms) == str(ms)


def test_numbers_are_grouped() -> None:
    assert [number(1_234_567), number(1.5), number(None)] == ["1,234,567", "1.5", "-"]


def test_a_json_line_is_ascii_without_control_characters() -> None:
    line = json_line({"name": "\x1b[31m\x7f\x9b\u202eü"})

    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {"name": "\x1b[31m\x7f\x9b\u202eü"}


def test_moments_are_iso_in_json_but_what_an_event_holds_stays_as_it_is() -> None:
    line = json_line(Told(ended_at=NOW, delay_ms=5, events={"visit": {"ended_at": NOW}}))
    moments = json.loads(json_line([Moment(at=NOW, what="attempt", delay_ms=5)]))

    assert json.loads(line) == {
        "ended_at": "2023-11-14T22:13:20.123Z",
        "delay_ms": 5,
        "events": {"visit": {"ended_at": NOW}},
    }
    assert moments == [{"at": "2023-11-14T22:13:20.123Z", "what": "attempt", "delay_ms": 5}]
