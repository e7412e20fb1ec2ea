"""Gameball itself, as one account sees it: take a call, decide, apply, answer."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from itertools import count
from typing import Final
from uuid import uuid4

from starlette.types import Receive, Scope, Send

from shipper.clock import monotonic_ms, now_ms
from shipper.sandbox.act import OWN, When
from shipper.sandbox.answer import (
    ACCEPTED,
    DROPPED,
    JSON,
    TOO_LARGE,
    Answer,
    refusal_answer,
    struck_answer,
)
from shipper.sandbox.connection import gone_within
from shipper.sandbox.contract import BUSY, MAX_BODY_BYTES, PATHS, Refusal, Request, Track, judge
from shipper.sandbox.faults import Faults
from shipper.sandbox.log import AcceptedLog
from shipper.sandbox.options import Options
from shipper.sandbox.points import Points
from shipper.sandbox.preview import PREVIEW_PATHS, UNKNOWN_CUSTOMER, preview_of
from shipper.sandbox.sending import send_answer
from shipper.sandbox.traffic import Traffic
from shipper.sandbox.windows import Windows

UNCOUNTED: Final = frozenset({401, 429})
"""Statuses of calls that take no place in the windows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that arrived, under our number and the id that Gameball's support would ask for."""

    call_id: int
    request_id: str
    arrived_ms: int
    """On the clock that never steps; the windows slide on it."""
    at_ms: int
    traffic: Traffic
    """What it is counted in: after a reset, no longer the sandbox's."""


class Gameball:
    """Be the ASGI application of the events path, and hold everything an account knows."""

    def __init__(self, options: Options, log: AcceptedLog) -> None:
        self.options = options
        self.log = log
        self._run = uuid4().hex[:8]
        self._call_ids = count(1)
        self._preview_ids = count(1)
        self._start()
        for track in log.tracks():
            self.points.reward(track)

    def reset(self) -> None:
        """Be as freshly started with an empty log; calls under way are not applied any more."""
        self._start()
        self.log.clear()

    def _start(self) -> None:
        self.traffic = Traffic()
        self.points = Points(self.options.plan.points)
        self.faults = Faults(self.options.seed, self.options.plan.faults)
        self._windows = Windows(self.options.limits)
        self._preview_windows = Windows(self.options.limits.of_customers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one call, from its body to the last byte of its answer."""
        body = await _read_body(receive)
        if body is None:
            return
        call = self._arrive()
        answer = await self._answer(_request(scope, body), call, receive)
        call.traffic.answer(answer.word)
        await send_answer(answer, scope, receive, send)

    async def preview(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell what a call would earn: it is no call, so no fault strikes it and no count tells of it."""
        body = await _read_body(receive)
        if body is None:
            return
        request_id = f"{self._run}:p{next(self._preview_ids):07}"
        await send_answer(self._quote(_request(scope, body), request_id), scope, receive, send)

    def _quote(self, request: Request, request_id: str) -> Answer:
        if len(request.body) > MAX_BODY_BYTES:
            return TOO_LARGE
        now = monotonic_ms()
        judged = judge(request, keys=self.options.keys, full=self._preview_windows.full(now), busy=())
        if not (isinstance(judged, Refusal) and judged.status in UNCOUNTED):
            self._preview_windows.admit(now)
        if isinstance(judged, Track) and judged.customer_id not in self.points.balances:
            judged = UNKNOWN_CUSTOMER
        if isinstance(judged, Refusal):
            return refusal_answer(judged, request_id)
        told = preview_of(judged, self.options.plan.points, seen=self.points.names)
        return Answer(headers=(JSON,), body=json.dumps(told).encode())

    def _arrive(self) -> Call:
        call_id, arrived_ms = next(self._call_ids), monotonic_ms()
        self.traffic.arrive(arrived_ms)
        return Call(
            call_id=call_id,
            request_id=f"{self._run}:{call_id:08}",
            arrived_ms=arrived_ms,
            at_ms=now_ms(),
            traffic=self.traffic,
        )

    async def _answer(self, request: Request, call: Call, receive: Receive) -> Answer:
        if len(request.body) > MAX_BODY_BYTES:
            return TOO_LARGE
        match self._judge(request, call.arrived_ms):
            case Refusal() as refusal:
                return refusal_answer(refusal, call.request_id)
            case Track() as track:
                return await self._work(track, call, receive)

    def _judge(self, request: Request, arrived_ms: int) -> Track | Refusal:
        full = self._windows.full(arrived_ms)
        judged = judge(request, keys=self.options.keys, full=full, busy=self.traffic.busy)
        if not (isinstance(judged, Refusal) and judged.status in UNCOUNTED):
            self._windows.admit(arrived_ms)
        if judged is BUSY:
            self.traffic.overlap()
        return judged

    async def _work(self, track: Track, call: Call, receive: Receive) -> Answer:
        """Apply the call unless a fault forbids it. Its customer is busy until the answer begins to leave.

        Once it is applied, it is over when its client hangs up; until then it is worked on regardless.
        """
        act = self.faults.strike(track)
        call.traffic.begin(track.customer_id)
        try:
            await _sleep(self.options.latency_ms + (act.delay_ms if act.side is When.BEFORE else 0))
            if call.traffic is not self.traffic:
                return DROPPED
            if act.applies:
                self._apply(track, call)
            if act.delay_ms and act.side is When.AFTER:
                await gone_within(receive, act.delay_ms)
        finally:
            call.traffic.end(track.customer_id)
        return ACCEPTED if act is OWN else struck_answer(act, call.request_id)

    def _apply(self, track: Track, call: Call) -> None:
        """Log first: what the log cannot take is not applied."""
        self.log.append(track, at_ms=call.at_ms, call_id=call.call_id, request_id=call.request_id)
        self.points.reward(track)
        self.traffic.accept(len(track.events))


async def _read_body(receive: Receive) -> bytes | None:
    """Return the body, cut off behind its limit, or None if the client hung up before it was whole."""
    body, more = b"", True
    while more and len(body) <= MAX_BODY_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body, more = body + message["body"], message["more_body"]
    return body


def _request(scope: Scope, body: bytes) -> Request:
    headers = dict(scope["headers"])
    return Request(
        version={**PATHS, **PREVIEW_PATHS}[scope["path"]],
        api_key=headers.get(b"apikey", b"").decode("latin-1"),
        secret_key=headers.get(b"secretkey", b"").decode("latin-1"),
        content_type=headers.get(b"content-type", b"").decode("latin-1"),
        body=body,
    )


async def _sleep(wait_ms: int) -> None:
    if wait_ms:
        await asyncio.sleep(wait_ms / 1000)
