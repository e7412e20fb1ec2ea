"""The smallest Flask app that tells Gameball: `flask --app examples/flask_app run`."""

from __future__ import annotations

from flask import Flask, request
from flask.typing import ResponseReturnValue

from shipper import (
    EnqueueUnclearError,
    Event,
    IdempotencyConflictError,
    InvalidEventError,
    LedgerFullError,
    LedgerUnavailableError,
    ShipperError,
    enqueue_event,
)

app = Flask(__name__)


@app.post("/reviews/<int:review_id>")
def write_review(review_id: int) -> ResponseReturnValue:
    """Accept a review and tell Gameball: once this answers 202, the event is safe."""
    stars = request.form.get("stars", type=int)
    receipt = enqueue_event(
        Event(customer_id=request.form.get("customer", ""), events={"write_review": {"stars": stars}}),
        hook="review_sent",
        idempotency_key=f"review:{review_id}",  # a repeated request gives the same receipt
    )
    return {"event_id": receipt.event_id}, 202


@app.errorhandler(InvalidEventError)
def refuse(error: InvalidEventError) -> ResponseReturnValue:
    """Answer 422 with every problem; sending it again cannot help."""
    return {"problems": [str(problem) for problem in error.problems]}, 422


@app.errorhandler(LedgerUnavailableError)
@app.errorhandler(LedgerFullError)
@app.errorhandler(EnqueueUnclearError)
def ask_to_retry(_error: ShipperError) -> ResponseReturnValue:
    """Answer 503: the client may send it again, which the idempotency key makes safe."""
    return {"error": "try again"}, 503, {"Retry-After": "5"}


@app.errorhandler(IdempotencyConflictError)
def tell_conflict(error: IdempotencyConflictError) -> ResponseReturnValue:
    """Answer 409: this review was told to Gameball with other content."""
    return {"error": "told already, and differently", "event_id": error.event_id}, 409
