"""Admin: ask a running sandbox what it accepted, by its admin API."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.request import ProxyHandler, build_opener

from shipper.local.sums import Copy

PAGE_LINES: Final = 10_000
ANSWER_S: Final = 10


class SandboxAdmin:
    """Read one sandbox's books. Raises OSError when it does not answer."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opener = build_opener(ProxyHandler({}))  # loopback is never behind a proxy

    def copies(self) -> list[Copy]:
        """Return every event of every accepted call, in the order of the log."""
        found: list[Copy] = []
        after = 0
        while lines := self._get(f"/admin/accepted?after={after}&limit={PAGE_LINES}").splitlines():
            for line in map(json.loads, lines):
                found += [
                    Copy(seq=line["seq"], customer_id=line["customerId"], name=name, metadata=metadata)
                    for name, metadata in line["events"].items()
                ]
            after += len(lines)
        return found

    def balances(self) -> dict[str, int]:
        """Return the points of each customer."""
        ledger = json.loads(self._get("/admin/ledger"))
        return {customer_id: balance["points"] for customer_id, balance in ledger.items()}

    def stats(self) -> dict[str, Any]:
        """Return what passed through it, counted."""
        found: dict[str, Any] = json.loads(self._get("/admin/stats"))
        return found

    def _get(self, path: str) -> bytes:
        with self._opener.open(f"{self._url}{path}", timeout=ANSWER_S) as answer:
            body: bytes = answer.read()
            return body
