"""Failed hook: a completion hook that was given up, as a person sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from shipper.event_id import PATTERN, is_event_id
from shipper.keyring import Keyring
from shipper.ledger.contents import contents_of, text_of
from shipper.ledger.failed_hooks import FailedHook
from shipper.mask import mask_email, mask_mobile, mask_text

JOB: Final = re.compile(rf"({PATTERN.pattern}|alarm-[a-z_]{{1,40}}-[0-9]{{1,15}}):[0-9]{{1,4}}")
"""A job's name: an event's id and life, or an alarm and when it was raised or cleared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookSeen:
    """A hook that was given up. `ending` is what it had to tell: delivered, unclear, why dead, or alarm."""

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

    @property
    def is_of_event(self) -> bool:
        """Tell whether `event_id` is an event's; else it names an alarm."""
        return is_event_id(self.event_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class HooksHandled:
    """How many failed hooks were retried or discarded, and which of those named were none."""

    account: str
    done: int
    not_failed: tuple[str, ...] = ()


def is_hook_job(text: str) -> bool:
    """Tell whether a text has the form of a hook job."""
    return JOB.fullmatch(text) is not None


def seen_hook(account: str, failed: FailedHook, keyring: Keyring) -> HookSeen:
    """Say what is known of a hook of an account that was given up, with what it had to tell."""
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
