"""Envelope: an event sealed with its id, policy and hook name, as the ledger stores it.

`tail_header` is what the enqueue script appends to its own fields: `names|sig|flags|hook|head_len`, and
`|context` where there is one. Each field has a closed alphabet, so nothing that an event contains can shift
them.
"""

from __future__ import annotations

import warnings
from binascii import b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

from shipper.body import Body, encode
from shipper.context import carried
from shipper.errors import InvalidEventError, Problem
from shipper.event import Draft, Event, draft_of
from shipper.event_id import is_event_id, new_event_id
from shipper.foreign import kind_of
from shipper.hooks import check_name as check_hook_name
from shipper.limits import limit_problems
from shipper.metadata import text_problem
from shipper.outcome import OnUnclear
from shipper.settings import Settings

LONGEST_KEY: Final = 255
"""Characters of an idempotency key; it is stored as a hash."""


_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_POLICIES: Final = tuple(OnUnclear)
_warned: Final[set[str]] = set()


class ShipperWarning(UserWarning):
    """Warn of an event that Gameball takes but that seldom does what was meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Hold one event ready for the enqueue script.

    `explicit` tells that the caller gave the id, which may then be known already. `key_hash` is empty
    without an idempotency key. `fingerprint` is equal for equal content and policy, whatever key `body` is
    encrypted under.
    """

    event_id: str
    explicit: bool
    account: str
    lane: str
    key_hash: str
    fingerprint: str
    tail_header: bytes
    body: bytes = field(repr=False)

    @property
    def rest(self) -> bytes:
        """Return the record but for its version, lane and time, which the script writes before it."""
        return b"|%b|%b|%b\0%b" % (
            self.key_hash.encode("ascii"),
            self.fingerprint.encode("ascii"),
            self.tail_header,
            self.body,
        )


def seal(
    event: Event | Mapping[str, Any],
    *,
    settings: Settings,
    event_id: str | None = None,
    hook: str | None = None,
    idempotency_key: str | None = None,
    on_unclear: OnUnclear | str | None = None,
    solo: bool = False,
    account: str = "default",
    context: str | None = None,
) -> Envelope:
    """Check an event against every rule and limit, and seal it.

    Unless `context` is given, as it is stored, it is read from who calls; it is no part of the fingerprint.
    Raises InvalidEventError with all problems of the event and of what goes with it, and UnknownHookError
    for a name that no hook can have: a mistake in code, not in data, so it comes first.
    """
    if hook is not None:
        check_hook_name(hook)
    draft = draft_of(event)
    body = encode(
        customer_id=draft.customer_id, email=draft.email, mobile=draft.mobile, events=draft.metadata.events
    )
    problems = [
        *draft.problems,
        *limit_problems(draft, body_bytes=len(body.data), settings=settings),
        *_policy_problems(event_id, idempotency_key, on_unclear, account, settings.accounts),
    ]
    if problems:
        raise InvalidEventError(problems)
    _warn_of_place_order(draft)
    flags = _flags(OnUnclear(on_unclear or settings.on_unclear), solo)
    own_id = event_id or new_event_id()
    if context is None:
        context = carried(settings.context)
    return Envelope(
        event_id=own_id,
        explicit=event_id is not None,
        account=account,
        lane=lane_of(draft.customer_id),
        key_hash=_hash(idempotency_key.encode(), 16) if idempotency_key else "",
        fingerprint=_hash(b"\0".join((body.data, (hook or "").encode(), flags.encode())), 9),
        tail_header=_tail_header(draft, body, flags, hook or "", context),
        body=settings.keyring.encrypt(body.data, account=account, event_id=own_id),
    )


def lane_of(customer_id: str) -> str:
    """Return the name of a customer's lane: 16 characters that do not tell the customer."""
    return _hash(customer_id.encode(), 12)


@lru_cache(maxsize=1024)
def name_hash(name: str) -> str:
    """Return an event name as the ledger's header has it: 8 characters. Names taken for one travel apart."""
    return _hash(name.encode(), 6)


def _tail_header(draft: Draft, body: Body, flags: str, hook: str, context: str) -> bytes:
    names = ",".join([name_hash(name) for name in draft.metadata.events])
    signature = signature_of(body.head)
    text = f"{names}|{signature}|{flags}|{hook}|{body.head_len}"
    return (f"{text}|{context}" if context else text).encode("ascii")


def signature_of(head: bytes) -> str:
    """Return the merge signature of a body: 7 characters, equal for bodies that may share a call."""
    return _hash(head, 5)  # the head is exactly what bodies of one call have in common


def _flags(on_unclear: OnUnclear, solo: bool) -> str:
    return ("p" if on_unclear is OnUnclear.PARK else "r") + ("s" if solo else "")


def _hash(data: bytes, size: int) -> str:
    digest = blake2b(data, digest_size=size).digest()
    return b2a_base64(digest, newline=False).translate(_URL_SAFE).rstrip(b"=").decode("ascii")


def _policy_problems(
    event_id: object, idempotency_key: object, on_unclear: object, account: object, accounts: tuple[str, ...]
) -> list[Problem]:
    """Check what travels with the event. Values are not repeated: a key may be a secret of the app's."""
    problems: list[Problem] = []
    if event_id is not None and not is_event_id(event_id):
        problems.append(Problem("event_id", "is no event id: 26 characters of 0-9 A-Z without I L O U"))
    if idempotency_key is not None:
        wrong = _key_problem(idempotency_key)
        problems += [Problem("idempotency_key", wrong)] if wrong else []
    if on_unclear is not None and on_unclear not in _POLICIES:
        problems.append(Problem("on_unclear", "is neither retry nor park"))
    if account not in accounts:
        known = ", ".join(accounts)
        problems.append(Problem("account", f"is not one that workers serve: SHIPPER_ACCOUNTS names {known}"))
    return problems


def _key_problem(key: object) -> str | None:
    if not isinstance(key, str):
        return f"is {kind_of(key)}: send it as a string"
    if len(key) > LONGEST_KEY:
        return f"has {len(key)} characters: at most {LONGEST_KEY} are allowed"
    return text_problem(key)


def _warn_of_place_order(draft: Draft) -> None:
    """Warn once a process: Gameball fires `place_order` itself for every order of its Orders API."""
    if "place_order" in draft.metadata.events and not _warned:
        _warned.add("place_order")
        warnings.warn(
            "place_order is fired by Gameball's Orders API on its own: "
            "where orders are sent there too, this event rewards them twice",
            ShipperWarning,
            stacklevel=3,
        )
