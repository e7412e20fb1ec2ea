"""Export letter: a dead letter as a line of an export says it, and as it is stored again from that.

The body is written as it was enqueued, in the clear, and encrypted again where it is taken in. One that no
key at hand opens is carried as it is (`sealed`), and so is a record that cannot be read.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any, Final, cast

from shipper.envelope import lane_of, name_hash, signature_of
from shipper.event_id import is_event_id
from shipper.keyring import DamagedError, Keyring, LockedError
from shipper.ledger.indices import LATEST
from shipper.ledger.letters import REASONS, UNCLEAR
from shipper.ledger.operations import Stored
from shipper.ledger.record import END_MS, Record, Tried, is_line, read_history, read_record, read_tried
from shipper.mask import mask_email, mask_mobile, mask_text
from shipper.outcome import Reason

HIDDEN: Final = ("answer", "places")
"""Texts of the history that may quote the customer."""
SEALED: Final = "\x01"
"""What a text begins with that no key at hand opens."""
_HEADER: Final = re.compile(
    r"1\|[\w-]+\|\d{1,15}\|[\w-]*\|[\w-]+\|[\w,-]+\|[\w-]+\|[prs]+\|[\w.:-]*\|\d{1,9}(?:\|[\w.~%=&-]{1,256})?",
    re.ASCII,
)
_WORD: Final = re.compile(r"[!-~]{1,200}")
_MOST: Final = 2**53


def write_letter(letter: Stored, keyring: Keyring, *, account: str, masked: bool = False) -> dict[str, Any]:
    """Return what a line says of a letter."""
    place = {"account": account, "event_id": letter.event_id}
    record = read_record(letter.record)
    said: dict[str, Any] = {"event_id": letter.event_id, "state": letter.state, "ended_at": letter.ended_at}
    event: dict[str, Any] = {}
    if record is None:
        said["record_base64"] = "" if masked else b64encode(letter.record).decode()
    else:
        said["header"] = letter.record.partition(b"\0")[0].decode("ascii", "replace")
        body, sealed = _opened(record, keyring, place)
        event = _event_of(body) or {}
        said |= _body(_masked(event) if masked else body, sealed=sealed, masked=masked)
    said["numbers"] = asdict(_sound(read_tried(letter.numbers), letter.state))
    said["history"] = [_told(line, keyring, place) for line in read_history(letter.history)]
    if masked:
        hide = _hider(event)
        said["history"] = [{key: hide(key, value) for key, value in line.items()} for line in said["history"]]
    return said


def read_letter(said: Mapping[str, Any], keyring: Keyring, *, account: str) -> Stored:
    """Return the letter as it is stored in an account; raise ValueError saying what is wrong with it."""
    event_id, state, ended_at = (said.get(key) for key in ("event_id", "state", "ended_at"))
    if not is_event_id(event_id):
        raise ValueError("has no event id")
    if state not in {"dead", "unclear"} or not _is_time(ended_at):
        raise ValueError("has no state and time of a dead letter")
    place = {"account": account, "event_id": cast("str", event_id)}
    return Stored(
        event_id=place["event_id"],
        state=state,
        ended_at=cast("int", ended_at),
        record=_record(said, keyring, place),
        numbers=_numbers(said.get("numbers"), unclear=state == "unclear"),
        history=_history(said.get("history"), keyring, place),
    )


def is_sealed(said: Mapping[str, Any]) -> bool:
    """Tell whether a letter's body opens in its own account alone."""
    return bool(said.get("sealed"))


def _sound(tried: Tried, state: str) -> Tried:
    """Give a letter whose numbers cannot be read a reason that can be taken in again."""
    reason = UNCLEAR if state == "unclear" else Reason.UNREADABLE.value
    return tried if tried.reason in REASONS else replace(tried, reason=reason)


def _opened(record: Record, keyring: Keyring, place: Mapping[str, str]) -> tuple[bytes, bool]:
    try:
        return record.opened(keyring, **place).body, False
    except (LockedError, DamagedError):
        return record.body, True


def _body(body: bytes, *, sealed: bool, masked: bool) -> dict[str, Any]:
    """Write a body as text where it is one."""
    if sealed:
        return {"sealed": True, "body_base64": "" if masked else b64encode(body).decode()}
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": "" if masked else b64encode(body).decode()}


