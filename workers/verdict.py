"""Judge what Gameball's answer, or its absence, means: by code first, then by status, by the golden table."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from shipper.outcome import Verdict
from workers.retry_after import retry_after_ms

LONGEST_KNOWN: Final = 256
"""Bytes of the longest answer of which the judgement is remembered."""
EXCERPT: Final = 200
"""Characters kept of Gameball's words."""

_CODE: Final = re.compile(r"[0-9]{1,6}")


class Loss(StrEnum):
    """How no answer came."""

    UNSENT = "unsent"
    """No connection was tried."""
    NOT_SENT = "not_sent"
    """It failed before the first byte of the request."""
    UNCLEAR = "unclear"
    """The connection was lost after the first byte."""
    DEADLINE = "deadline"
    """The time ran out after the first byte."""
    TLS = "tls"
    """The far end's certificate could not be verified; nothing was sent."""
    KEYS = "keys"
    """The account's key could not be read; nothing was sent."""
    LOCKED = "locked"
    """An event is encrypted under a key that this worker lacks; nothing was sent."""
    DAMAGED = "damaged"
    """A stored event was changed, so that it cannot be opened; nothing was sent."""


class Body(StrEnum):
    """What kind of body came."""

    EMPTY = "empty"
    HTML = "html"
    SUCCESS = "success"
    FAILURE = "failure"
    OBJECT = "object"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Hold what came back from one call, before anybody says what it means."""

    status: int | None = None
    """None when no status line came; may be known of a lost answer too."""
    body: bytes = field(default=b"", repr=False)
    """The first 64 KiB of it."""
    truncated: bool = False
    content_type: str = ""
    retry_after: str = ""
    date: str = ""
    """The far end's clock, which an HTTP date in Retry-After is measured against."""
    received_at: int = 0
    """The same purpose, for an answer without a date: ms since the epoch."""
    lost: Loss | None = None
    detail: str = ""
    """How it was lost, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Hold what an answer means, and what of it is worth keeping. No metadata, no keys."""

    verdict: Verdict
    status: int | None = None
    code: int | None = None
    request_id: str | None = None
    """What Gameball's support asks for."""
    retry_after_ms: int | None = None
    type: str = ""
    message: str = field(default="", repr=False)
    """Gameball's own words, at most 200 characters; they may quote the customer, so they stay out of logs."""
    note: str = ""
    """How the answer was lost, or the `gameballStatus` of a success."""


@dataclass(frozen=True, slots=True)
class Sign:
    """Name the few traits of an answer that the table looks at."""

    lost: Loss | None = None
    status: int = 0
    code: int | None = None
    body: Body = Body.EMPTY
    retry_after: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Hold one line of the golden table; a condition that is None holds always."""

    verdict: Verdict
    why: str
    lost: tuple[Loss, ...] = ()
    status: tuple[range, ...] | None = None
    code: tuple[range, ...] | None = None
    """Empty: the answer has no code."""
    body: tuple[Body, ...] | None = None
    retry_after: bool | None = None

    def fits(self, sign: Sign) -> bool:
        """Tell whether every condition of this row holds."""
        if sign.lost is not None or self.lost:
            return sign.lost in self.lost
        return (
            (self.status is None or any(sign.status in range_ for range_ in self.status))
            and (self.code is None or self._fits_code(sign.code))
            and (self.body is None or sign.body in self.body)
            and (self.retry_after is None or sign.retry_after is self.retry_after)
        )

    def _fits_code(self, code: int | None) -> bool:
        if code is None:
            return self.code == ()
        return any(code in range_ for range_ in self.code or ())


def judge(answer: Answer) -> Judgement:
    """Decide what an answer means."""
    if answer.lost is None and not answer.retry_after and len(answer.body) <= LONGEST_KNOWN:
        return _judge_again(answer.status, answer.body, answer.content_type, answer.detail)
    return _judge(answer)


@lru_cache(maxsize=1024)
def _judge_again(status: int | None, body: bytes, content_type: str, detail: str) -> Judgement:
    """Decide what a short answer means: most of them are alike."""
    return _judge(Answer(status=status, body=body, content_type=content_type, detail=detail))


def _judge(answer: Answer) -> Judgement:
    body, said = _read(answer)
    code = _code_of(said)
    wait_ms = retry_after_ms(answer.retry_after, date=answer.date, now=answer.received_at)
    sign = Sign(answer.lost, answer.status or 0, code, body, wait_ms is not None)
    return Judgement(
        verdict=verdict_of(sign),
        status=answer.status,
        code=code,
        request_id=_words(said.get("requestId")) or None,
        retry_after_ms=wait_ms,
        type=_words(said.get("type")),
        message=_words(said.get("message")),
        note=_words(answer.detail or said.get("gameballStatus")),
    )


@lru_cache(maxsize=4096)
def verdict_of(sign: Sign) -> Verdict:
    """Return the verdict of the first row that fits."""
    return next(row.verdict for row in TABLE if row.fits(sign))


def _read(answer: Answer) -> tuple[Body, Mapping[str, Any]]:
    """Tell the kind of the body, and its content if it is a JSON object."""
    text = answer.body.removeprefix(b"\xef\xbb\xbf").strip()
    if answer.lost is not None or not text:
        return Body.EMPTY, {}
    if text.startswith(b"{") and (said := _json_object(text)) is not None:
        return _success_of(said), said
    if text.startswith(b"<") or "html" in answer.content_type.lower():
        return Body.HTML, {}
    return Body.OTHER, {}


def _json_object(text: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):  # RecursionError: thousands of nested brackets
        return None
    return said if isinstance(said, dict) else None


def _success_of(said: Mapping[str, Any]) -> Body:
    match str(said.get("success")).lower():
        case "true" | "1":
            return Body.SUCCESS
        case "false" | "0":
            return Body.FAILURE
        case _:
            return Body.OBJECT


def _code_of(said: Mapping[str, Any]) -> int | None:
    code = said.get("code")
    if isinstance(code, bool) or not isinstance(code, (int, str)):
        return None
    return int(code) if _CODE.fullmatch(str(code)) else None


def _words(value: object) -> str:
    """Keep a scalar as one short line that no terminal obeys."""
    if value is None or isinstance(value, (dict, list)):
        return ""
    line = "".join(char if char.isprintable() else " " for char in str(value)[:EXCERPT])
    return line.strip()


def _load() -> dict[str, Any]:
    return tomllib.loads(resources.files("workers").joinpath("verdicts.toml").read_text(encoding="utf-8"))


def _row(line: dict[str, Any]) -> Row:
    return Row(
        verdict=Verdict(line["verdict"]),
        why=line["why"],
        lost=tuple(Loss(name) for name in line.get("lost", ())),
        status=_ranges(line.get("status")),
        code=_ranges(line.get("code")),
        body=tuple(Body(name) for name in line["body"]) if "body" in line else None,
        retry_after=line.get("retry_after"),
    )


def _ranges(values: list[int | str] | bool | None) -> tuple[range, ...] | None:
    if values is None:
        return None
    return tuple(_range(str(value)) for value in values) if isinstance(values, list) else ()


def _range(text: str) -> range:
    """Read `404`, `3000-3017` or `4xx`."""
    if text.endswith("xx"):
        return range(int(text[0]) * 100, int(text[0]) * 100 + 100)
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


_DATA: Final = _load()
TABLE: Final = tuple(_row(line) for line in _DATA["row"])
DOES: Final = {Verdict(name): text for name, text in _DATA["does"].items()}
"""What is done about each verdict, in words."""
