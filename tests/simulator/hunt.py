"""Find for each mutant the first seeds that catch it, and write them into `mutants.toml`.

Run it from the project's folder when scripts or the simulator have changed: `python -m tests.simulator.hunt`,
with the names of some mutants to look for those alone, or with `--stale` to look only where the seeds that
are known no longer catch: that takes minutes, not an hour.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final
from unittest.mock import patch

from shipper.ledger.ledger import Ledger
from shipper.ledger.pool import make_pool
from tests.simulator.mutation import LOADER, PATIENCE_MS, TABLE, Mutant, first_seed, loader, mutants, mutated
from tests.support.programs import find_redis, find_valkey
from tests.support.servers import RedisServer

STALE: Final = "--stale"
FEW: Final = 30
"""Seeds of each mix in which the promises alone must catch a mutant, or are not asked to."""


def main(*names: str) -> None:
    """Try every mutant, or those named, from the first seed on; tell of those that survive."""
    found = []
    for mutant in mutants():
        hunted = mutant
        if names == (STALE,):
            hunted = _freshen(mutant)
        elif not names or mutant.name in names:
            hunted = _hunt(mutant)
        if hunted != mutant or not names:
            sys.stdout.write(f"{hunted.caught or 'SURVIVED':12} {hunted.alone:12} {hunted.name}\n")
            sys.stdout.flush()
        found.append(hunted)
    TABLE.write_text("\n".join(map(_row, found)))


def _hunt(mutant: Mutant) -> Mutant:
    with _ledger() as ledger, patch(LOADER, loader(mutated(mutant))):
        caught = first_seed(ledger, "", by_rules=True) or ""
        alone = first_seed(ledger, "", by_rules=False, most=FEW) or ""
        return replace(mutant, caught=caught, alone=alone)


def _freshen(mutant: Mutant) -> Mutant:
    """Keep the seeds that still catch a mutant; look anew for the others, where there was one."""
    with _ledger() as ledger, patch(LOADER, loader(mutated(mutant))):
        caught = first_seed(ledger, mutant.caught, by_rules=True) or ""
        alone = mutant.alone and (first_seed(ledger, mutant.alone, by_rules=False, most=FEW) or "")
        return replace(mutant, caught=caught, alone=alone)


@contextmanager
def _ledger() -> Iterator[Ledger]:
    program = find_redis() or find_valkey()
    assert program is not None, "there is neither Redis nor Valkey"
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(program, Path(folder))
        server.start()
        pool = make_pool(server.url, budget_ms=PATIENCE_MS)
        try:
            yield Ledger(pool, budget_ms=PATIENCE_MS)
        finally:
            pool.disconnect()
            server.kill()


def _row(mutant: Mutant) -> str:
    alone = f'alone = "{mutant.alone}"\n' if mutant.alone else ""
    change = f"old = '''{mutant.old}'''\nnew = '''{mutant.new}'''\n"
    seeds = f'caught = "{mutant.caught}"\n{alone}'
    return f'[[mutant]]\nname = "{mutant.name}"\nfile = "{mutant.file}"\n{change}{seeds}'


if __name__ == "__main__":
    main(*sys.argv[1:])
