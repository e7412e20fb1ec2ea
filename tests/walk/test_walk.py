"""The walk that the desk is for: three reasons found, edited, sent again and discarded, and nothing lost.

`make walk` does the same with twenty thousand letters, and takes the pictures of docs/desk-walk.md.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.support.stage import Stage
from tests.walk.album import Album
from tests.walk.at_terminal import walk_at_terminal
from tests.walk.on_page import walk_on_page
from tests.walk.proof import prove
from tests.walk.shop import Shop

LETTERS = 400
RATE = 400
PACE = {"pace_per_second": 1000, "pace_per_30_seconds": 30_000}


@pytest.fixture
def shop(stage: Stage) -> Shop:
    """A queue of four hundred letters, and a worker to carry on what is decided."""
    shop = Shop(stage=stage, letters=LETTERS, pace=PACE)
    shop.fall(within_s=60, **PACE)
    shop.live(30)
    return shop


def test_on_the_command_line_three_reasons_are_put_right_and_nothing_is_lost(shop: Shop) -> None:
    album = Album()

    walk_at_terminal(shop, album, rate=RATE)

    proof = prove(shop)
    assert (proof.edited, proof.redriven_as_job, proof.discarded) == (180, 120, 100)
    assert proof.accepted == 400 + 20 + 30
    assert album.wide == []


def test_on_the_page_three_reasons_are_put_right_and_nothing_is_lost(shop: Shop, chromium: Browser) -> None:
    walk_on_page(shop, chromium, Album(), rate=RATE)

    proof = prove(shop)
    assert (proof.edited, proof.redriven_as_job, proof.discarded) == (180, 120, 100)
    assert proof.accepted == 400 + 20 + 30
