"""Payload: any event that may be sent, drawn by hypothesis; and how to write it so that 1 is not 1.0."""

from __future__ import annotations

import json
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

LARGEST: Final = 2**53

TEXT: Final = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(
    [
        "",
        "__proto__",
        "__type__",
        "😀👨‍👩‍👧",
        "مرحبا",
        "\u202e\u05e9\u05dc\u05d5\u05dd",
        "\u2028",
        "\x00\x1f",
        '"}}',
        "\\u0000",
        "a|b,c",
        "NaN",
    ]
)
LEAF: Final = (
    TEXT
    | st.booleans()
    | st.integers(-LARGEST, LARGEST)
    | st.sampled_from([LARGEST, -LARGEST, -0.0, 5e-324, 1.7976931348623157e308, 1e22, 0.1])
    | st.floats(allow_nan=False, allow_infinity=False)
)
JSON: Final = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)
METADATA: Final = st.dictionaries(TEXT, JSON, max_size=4)
NAME: Final = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=20
).filter(lambda name: not name.isspace())
EVENT: Final = st.fixed_dictionaries(
    {"customerId": NAME, "events": st.dictionaries(NAME, METADATA, min_size=1, max_size=3)},
    optional={"email": NAME, "mobile": NAME},
)


def written(value: Any) -> str:
    """Write a value so that 1, 1.0, True and "1" differ, and the order of keys counts."""
    return json.dumps(value)


def draw(count: int, *, by: int) -> list[dict[str, Any]]:
    """Return so many events, reproducible by a seed."""
    drawn: list[dict[str, Any]] = []

    @seed(by)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(event=EVENT)
    def note(event: dict[str, Any]) -> None:
        drawn.append(event)

    note()
    return drawn
