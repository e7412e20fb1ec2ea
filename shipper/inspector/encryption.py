"""Encryption: whether what is stored opens under the keys at hand, and which keys are still in use."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Final, Literal

from shipper.errors import LedgerUnavailableError
from shipper.inspector.check import Check
from shipper.keyring import DamagedError, Keyring, LockedError, key_id_of
from shipper.ledger.bodies import bodies_of
from shipper.ledger.ledger import Ledger

MOST: Final = 10_000
"""Stored events looked at: a second's work, in small steps."""


def check_encryption(ledger: Ledger, keyring: Keyring) -> Check:
    """Open what is stored, as far as MOST goes, and tell under which keys it is."""
    used: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    examples: dict[str, str] = {}
    locked = False
    try:
        for event_id, stored in islice(bodies_of(ledger), MOST):
            try:
                keyring.open(stored, account=ledger.account, event_id=event_id)
            except (LockedError, DamagedError) as error:
                locked = locked or isinstance(error, LockedError)
                wrong[str(error)] += 1
                examples.setdefault(str(error), event_id)
            else:
                used[key_id_of(stored) or ""] += 1
    except LedgerUnavailableError as error:
        return _check(ledger, "warning", f"cannot look: {error}")
    if wrong:
        told = "; ".join(f"{n} stored event(s) {why}, as {examples[why]}" for why, n in wrong.most_common())
        return _check(ledger, "failed" if locked else "warning", told)
    return _check(ledger, "ok", f"{_switched(keyring)}; {_in_use(used)}")


def _check(ledger: Ledger, result: Literal["ok", "warning", "failed"], told: str) -> Check:
    return Check(about=f"encryption {ledger.account}", result=result, told=told)


def _switched(keyring: Keyring) -> str:
    if not keyring.ids:
        return "off"
    first, *others = keyring.ids
    return f"on, under key {first}" + (f"; opens {', '.join(others)} too" if others else "")


def _in_use(used: Counter[str]) -> str:
    looked = sum(used.values())
    if not looked:
        return "nothing is stored"
    parts = [f"{n} under {key_id}" if key_id else f"{n} not encrypted" for key_id, n in sorted(used.items())]
    return f"{'' if looked < MOST else 'of the first '}{looked} stored: {', '.join(parts)}"
