"""The two rate windows: by a table of moments, and once each over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipper.sandbox.windows import Limits, Window, Windows
from tests.support.sandbox import Sandbox


@pytest.mark.parametrize(
    ("limits", "admitted", "at_ms", "full"),
    [
        (Limits(per_second=2, per_30_seconds=0), [0], 999, False),
        (Limits(per_second=2, per_30_seconds=0), [0, 500], 999, True),
        (Limits(per_second=2, per_30_seconds=0), [0, 500], 1_000, False),
        (Limits(per_second=2, per_30_seconds=0), [0, 999], 1_000, False),
        (Limits(per_second=2, per_30_seconds=0), [1, 999], 1_000, True),
        (Limits(per_second=0, per_30_seconds=3), [0, 10_000, 20_000], 29_999, True),
        (Limits(per_second=0, per_30_seconds=3), [0, 10_000, 20_000], 30_000, False),
        (Limits(per_second=1, per_30_seconds=3), [0, 10_000, 20_000], 20_500, True),
        (Limits(per_second=0, per_30_seconds=0), [0] * 10_000, 0, False),
    ],
)
def test_a_call_fits_if_both_windows_have_room(
    limits: Limits, admitted: list[int], at_ms: int, full: bool
) -> None:
    windows = Windows(limits)
    for moment in admitted:
        windows.admit(moment)

    found = windows.full(at_ms)

    assert found is full


def test_the_fullest_window_is_remembered() -> None:
    window = Window(1_000)

    for moment in [0, 300, 600, 1_000, 1_200, 5_000]:
        window.add(moment)

    assert window.highest == 4
    assert window.count(5_000) == 1


def test_a_call_over_the_short_window_is_throttled_until_it_has_slid_on(tmp_path: Path) -> None:
    with Sandbox(tmp_path, per_second=3) as sandbox:
        answers = [sandbox.track()]
        # As many as it takes: where the machine stalls, the window slides on between two of them.
        while answers[-1].status_code == 200 and len(answers) < 100:
            answers.append(sandbox.track(f"c-{len(answers)}"))
        sandbox.wait_until(lambda: sandbox.track().status_code == 200)
        stats = sandbox.stats()

    *let_in, throttled = answers
    assert len(let_in) >= 3
    assert (throttled.status_code, throttled.json()["code"]) == (429, 429)
    assert "Retry-After" not in throttled.headers
    assert stats["accepted"] == len(let_in) + 1
    assert stats["max_per_second"] > 3


def test_a_call_over_the_long_window_is_throttled_and_bad_bodies_count_while_bad_keys_do_not(
    tmp_path: Path,
) -> None:
    with Sandbox(tmp_path, per_30_seconds=2, api_key="key") as sandbox:
        statuses = [
            sandbox.post("{}", headers={"APIKey": "wrong"}).status_code,
            sandbox.post("{}").status_code,
            sandbox.track().status_code,
            sandbox.track().status_code,
        ]
        stats = sandbox.stats()

    assert statuses == [401, 400, 200, 429]
    assert stats["by_status"] == {"200": 1, "400": 1, "401": 1, "429": 1}
    assert (stats["calls"], stats["max_per_30_seconds"]) == (4, 4)
