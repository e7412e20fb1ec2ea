"""The two most telling campaigns, as short as they can be, through the framework that runs the long ones."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.faults.campaign import PARK, RETRY, Ground, beside
from tests.faults.campaigns.redis import SLOW, cut_workers_off
from tests.faults.campaigns.workers import SLOWER, wake_zombies

# They take 15 s each where nothing else runs, most of it the time of a lease.


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(folder=tmp_path, seed=1, quick=True, say=lambda line: None)


def test_nothing_is_lost_while_workers_and_redis_are_half_open(ground: Ground) -> None:
    run = beside("half-open", partial(cut_workers_off, cut_s=3), sides=(RETRY,), sandbox=SLOW)

    (row,) = run(ground)

    assert row.wrongs == ()
    assert row.tally is not None
    assert row.tally.lost == 0
    assert row.tally.delivered > 200


def test_a_zombie_that_wakes_is_believed_what_succeeded(ground: Ground) -> None:
    hooked = {"hook": "noted"}
    run = beside("zombie", partial(wake_zombies, rounds=1), sides=(PARK,), sandbox=SLOWER, settings=hooked)

    (row,) = run(ground)

    assert row.wrongs == ()
    assert row.tally is not None
    assert row.tally.most_copies == 1
