"""Who may tell a hook, and what becomes of its job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from shipper.ledger.record import HookJob, read_job
from shipper.settings import Settings
from tests.simulator.book import Book
from tests.simulator.rules.events import count, drop_job


def hook_claim(
    book: Book, token: str, settings: Settings, *, most: int = 1, ticket: str = "", now: int | None = None
) -> list[HookJob] | None:
    """Lease due jobs; a try counts when it begins."""
    assert now is not None
    assert not ticket, "tellers' tickets are like pumps', which are simulated"
    due = sorted((at, job) for job, at in book.hooks.items() if at <= now)[:most]
    claimed = []
    for _, job in due:
        tries = int(book.tries.get(job, "0").split(" ")[0]) + 1
        book.hooks[job] = now + settings.hook_timeout_ms * 2
        book.tries[job] = f"{tries} {token}"
        claimed.append(read_job(job, tries, book.jobs[job]))
    return claimed


def hook_settle(
    book: Book,
    job: str,
    token: str,
    word: Literal["told", "again", "free", "failed"],
    *,
    delay_ms: int = 0,
    error: str = "",
    now: int | None = None,
) -> str:
    """Believe "told" from anybody, a failure only from who holds the job."""
    assert now is not None
    if job not in book.jobs:
        return "gone"
    if word == "told":
        drop_job(book, job)
        count(book, hooks_told=1)
        return "ok"
    tries, _, holder = book.tries.get(job, "0 -").partition(" ")
    if holder.split(" ")[0] != token:
        return "stale"
    if word == "free":
        book.hooks[job] = now + delay_ms
        book.tries[job] = f"{int(tries) - 1} - {error}"
        if tries == "1":
            del book.tries[job]
        return "ok"
    book.tries[job] = f"{tries} - {error}"
    if word == "again":
        book.hooks[job] = now + delay_ms
    else:
        del book.hooks[job]
        book.failed[job] = now
        count(book, hooks_failed=1)
    return "ok"


def hook_redo(
    book: Book, word: Literal["retry", "discard"], jobs: Sequence[str], *, now: int | None = None
) -> list[str]:
    """Try given-up jobs again, or forget them."""
    assert now is not None
    words = []
    for job in jobs:
        given_up = job in book.failed
        if given_up and word == "retry":
            del book.failed[job], book.tries[job]
            book.hooks[job] = now
        elif given_up:
            drop_job(book, job)
            count(book, hooks_discarded=1)
        words.append("ok" if given_up else "no")
    return words
