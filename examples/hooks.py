"""Completion hooks: `SHIPPER_HOOKS=hooks celery -A workers worker`, with this file's folder on PYTHONPATH.

A hook is called in a worker when its event has ended, at least once: make it safe to be called twice.
"""

from __future__ import annotations

import logging

from shipper import DeliveryError, UnclearError, completion_hook
from shipper.ending import Delivery

log = logging.getLogger(__name__)


@completion_hook("review_sent")
def review_sent(response: Delivery | None, error: DeliveryError | None) -> None:
    """Note how the event of a review ended; on success `error` is None, on failure `response` is."""
    if response is not None:
        log.warning("Gameball has %s of %s", response.event_id, response.customer_id)
    elif isinstance(error, UnclearError):
        log.warning("a person should look at %s: Gameball may have it", error.event_id)
    elif error is not None:
        log.error("Gameball will not get %s: %s", error.event_id, error)
