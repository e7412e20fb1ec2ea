"""The smallest FastAPI app that tells Gameball: `uvicorn --app-dir examples fastapi_app:app`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from uuid import uuid4

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.middleware.base import RequestResponseEndpoint

from shipper import (
    EnqueueUnclearError,
    Event,
    IdempotencyConflictError,
    InvalidEventError,
    LedgerFullError,
    LedgerUnavailableError,
    ShipperError,
    aclose,
    aenqueue_event,
)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Close the connections to Redis when the app ends."""
    yield
    await aclose()


app = FastAPI(lifespan=lifespan)
request_id: ContextVar[str] = ContextVar("request_id")


@app.middleware("http")
async def name_request(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """Give the request an id: it travels with what is enqueued, into the worker's lines about it."""
    request_id.set(request.headers.get("X-Request-ID") or uuid4().hex)
    return await call_next(request)


class Review(BaseModel):
    """What a customer wrote."""

    customer: str
    stars: int


@app.post("/reviews/{review_id}", status_code=202)
async def write_review(review_id: int, review: Review) -> dict[str, str]:
    """Accept a review and tell Gameball: once this answers 202, the event is safe."""
    receipt = await aenqueue_event(
        Event(customer_id=review.customer, events={"write_review": {"stars": review.stars}}),
        hook="review_sent",
        idempotency_key=f"review:{review_id}",  # a repeated request gives the same receipt
    )
    return {"event_id": receipt.event_id}


@app.exception_handler(InvalidEventError)
async def refuse(_request: Request, error: InvalidEventError) -> JSONResponse:
    """Answer 422 with every problem; sending it again cannot help."""
    return JSONResponse({"problems": [str(problem) for problem in error.problems]}, 422)


@app.exception_handler(LedgerUnavailableError)
@app.exception_handler(LedgerFullError)
@app.exception_handler(EnqueueUnclearError)
async def ask_to_retry(_request: Request, _error: ShipperError) -> JSONResponse:
    """Answer 503: the client may send it again, which the idempotency key makes safe."""
    return JSONResponse({"error": "try again"}, 503, {"Retry-After": "5"})


@app.exception_handler(IdempotencyConflictError)
async def tell_conflict(_request: Request, error: IdempotencyConflictError) -> JSONResponse:
    """Answer 409: this review was told to Gameball with other content."""
    return JSONResponse({"error": "told already, and differently", "event_id": error.event_id}, 409)
