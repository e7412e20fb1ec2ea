"""Page: one route as a value: where it is, who may open it, and the function that answers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from starlette.responses import Response

from shipper.web.person import Role
from shipper.web.visit import Visit

API: Final = "/api/v1"
METRICS: Final = "/metrics"

Answer = Callable[[Visit], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A route. Nobody but who has the role `needs` gets to `answer`; None lets everybody in."""

    path: str
    answer: Answer
    needs: Role | None = Role.VIEWER
    method: Literal["GET", "POST"] = "GET"
    takes_file: bool = False
    """Its body is a file, received once its sender was let in; what else it is given stands in the query."""
    takes_event: bool = False
    """Its form or object holds what an event says, which may be larger than anything else that is said."""

    @property
    def is_api(self) -> bool:
        """Tell whether programs read it: they get JSON, also as an error."""
        return self.path.startswith((API, METRICS))
