"""Refusal: an answer that is no page: a status, a sentence, and what else the answer's head says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

NOTHING: Final[Mapping[str, str]] = {}


class Refusal(Exception):  # noqa: N818 - it is an answer, not a failure
    """Answer with an error: its status, a sentence, and headers."""

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] = NOTHING) -> None:
        self.status = status
        self.detail = detail
        self.headers = headers
        super().__init__(detail)
