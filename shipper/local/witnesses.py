"""Witnesses: ask the ledger, Gameball and the hooks what became of every event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from shipper.ledger.audit import audit
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import Shown, show, status
from shipper.local.admin import SandboxAdmin
from shipper.local.sums import Ended, Evidence, Shipped

ASKED_AT_ONCE: Final = 500


def hear_all(shipped: Sequence[Shipped], *, ledger: Ledger, admin: SandboxAdmin, told: Path) -> Evidence:
    """Gather what each says of the same events; `told` is the file that the demo's hook writes."""
    return Evidence(
        shipped=shipped,
        ended=_ended(shipped, ledger),
        copies=admin.copies(),
        balances=admin.balances(),
        told=Counter(line.partition(" ")[0] for line in told.read_text().splitlines()),
        counters=ledger.run(status()).counters,
        findings=[f"{finding.place}: {finding.problem}" for finding in audit(ledger).findings],
    )


def _ended(shipped: Sequence[Shipped], ledger: Ledger) -> dict[str, Ended]:
    ids = [each.event_id for each in shipped]
    found: dict[str, Ended] = {}
    for first in range(0, len(ids), ASKED_AT_ONCE):
        some = ids[first : first + ASKED_AT_ONCE]
        seen: list[Shown | None] = ledger.run(show(some))
        found |= {each.event_id: _as_ended(each) for each in seen if each is not None}
    return found


def _as_ended(shown: Shown) -> Ended:
    return Ended(
        state=shown.state,
        causes=shown.fate.causes if shown.fate else shown.tried.causes,
        reason=shown.tried.reason,
        code=shown.tried.code,
    )
