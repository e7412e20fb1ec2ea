"""Failed hooks: completion hooks that were given up, listed and put right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal

from shipper.inspector.contents import contents_of, text_of
from shipper.inspector.mask import mask_email, mask_mobile, mask_text
from shipper.inspector.now import ledger_now
from shipper.keyring import Keyring
from shipper.ledger.deed import Deed
from shipper.ledger.failed_hooks import FailedHook, failed_hooks, failed_jobs_of, oldest_failed
from shipper.ledger.ledger import Ledger
from shipper.ledger.operations import hook_redo

CHUNK: Final = 100
"""Jobs redone by one script, and told by one entry of the audit log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSeen:
    """A hook that was given up. `ending` is what it had to tell: delivered, unclear, or why it is dead."""

    job: str
    event_id: str
    account: str
    hook: str | None
    ending: str
    event_names: tuple[str, ...]
    customer_id: str | None
    email: str | None
    mobile: str | None
    unopened: str | None
    """Why its content is not shown, where it cannot be opened."""
    attempts: int
    tries: int
    error: str | None
    ended_at: int
    failed_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HooksHandled:
    """How many failed hooks were retried or discarded, and which of those named were none."""

    account: str
    done: int
    not_failed: tuple[str, ...] = ()


def hooks_of(
    ledger: Ledger, keyring: Keyring, *, limit: int | None, beyond: str | None = None
) -> Iterator[HookSeen]:
    """Yield at most `limit` hooks that were given up, newest first, from the other side of a job."""
    for failed in islice(failed_hooks(ledger, beyond=beyond), limit):
        yield _seen(ledger.account, failed, keyring)


def handle_hooks(
    ledger: Ledger, word: Literal["retry", "discard"], names: Iterable[str], *, deed: Deed | None = None
) -> HooksHandled:
    """Try again, or forget, failed hooks by their job or their event's id."""
    done, not_failed = 0, []
    for name in dict.fromkeys(names):
        jobs = [name] if ":" in name else failed_jobs_of(ledger, name)
        redone = ledger.run(hook_redo(word, jobs, deed=deed)).count("ok") if jobs else 0
        done += redone
        if not redone:
            not_failed.append(name)
    return HooksHandled(account=ledger.account, done=done, not_failed=tuple(not_failed))


def handle_all_hooks(
    ledger: Ledger, word: Literal["retry", "discard"], *, deed: Deed | None = None
) -> HooksHandled:
    """Do it for all that have failed by now; one that fails again meanwhile is not tried twice."""
    now = ledger_now(ledger)
    done = 0
    while jobs := oldest_failed(ledger, until=now, most=CHUNK):
        done += ledger.run(hook_redo(word, jobs, deed=deed)).count("ok")
    return HooksHandled(account=ledger.account, done=done)


def _seen(account: str, failed: FailedHook, keyring: Keyring) -> HookSeen:
    job = failed.job
    contents = contents_of(job.record, keyring, account=account, event_id=job.event_id)
    error = text_of(failed.error, keyring, account=account, event_id=job.event_id)
    return HookSeen(
        job=job.job,
        event_id=job.event_id,
        account=account,
        hook=(job.record.hook if job.record else "") or None,
        ending=job.what,
        event_names=contents.event_names,
        customer_id=contents.customer_id,
        email=mask_email(contents.email),
        mobile=mask_mobile(contents.mobile),
        unopened=contents.unopened,
        attempts=job.attempts,
        tries=job.tries,
        # What a hook raised is the app's own text, and may well name the customer.
        error=mask_text(error, email=contents.email, mobile=contents.mobile),
        ended_at=job.ended_at,
        failed_at=failed.failed_at,
    )
