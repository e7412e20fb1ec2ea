"""Hooks: the completion hooks of one account that were given up, listed and put right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, Literal

from shipper.inspector.hook import HookSeen, HooksHandled, seen_hook
from shipper.inspector.now import ledger_now
from shipper.ledger.deed import Deed
from shipper.ledger.failed_hooks import failed_hooks, failed_jobs_of, oldest_failed
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import hook_redo
from shipper.settings import Settings

CHUNK: Final = 100
"""Jobs redone by one script, and told by one entry of the audit log."""


class Hooks:
    """See an account's failed hooks and put them right, as `operator`. Every method asks Redis anew."""

    def __init__(self, ledger: Ledger, settings: Settings, *, operator: str) -> None:
        self._ledger = ledger
        self._settings = settings
        self._operator = operator

    def failed(self, *, limit: int | None = None, beyond: str | None = None) -> Iterator[HookSeen]:
        """Yield at most `limit` hooks that were given up, newest first, from the other side of a job."""
        for failed in islice(failed_hooks(self._ledger, beyond=beyond), limit):
            yield seen_hook(self._ledger.account, failed, self._settings.keyring)

    def retry(self, names: Iterable[str] | None) -> HooksHandled:
        """Try failed hooks again, by their job or their event's id; None: all."""
        return self._redo_all("retry") if names is None else self._redo("retry", names)

    def discard(self, names: Iterable[str] | None) -> HooksHandled:
        """Forget failed hooks, by their job or their event's id; None: all."""
        return self._redo_all("discard") if names is None else self._redo("discard", names)

    def _redo(self, word: Literal["retry", "discard"], names: Iterable[str]) -> HooksHandled:
        deed = Deed(by=self._operator, did=f"{word}_hooks")
        done, not_failed = 0, []
        for name in dict.fromkeys(names):
            jobs = [name] if ":" in name else failed_jobs_of(self._ledger, name)
            redone = self._ledger.run(hook_redo(word, jobs, deed=deed)).count("ok") if jobs else 0
            done += redone
            if not redone:
                not_failed.append(name)
        return HooksHandled(account=self._ledger.account, done=done, not_failed=tuple(not_failed))

    def _redo_all(self, word: Literal["retry", "discard"]) -> HooksHandled:
        """Do it for all that have failed by now; one that fails again meanwhile is not tried twice."""
        deed = Deed(by=self._operator, did=f"{word}_hooks", about="all")
        now = ledger_now(self._ledger)
        done = 0
        while jobs := oldest_failed(self._ledger, until=now, most=CHUNK):
            done += self._ledger.run(hook_redo(word, jobs, deed=deed)).count("ok")
        return HooksHandled(account=self._ledger.account, done=done)
