"""Server: the Redis that is started here: on loopback, keeping what it acknowledged, in a folder of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from shipper.errors import LedgerUnavailableError
from shipper.ledger.ledger import Ledger
from shipper.ledger.pool import make_pool
from shipper.local.child import Role
from shipper.local.port import HOST
from shipper.local.program import Program

RANK: Final = 1
"""It ends last: everybody else writes to it until their own end."""
LOOK_MS: Final = 1000
DURABLE: Final = {
    "appendonly": "yes",
    "appendfsync": "always",
    "maxmemory-policy": "noeviction",
    "save": "",
}
"""What the promise rests on. Snapshots would add nothing to the append-only file."""


def server_role(
    program: Program, *, folder: Path, port: int, environ: Mapping[str, str], holds: Sequence[int] = ()
) -> Role:
    """Say how to start the server; it is ready when it answers with its own pid, its data loaded."""
    directives = {"port": port, "bind": HOST, "dir": folder, **DURABLE}
    options = [part for name, value in directives.items() for part in (f"--{name}", str(value))]
    return Role(
        name="redis",
        command=(str(program.path), *options),
        environ=environ,
        is_ready=lambda pid, _: pid_behind(url_of(port)) == pid,
        rank=RANK,
        is_quiet=True,
        holds=tuple(holds),
    )


def url_of(port: int) -> str:
    """Return what SHIPPER_REDIS_URL is for a server on this port."""
    return f"redis://{HOST}:{port}/0"


def pid_behind(url: str) -> int:
    """Return the pid of the server that answers there; 0 if none does, or it is still loading."""
    pool = make_pool(url, budget_ms=LOOK_MS)
    ledger = Ledger(pool, budget_ms=LOOK_MS)
    try:
        if ledger.ask("PING") != b"PONG":
            return 0
        info = str(ledger.ask("INFO", "server"), "utf-8", "replace")
    except LedgerUnavailableError:
        return 0
    finally:
        pool.disconnect()
    lines = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    return int(lines.get("process_id", "0"))
