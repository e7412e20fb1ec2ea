"""The metrics of all accounts, for Prometheus."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from shipper.web.metrics import CONTENT_TYPE, exposition
from shipper.web.page import METRICS, Page
from shipper.web.visit import Visit


def metrics(visit: Visit) -> Response:
    """Tell every number."""
    inspectors = visit.site.inspectors(visit.person.name if visit.person else "")
    found = exposition([each.metrics() for each in inspectors.values()])
    return Response(found, headers={"content-type": CONTENT_TYPE})


PAGES: Final = (Page(path=METRICS, answer=metrics),)