def _told(line: dict[str, Any], keyring: Keyring, place: Mapping[str, str]) -> dict[str, Any]:
    """Open the texts of a line of the history; one that no key opens stays as it is."""
    found = {"at": 0} | line  # one without a time could not be taken in again
    for key in HIDDEN:
        if isinstance(found.get(key), str):
            try:
                found[key] = keyring.open_text(found[key], **place)
            except (LockedError, DamagedError):
                continue
    return found


def _masked(event: dict[str, Any]) -> bytes:
    hidden = {"email": mask_email(event.get("email")), "mobile": mask_mobile(event.get("mobile"))}
    masked = {key: hidden.get(key, value) for key, value in event.items()}
    return json.dumps(masked, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _hider(event: Mapping[str, Any]) -> Callable[[str, Any], Any]:
    def hide(key: str, value: Any) -> Any:
        if key not in HIDDEN or not isinstance(value, str):
            return value
        if value.startswith(SEALED):
            return ""
        return mask_text(value, email=event.get("email"), mobile=event.get("mobile"))

    return hide


def _record(said: Mapping[str, Any], keyring: Keyring, place: Mapping[str, str]) -> bytes:
    if "record_base64" in said:
        return _bytes(said["record_base64"], "record")
    header = said.get("header")
    if not (isinstance(header, str) and _HEADER.fullmatch(header) and int(header.split("|")[2]) < END_MS):
        raise ValueError("has a header that is none")
    if "body" in said:
        if not isinstance(said["body"], str):
            raise ValueError("has a body that is no text")
        body = said["body"].encode("utf-8", "surrogatepass")
        _check(header, body)
        stored = keyring.encrypt(body, **place)
    else:
        stored = _bytes(said.get("body_base64"), "body")
    return header.encode() + b"\0" + stored


def _check(header: str, body: bytes) -> None:
    """Hold the header to the body: by it a customer's events are kept in order, merged and found."""
    event = _event_of(body)
    record = read_record(header.encode() + b"\0" + body)
    if event is None or record is None:
        return  # it died of that, and can be seen and discarded like any other
    customer = event.get("customerId")
    fits = (
        isinstance(customer, str)
        and record.lane == lane_of(customer)
        and record.names == tuple(name_hash(name) for name in event["events"])
        and record.signature == signature_of(body[: record.head_len])
        and body[: record.head_len].endswith(b'"events":{')
    )
    if not fits:
        raise ValueError("has a header that does not fit its body")


def _event_of(body: bytes) -> dict[str, Any] | None:
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("events"), dict) else None


def _numbers(said: Any, *, unclear: bool) -> bytes:
    """Write the numbers of a letter as `_tried.lua` reads them."""
    try:
        tried = Tried(**said)
    except TypeError:
        raise ValueError("has other numbers than a letter has") from None
    counts = (tried.number, tried.charged, tried.crashes, tried.vague, tried.causes, tried.life)
    if not all(map(_is_count, (*counts, tried.since))) or not isinstance(tried.solo, bool):
        raise ValueError("has numbers that are none")
    if tried.reason not in REASONS or (tried.reason == UNCLEAR) != unclear:
        raise ValueError("has a reason that is none of its state")
    code = "-" if tried.code is None else tried.code
    words = (str(tried.field or "-"), str(tried.kind or "none"))
    if not (code == "-" or _is_count(code)) or not all(map(_WORD.fullmatch, words)):
        raise ValueError("has a code, field or kind that is none")
    return " ".join(map(str, (*counts, int(tried.solo), tried.since, tried.reason, code, *words))).encode()


def _history(said: Any, keyring: Keyring, place: Mapping[str, str]) -> bytes:
    found: list[Any] = said if isinstance(said, list) else [None]
    bad = next((number for number, line in enumerate(found, 1) if not (is_line(line) and "at" in line)), None)
    if bad is not None:
        raise ValueError(f"has a history that is none: what stands there as number {bad}")
    lines = [
        {key: _hidden(value, keyring, place) if key in HIDDEN else value for key, value in line.items()}
        for line in found
    ]
    texts = (json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in lines)
    return "\n".join(texts).encode("utf-8", "replace")


def _hidden(value: Any, keyring: Keyring, place: Mapping[str, str]) -> Any:
    sealed = not isinstance(value, str) or value.startswith(SEALED)
    return value if sealed else keyring.encrypt_text(value, **place)


def _bytes(said: Any, what: str) -> bytes:
    try:
        return b64decode(said, validate=True)
    except (TypeError, ValueError):
        raise ValueError(f"has a {what} that is no base64") from None


def _is_time(value: Any) -> bool:
    return _is_count(value) and value <= LATEST


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST
