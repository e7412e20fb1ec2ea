"""Hook jobs: claim, settle, and redo those that were given up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

from shipper.ledger.deed import Deed, write_deed
from shipper.ledger.operations.operation import Operation, time_or_now, words
from shipper.ledger.record import HookJob, read_job
from shipper.settings import Settings

BEAT_MARGIN_MS: Final = 5_000
"""How much longer than its hook may run a teller counts as alive."""
MOST_ERROR: Final = 500
"""Most characters kept of what went wrong."""


def hook_lease_ms(settings: Settings) -> int:
    """Return how long a claimed job is its teller's."""
    return 2 * settings.hook_timeout_ms


def hook_claim(
    token: str, settings: Settings, *, most: int = 1, ticket: str = "", now: int | None = None
) -> Operation[list[HookJob] | None]:
    """Lease at most `most` hook jobs; None when the ticket has run out."""
    lease = hook_lease_ms(settings)
    beat = settings.hook_timeout_ms + BEAT_MARGIN_MS
    return Operation("hook_claim", (time_or_now(now), most, lease, token, ticket, beat), _read_jobs)


def _read_jobs(reply: list[Any]) -> list[HookJob] | None:
    if reply and reply[0] == b"retired":
        return None
    return [read_job(job.decode(), tries, told) for job, tries, told in reply]


def hook_settle(
    job: str,
    token: str,
    word: Literal["told", "again", "free", "failed"],
    *,
    delay_ms: int = 0,
    error: str = "",
    hide: Callable[[str], str] = str,
    now: int | None = None,
) -> Operation[str]:
    """Write down how a hook went; the reply is ok, stale or gone. `free`: it was not called, no try is spent.

    What the error says may name the customer: `hide` makes of it what is stored. Half a character in it, as a
    path that is no UTF-8 has, becomes a question mark.
    """
    told = hide(error[:MOST_ERROR].encode("utf-8", "replace").decode())
    return Operation("hook_settle", (time_or_now(now), job, token, word, delay_ms, told), bytes.decode)


def hook_redo(
    word: Literal["retry", "discard"],
    jobs: Sequence[str],
    *,
    deed: Deed | None = None,
    now: int | None = None,
) -> Operation[list[str]]:
    """Try failed hooks again, or forget them; a word for each: ok or no."""
    return Operation("hook_redo", (time_or_now(now), word, write_deed(deed), *jobs), words)
