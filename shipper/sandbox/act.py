"""What a fault does to a call that it strikes."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
HEADER_VALUE: Final = re.compile(r"([!-~]([ -~]*[!-~])?)?")
FRAMING_HEADERS: Final = {"content-length", "transfer-encoding"}
"""The server writes them; `oversize` and `short` are the ways to lie in them."""


class When(StrEnum):
    """Which side of applying the fault is on; `before` and an answer of its own: not applied."""

    BEFORE = "before"
    AFTER = "after"


class WrongBody(StrEnum):
    """A body that Gameball would never send."""

    SUCCESS_FALSE = "success_false"
    NOT_JSON = "not_json"
    LIST = "list"
    TRUNCATED = "truncated"
    """Half of the JSON, complete as HTTP."""
    SHORT = "short"
    """Fewer bytes than Content-Length says, then the end of the connection."""
    GZIP_BOMB = "gzip_bomb"
    """A megabyte that unpacks to a gigabyte."""


class Act(BaseModel):
    """What happens to a call that is struck. What is not given stays as Gameball does it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: int | None = Field(None, ge=200, le=599)
    code: int | None = None
    body: JsonValue = None
    """A text goes out as it is, anything else as JSON."""
    html: str | None = None
    empty: bool = False
    wrong_body: WrongBody | None = None
    headers: dict[str, str] = {}
    retry_after: int | str | None = None
    """Seconds, or an HTTP date."""
    delay_ms: int = Field(0, ge=0)
    when: When | None = None
    """Default: `after` if the answer is a 2xx, else `before`."""
    reset: bool = False
    """A TCP reset instead of an answer."""
    close: bool = False
    """The end of the connection instead of an answer."""
    drip: float | None = Field(None, gt=0)
    """Bytes of the body per second."""
    oversize: int | None = Field(None, ge=1)
    """Blanks after the body until it is this many bytes."""

    @property
    def has_body(self) -> bool:
        """Say whether a body was given, `null` too."""
        return "body" in self.model_fields_set

    @property
    def is_own_answer(self) -> bool:
        """Say whether Gameball's own answer goes out, slowed or padded perhaps."""
        bodies = self.has_body or self.html is not None or self.empty or self.wrong_body
        return not (self.status or self.code is not None or bodies or self.reset or self.close)

    @property
    def side(self) -> When:
        """Return on which side of applying the delay and the answer are."""
        if self.when is not None:
            return self.when
        lost = self.reset or self.close
        refused = self.status is None and self.code is not None
        return When.BEFORE if lost or refused or (self.status or 200) >= 300 else When.AFTER

    @property
    def applies(self) -> bool:
        """Say whether a struck call is logged and rewarded."""
        return self.side is When.AFTER or self.is_own_answer

    @field_validator("headers")
    @classmethod
    def _sendable(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            sendable = HEADER_NAME.fullmatch(name) and HEADER_VALUE.fullmatch(value)
            if not sendable or name.lower() in FRAMING_HEADERS:
                raise ValueError(f"header {name!r} cannot be sent")
        return headers

    @field_validator("retry_after")
    @classmethod
    def _sendable_value(cls, retry_after: int | str | None) -> int | str | None:
        if not HEADER_VALUE.fullmatch(str(retry_after)):
            raise ValueError(f"{retry_after!r} cannot be sent")
        return retry_after

    @model_validator(mode="after")
    def _one_answer(self) -> Self:
        bodies = [self.has_body, self.html is not None, self.empty, self.wrong_body is not None]
        if sum(bodies) > 1:
            raise ValueError("only one of body, html, empty and wrong_body can be sent")
        if self.reset and self.close:
            raise ValueError("only one of reset and close can happen")
        if (self.reset or self.close) and (self.status or self.code is not None or any(bodies)):
            raise ValueError("nothing is answered where reset or close happens")
        return self


OWN: Final = Act()
"""What happens to a call that no fault strikes."""
