"""Power: the machine of Redis loses it under load, and with it all that was not synced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from tests.faults.campaign import ALL, RETRY, Campaign, Ground
from tests.faults.field import Field
from tests.faults.power.power import STRICT, PoweredServer, PowerLoss, compile_shim
from tests.faults.row import PEER, Row
from tests.faults.side import Shipper
from tests.support.programs import find_redis, find_valkey

EVERYSEC: Final = {**STRICT, "appendfsync": "everysec"}
WINDOW_MS: Final = 2_000
"""How old a write may be that Redis loses under `everysec`."""
SLOW: Final = {"latency_ms": 300}
"""So slow that something always waits: what Gameball has already cannot be lost."""


def always(ground: Ground) -> Iterator[Row]:
    """Cut the power under every side, with each write synced before it is acknowledged."""
    cuts = 3 if ground.quick else 20
    for policy in ALL:
        ground.say(f"power loss, always: {policy}")
        server = powered(ground, STRICT)
        with ground.field(policy, server=server, sandbox=SLOW) as there:
            losses = cut_power(there, server, cuts)
            yield there.row("power loss, appendfsync always", told(losses))


def everysec(ground: Ground) -> Iterator[Row]:
    """Measure what is lost with a sync each second; hold that it is bounded, reported and leaves no mess."""
    cuts = 2 if ground.quick else 8
    for policy in (RETRY, PEER):
        ground.say(f"power loss, everysec: {policy}")
        server = powered(ground, EVERYSEC)
        with ground.field(policy, server=server, sandbox=SLOW) as there:
            losses = cut_power(there, server, cuts)
            row = there.row("power loss, appendfsync everysec", told(losses), note=oldest(losses))
            yield replace(row, promised=False)
            if isinstance(there.side, Shipper):
                yield held(there.side, row, losses)


def held(side: Shipper, row: Row, losses: list[PowerLoss]) -> Row:
    """Return what must hold even so: bounded, reported, and the rest adds up."""
    problems = side.findings()
    rolled_back = int(side.stage.status().meta.get("rolled_back", 0))
    if any(loss.oldest_ms > WINDOW_MS for loss in losses):
        problems.append(f"a write was lost that was older than {WINDOW_MS} ms")
    if row.tally is not None and row.tally.lost and not rolled_back:
        problems.append("events were lost, and no roll-back is on record")
    return replace(
        row,
        fault="power loss, everysec: bounded and reported",
        tally=None,
        note=f"{rolled_back} roll-backs noticed by workers and recorded",
        problems=tuple(problems),
    )


def powered(ground: Ground, options: Mapping[str, str]) -> PoweredServer:
    """Return a server that was not started yet, on a machine that may lose power."""
    program = find_redis() or find_valkey()
    shim = compile_shim(ground.place("shim"))
    assert program is not None, "neither Redis nor Valkey is here: run `make install`"
    assert shim is not None, "no C compiler (Debian, as root: apt-get install gcc libc6-dev)"
    return PoweredServer(program, ground.place("redis"), options, shim=shim)


def cut_power(field: Field, server: PoweredServer, cuts: int) -> list[PowerLoss]:
    """Cut the power every few seconds while a shop sends and two workers deliver, also in a rewrite."""
    for _ in range(2):
        field.side.worker()
    load = field.start_load(events=cuts * 300, customers=200, per_second=100)
    losses = []
    for number in range(cuts):
        field.pass_time(field.random.uniform(2.0, 3.5))
        if number % 4 == 3:
            with server.client() as client:
                client.bgrewriteaof()
        losses.append(server.lose_power(field.random))
        server.start()
        field.say(f"{load.sent:,} of {load.events:,} sent")
    field.healed()
    return losses


def told(losses: list[PowerLoss]) -> str:
    """Return what was injected, its figure first."""
    dropped, torn = (sum(getattr(loss, name) for loss in losses) for name in ("dropped_bytes", "torn_bytes"))
    return f"{len(losses)} power losses, {dropped:,} bytes gone, {torn:,} torn but there"


def oldest(losses: list[PowerLoss]) -> str:
    """Return how old the oldest lost write was."""
    return f"the oldest lost write was {max(loss.oldest_ms for loss in losses):,} ms old"


CAMPAIGNS: Final = (
    Campaign(
        name="power-always",
        tells="The machine of Redis loses power under load, `appendfsync always`: what was not synced is"
        " gone, or torn. Nothing that was acknowledged may be lost.",
        run=always,
        minutes=5,
    ),
    Campaign(
        name="power-everysec",
        tells="The same with `appendfsync everysec`, of which `doctor` warns. What is lost is measured: at"
        " most two seconds of it, recorded as *ledger rolled back*, and the rest must add up.",
        run=everysec,
        minutes=2,
    ),
)
