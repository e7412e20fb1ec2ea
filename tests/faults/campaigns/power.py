"""Power: the machine of Redis loses it under load, and with it all that was not synced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from tests.faults.campaign import ALL, Campaign, Ground
from tests.faults.field import Field
from tests.faults.power.power import STRICT, PoweredServer, PowerLoss, compile_shim
from tests.faults.rollback import Rollbacks, held, recorded
from tests.faults.row import Row
from tests.faults.side import Shipper
from tests.support.programs import find_redis, find_valkey

EVERYSEC: Final = {**STRICT, "appendfsync": "everysec"}
WINDOW_MS: Final = 5_000
"""How old a write may be that Redis loses under `everysec`: 2 s by its own bound, more on a busy disk."""
FLOW: Final = 50
"""So many events are accepted before each cut, or it would strike an idle shop."""
SLOW: Final = {"latency_ms": 300}
"""So slow that something always waits: what Gameball has already cannot be lost."""


def always(ground: Ground) -> Iterator[Row]:
    """Cut the power under every side, with each write synced before it is acknowledged."""
    cuts = 3 if ground.quick else 20
    for policy in ALL:
        ground.say(f"power loss, always: {policy}")
        server = powered(ground, STRICT)
        with ground.field(policy, server=server, sandbox=SLOW) as there:
            losses = cut_power(there, server, cuts, Rollbacks(there))
            yield there.row("power loss, appendfsync always", told(losses))


def everysec(ground: Ground) -> Iterator[Row]:
    """Measure what is lost with a sync each second; hold that it is bounded, reported, and all else."""
    cuts = 2 if ground.quick else 8
    for policy in ALL:
        ground.say(f"power loss, everysec: {policy}")
        server = powered(ground, EVERYSEC)
        with ground.field(policy, server=server, sandbox=SLOW) as there:
            rollbacks = Rollbacks(there)
            losses = cut_power(there, server, cuts, rollbacks)
            row = there.row("power loss, appendfsync everysec", told(losses), note=oldest(losses))
            row = rollbacks.explained(row)
            yield replace(row, promised=False)
            if isinstance(there.side, Shipper):
                yield bounded(held(row, "power loss, everysec: bounded and reported"), there.side, losses)


def bounded(row: Row, side: Shipper, losses: list[PowerLoss]) -> Row:
    """Complain, too, of a write that was lost although it was old."""
    old = [loss.oldest_ms for loss in losses if loss.oldest_ms > WINDOW_MS]
    problems = [f"a write was lost that was {each} ms old, more than {WINDOW_MS} ms" for each in old]
    note = f"{recorded(side)} roll-backs noticed by workers and recorded"
    return replace(row, note=note, problems=(*row.problems, *problems))


def powered(ground: Ground, options: Mapping[str, str]) -> PoweredServer:
    """Return a server that was not started yet, on a machine that may lose power."""
    program = find_redis() or find_valkey()
    shim = compile_shim(ground.place("shim"))
    assert program is not None, "neither Redis nor Valkey is here: run `make install`"
    assert shim is not None, "no C compiler (Debian, as root: apt-get install gcc libc6-dev)"
    return PoweredServer(program, ground.place("redis"), options, shim=shim)


def cut_power(field: Field, server: PoweredServer, cuts: int, rollbacks: Rollbacks) -> list[PowerLoss]:
    """Cut the power every few seconds while a shop sends and two workers deliver, also in a rewrite."""
    for _ in range(2):
        field.side.worker()
    load = field.start_load(events=cuts * 5000, customers=200, per_second=80)
    losses = []
    for number in range(cuts):
        enough = load.acknowledged + FLOW
        for seconds in (0.0, 0.7, 0.7, field.random.uniform(0.6, 2.1)):
            field.pass_time(seconds)
            rollbacks.look()
        field.until(lambda enough=enough: load.acknowledged >= enough, why="the shop is idle")  # type: ignore[misc]
        if number % 4 == 3:
            with server.client() as client:
                client.bgrewriteaof()
        losses.append(server.lose_power(field.random))
        rollbacks.went_back(losses[-1].sure_at)
        server.start()
        field.healed()
        field.say(f"{load.sent:,} sent, {number + 1} of {cuts} cuts")
    load.stop()
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
        " gone, or torn. Nothing that was acknowledged may be lost. Redis has `aof-load-truncated no`, and"
        " `redis-check-aof --fix` mends its file before each start.",
        run=always,
        minutes=5,
    ),
    Campaign(
        name="power-everysec",
        tells="The same with `appendfsync everysec`, of which `doctor` warns. What is lost is measured: two"
        " seconds of it by Redis' own bound, five are allowed for a busy disk. It must be on record as"
        " *ledger rolled back*; what was synced as ended may not be sent again, anything else once more at"
        " most for each cut.",
        run=everysec,
        minutes=2,
    ),
)
