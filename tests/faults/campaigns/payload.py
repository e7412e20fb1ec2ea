"""Thousands of generated events through the whole chain: enqueue, Redis, merging, HTTP; byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final, cast

import shipper
from shipper.client import _current
from shipper.ledger.operations import pause, resume
from shipper.settings import Settings
from tests.faults.campaign import Campaign, Ground
from tests.faults.field import first
from tests.faults.row import Row
from tests.support.hostile import HostileServer
from tests.support.parcels import TOGETHER, parcels, unlike
from tests.support.payload import draw
from tests.support.sandbox import Sandbox
from tests.support.stage import Stage

AT_ONCE: Final = 1000


def payload(ground: Ground) -> Iterator[Row]:
    """Enqueue generated events while nobody works, let two workers merge and post them, compare all bytes."""
    rounds = 1 if ground.quick else 6
    drawn = [event for number in range(rounds) for event in draw(AT_ONCE, by=ground.seed + number)]
    sent = parcels(drawn)
    ground.say(f"{len(sent):,} events drawn")
    server = ground.server()
    server.start()
    with ExitStack() as stack, HostileServer() as far_end:
        stack.callback(server.kill)
        shipper.configure(Settings(redis_url=server.url))
        stage = Stage(server, cast("Sandbox", far_end), ground.place("shipper"), stack)
        stage.ledger.run(pause())
        receipts = shipper.enqueue_events(sent)
        for _ in range(2):
            stage.worker()
        stage.ledger.run(resume())
        counters = stage.until_at_rest(within_s=180)
        wrongs = first(unlike(sent, far_end.bodies))
        refused = sum(not isinstance(receipt, shipper.Receipt) for receipt in receipts)
        wrongs += [f"{refused} events were refused"] if refused else []
        if counters.get("delivered") != len(sent):
            wrongs.append(f"{counters.get('delivered')} of {len(sent)} were delivered")
        merged = len(sent) - len(far_end.bodies)
        yield Row(
            fault="Any JSON within the limits",
            policy="retry",
            injected=f"{len(sent):,} generated events",
            load=f"{len(sent):,} events of {len(sent) // TOGETHER:,} customers, 2 workers",
            note=f"{len(far_end.bodies):,} calls, so {merged:,} events travelled in the call of another;"
            " every event's bytes came as they were sealed, and every value as it was given",
            problems=tuple(wrongs),
        )
        shipper.close()
        _current.client = None


CAMPAIGNS: Final = (
    Campaign(
        name="payload",
        tells="Generated events (emoji, right-to-left text, `__proto__`, the ends of the number range, empty"
        " lists) go through the whole chain, and arrive as they were given, byte for byte, alone and merged.",
        run=payload,
        minutes=2.5,
    ),
)
