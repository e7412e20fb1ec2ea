"""The admin API: look at what was accepted, put faults in, start over. Not part of Gameball."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shipper.errors import Problem, SettingsError
from shipper.sandbox.contract import read_json
from shipper.sandbox.faults import Fault, FaultSpec
from shipper.sandbox.gameball import Gameball
from shipper.sandbox.plan import parse

PAGE_LINES: Final = 1_000
MAX_PAGE_LINES: Final = 10_000


def admin_routes(gameball: Gameball) -> list[Route]:
    """Return the routes under `/admin` for one account."""

    async def ledger(_: Request) -> Response:
        return _told({name: asdict(balance) for name, balance in gameball.points.balances.items()})

    async def accepted(request: Request) -> Response:
        after, limit = _number(request, "after", 0), _number(request, "limit", PAGE_LINES)
        lines = gameball.log.read(after, min(limit, MAX_PAGE_LINES))
        return Response(lines, media_type="application/x-ndjson")

    async def stats(_: Request) -> Response:
        return _told({"seed": gameball.options.seed, **gameball.traffic.counts()})

    async def reset(_: Request) -> Response:
        gameball.reset()
        return Response(status_code=204)

    async def list_faults(_: Request) -> Response:
        return _told([_shown(fault) for fault in gameball.faults])

    async def add_fault(request: Request) -> Response:
        fault = gameball.faults.add(parse(FaultSpec, await _json(request)))
        return _told(_shown(fault), status_code=201)

    async def clear_faults(_: Request) -> Response:
        gameball.faults.clear()
        return Response(status_code=204)

    async def remove_fault(request: Request) -> Response:
        found = gameball.faults.remove(request.path_params["fault_id"])
        return Response(status_code=204 if found else 404)

    return [
        Route("/admin/ledger", ledger),
        Route("/admin/accepted", accepted),
        Route("/admin/stats", stats),
        Route("/admin/reset", reset, methods=["POST"]),
        Route("/admin/faults", list_faults),
        Route("/admin/faults", add_fault, methods=["POST"]),
        Route("/admin/faults", clear_faults, methods=["DELETE"]),
        Route("/admin/faults/{fault_id:int}", remove_fault, methods=["DELETE"]),
    ]


async def refuse(_: Request, error: Exception) -> Response:
    """Answer a SettingsError with each of its problems."""
    problems = error.problems if isinstance(error, SettingsError) else ()
    found = [{"path": problem.path, "message": problem.message} for problem in problems]
    return _told({"problems": found}, status_code=400)


def _shown(fault: Fault) -> dict[str, Any]:
    spec = fault.spec.model_dump(mode="json", exclude_unset=True)
    return {"id": fault.fault_id, "matched": fault.matched, "struck": fault.struck, **spec}


def _told(found: object, status_code: int = 200) -> Response:
    """Answer in ASCII: Starlette's own JSON breaks on a lone surrogate, which a customer id may hold."""
    return Response(json.dumps(found), status_code=status_code, media_type="application/json")


async def _json(request: Request) -> object:
    try:
        return read_json(await request.body())
    except ValueError as error:
        raise SettingsError([Problem("", f"the body is not JSON: {error}")]) from error


def _number(request: Request, name: str, default: int) -> int:
    given = request.query_params.get(name, str(default))
    if not (given.isascii() and given.isdigit()):
        raise SettingsError([Problem(name, f"is {given[:40]!r}, not a whole number")])
    return int(given)
