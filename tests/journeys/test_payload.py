"""Whatever may be enqueued arrives as it was: generated events through a running worker, every byte kept."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import cast

import shipper
from shipper.client import _current
from shipper.ledger.operations import pause, resume
from shipper.settings import Settings
from tests.journeys.conftest import ALWAYS, BUDGET_MS
from tests.support.hostile import HostileServer
from tests.support.parcels import parcels, unlike
from tests.support.payload import draw
from tests.support.sandbox import Sandbox
from tests.support.servers import StartServer
from tests.support.stage import Stage
from tests.support.worker import PATIENT


def test_three_hundred_generated_events_arrive_byte_for_byte_alone_and_merged(
    private_server: StartServer, tmp_path: Path
) -> None:
    sent = parcels(draw(300, by=1))
    server = private_server(options=ALWAYS)
    shipper.configure(Settings(redis_url=server.url, enqueue_budget_ms=BUDGET_MS))
    with ExitStack() as stack, HostileServer() as far_end:
        stage = Stage(server, cast("Sandbox", far_end), tmp_path, stack, environment=PATIENT)
        stage.worker()
        stage.ledger.run(pause())
        receipts = shipper.enqueue_events(sent)

        stage.ledger.run(resume())

        counters = stage.until_at_rest()
        assert all(isinstance(receipt, shipper.Receipt) for receipt in receipts)
        assert counters["delivered"] == len(sent) == 300
        assert list(unlike(sent, far_end.bodies)) == []
        assert len(far_end.bodies) < 300, "none were merged"
    shipper.close()
    _current.client = None
