"""Description: the API in OpenAPI 3.1, made from the calls themselves."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from starlette.responses import Response

from shipper.event_id import PATTERN
from shipper.web.api import acting, correcting, seeing, steering
from shipper.web.api.call import Call
from shipper.web.api.schema import Schemas
from shipper.web.page import API, Page
from shipper.web.upload import JSON_LINES
from shipper.web.visit import Visit

CALLS: Final[tuple[Call, ...]] = (*seeing.CALLS, *acting.CALLS, *correcting.CALLS, *steering.CALLS)
ERRORS: Final = {
    "400": "What was given cannot be.",
    "401": "A token is needed.",
    "403": "This needs an operator's token, or came from another site.",
    "404": "There is no such account, event, hook or job.",
    "405": "The address is for another method.",
    "408": "Nothing more of the file came.",
    "409": "It has moved on meanwhile, somebody else is at it, or it is beyond the budget.",
    "413": "Too much was sent.",
    "415": "The body is of another kind.",
    "421": "The page is not served under this name.",
    "429": "Too many wrong tokens came from this address: Retry-After says when to try again.",
    "500": "Something broke; it is in the server's log.",
    "503": "Redis does not answer, or did not to the end of an import: how far it came is told.",
    "507": "There is no room: for the file here, or for its letters in Redis.",
}
PATHS: Final[dict[str, dict[str, Any]]] = {
    "account": {"type": "string", "pattern": "^[a-z0-9_-]{1,64}$"},
    "event_id": {"type": "string", "pattern": f"^{PATTERN.pattern}$"},
    "job": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
}
LINES: Final = {JSON_LINES: {"schema": {"type": "string"}}}
"""An export: docs/dead-letters.md has its format."""
ERROR: Final = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "status": {"type": "integer"},
                "title": {"type": "string"},
                "detail": {"type": "string"},
            },
            "required": ["status", "title", "detail"],
        }
    },
    "required": ["error"],
}


@cache
def described() -> dict[str, Any]:
    """Return the whole description."""
    schemas = Schemas()
    paths: dict[str, dict[str, Any]] = {}
    for call in CALLS:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "gameball-shipper",
            "version": _version(),
            "description": "What the page does, for programs. Moments are ISO 8601, spans are ms.",
        },
        "paths": paths,
        "security": [{"token": []}, {}],
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {**schemas.found, "Error": ERROR},
        },
    }


def description(_visit: Visit) -> Response:
    """Give the description."""
    return Response(json.dumps(described(), indent=1), media_type="application/json")


def _operation(call: Call, schemas: Schemas) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": call.name,
        "summary": call.about,
        "description": f"For {call.needs.value}s.",
        "parameters": _parameters(call),
        "responses": {
            "200": {
                "description": "Done.",
                "content": LINES if call.gives_file else _json(schemas.of(call.gives)),
            },
            **{
                status: {"description": about, "content": _json({"$ref": "#/components/schemas/Error"})}
                for status, about in ERRORS.items()
            },
        },
    }
    if call.takes_file:
        found["requestBody"] = {"required": True, "content": LINES}
    elif call.method == "POST":
        body = {
            "type": "object",
            "properties": {each.name: {**each.schema, "description": each.about} for each in call.takes},
            "required": [each.name for each in call.takes if each.required],
            "additionalProperties": False,
        }
        found["requestBody"] = {"required": True, "content": _json(body)}
    return found


def _parameters(call: Call) -> list[dict[str, Any]]:
    path = [
        {"name": name, "in": "path", "required": True, "schema": PATHS[name]}
        for name in re.findall(r"{(\w+)}", call.path)
    ]
    if call.method == "POST" and not call.takes_file:
        return path
    return path + [
        {
            "name": each.name,
            "in": "query",
            "required": each.required,
            "description": each.about,
            "schema": dict(each.schema),
        }
        for each in call.takes
    ]


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _version() -> str:
    try:
        return version("gameball-shipper")
    except PackageNotFoundError:
        return "0"


PAGES: Final = (
    Page(path=f"{API}/openapi.json", answer=description),
    *(call.page for call in CALLS),
)
