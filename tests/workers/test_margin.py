"""The margin: how much later than the setting says a call may leave while Redis is slow."""

from __future__ import annotations

import pytest

from shipper.settings import Settings
from workers.margin import Margin

SETTINGS = Settings(pace_margin_ms=250)


@pytest.mark.parametrize(
    ("took", "beyond"),
    [
        ([], 0),
        ([3, 125], 0),
        ([126], 2),
        ([400], 550),
        ([400, 3, 3], 550),
        ([60_000], 5000),
    ],
)
def test_it_is_twice_the_slowest_claim_of_late_up_to_a_bound(took: list[int], beyond: int) -> None:
    margin = Margin()

    for ms in took:
        margin.took(ms)

    assert margin.beyond(SETTINGS) == beyond


def test_it_is_that_of_the_setting_again_once_redis_is_quick() -> None:
    margin = Margin()
    margin.took(900)

    for _ in range(8):
        margin.took(2)

    assert margin.beyond(SETTINGS) == 0
