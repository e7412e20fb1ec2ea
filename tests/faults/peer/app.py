"""Plain Celery done well: one task an event, with every setting that Celery's own documents advise.

It is the opponent of the campaigns, so it is built to win: late acknowledging, a short visibility timeout
with a restore each second, retries with backoff and jitter, dead letters of its own, timeouts everywhere.
Where a choice was open, what measured better was taken. `python -m celery -A tests.faults.peer.app worker`.

Left out is `worker_deduplicate_successful_tasks`: it wants a result backend, one more write an event, and
sees only a message that comes again after its success was stored; one lost in between stays lost.
"""

from __future__ import annotations

import json
import logging
import os
import random
import threading
from typing import Any, Final

import requests
from celery import Celery
from celery.exceptions import MaxRetriesExceededError, Reject, Retry
from celery.signals import setup_logging
from redis import Redis
from redis.exceptions import RedisError

from shipper.logs import configure_logs
from tests.support.worker import KEY

SHIP: Final = "peer.ship"
QUEUE: Final = "peer"
DEAD: Final = "peer:dead"
"""A Redis list of the events that were given up."""

VISIBILITY_S: Final = 5
"""When a message that nobody acknowledged is delivered again. Our leases are 6 s in the same campaigns; the
default of an hour would be an hour's recovery. Nothing here runs for as long, retries included."""
WORKER_SOCKETS: Final = {"socket_timeout": 5, "socket_connect_timeout": 2}
SHOP_SOCKETS: Final = {"socket_timeout": 1, "socket_connect_timeout": 1}
"""A web request must not hang: kombu's default waits for ever."""

TIMEOUTS_S: Final = (0.5, 1.0)
"""To connect and to read, as ours in the same campaigns."""
MOST_RETRIES: Final = 1000
"""About eight minutes of refusals: no outage of a campaign may kill an event. Nothing spares attempts here,
as our breaker does, so fewer would compare a setting rather than a system."""
BASE_S: Final = 0.02
CAP_S: Final = 1.0
"""Full jitter from 20 ms to 1 s: `retry_backoff` counts in whole seconds, which would recover more slowly."""
DOUBLINGS: Final = 6
"""After so many the backoff is at its cap."""
AGAIN: Final = frozenset({408, 425, 429, *range(500, 600)})
"""Statuses that a later try may cure; any other refusal is final, but for the code of a busy customer."""
BUSY: Final = 2001

LONGEST_S: Final = VISIBILITY_S - 2
"""A countdown beyond the visibility timeout would run a task again and again (kombu#337)."""


class NotNowError(Exception):
    """Say that an event was not accepted now, and may be later, at the earliest in so many seconds."""

    def __init__(self, why: str, after_s: float = 0.0) -> None:
        super().__init__(why)
        self.after_s = after_s


def make_app(redis_url: str, sockets: dict[str, int]) -> Celery:
    """Configure Celery, for a worker or for the shop that sends."""
    app = Celery("peer", set_as_current=False)
    app.conf.update(
        broker_url=redis_url,
        broker_transport_options={
            **sockets,
            "visibility_timeout": VISIBILITY_S,
            # Look for abandoned messages every second, and really each time, in batches that keep up.
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
            "unacked_restore_limit": 500,
            # A worker killed while it restores would keep all others from it for 300 s, the default.
            "unacked_mutex_expire": VISIBILITY_S,
            "socket_keepalive": True,
            # A half-open connection is noticed after brpop_timeout and twice this; the default is 25.
            "health_check_interval": 5,
            "priority_steps": [0],
        },
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_pool_acquire_timeout=1.0,
        # A publish ends after a few quick tries, and tells.
        task_publish_retry=True,
        task_publish_retry_policy={
            "max_retries": 3,
            "interval_start": 0,
            "interval_step": 0.1,
            "interval_max": 0.2,
        },
        task_default_queue=QUEUE,
        # A message is acknowledged when its event was posted, and one whose process died goes back.
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        # No slot may sit on messages that another worker could take.
        worker_prefetch_multiplier=1,
        task_ignore_result=True,
        result_backend=None,
        # Nothing here asks workers questions; the queues for that are load, and connections that break.
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        # What Celery offers instead ends tasks in the middle of their call, and threads cannot.
        worker_cancel_long_running_tasks_on_connection_loss=False,
    )
    return app


_own = threading.local()


def session() -> requests.Session:
    """Return this thread's session: they are not to be shared."""
    if not hasattr(_own, "session"):
        _own.session = requests.Session()
        _own.session.trust_env = False
        _own.session.headers["APIKey"] = KEY
    return _own.session  # type: ignore[no-any-return]


def ship(self: Any, event: dict[str, Any]) -> None:
    """Post one event; try again later, or keep it as a dead letter, if it was not accepted."""
    try:
        _post(event)
    except NotNowError as error:
        _again(self, event, error)
    except requests.HTTPError as error:
        _bury(event, error)


def _post(event: dict[str, Any]) -> None:
    url = os.environ["PEER_GAMEBALL_URL"]
    try:
        answer = session().post(
            f"{url}/api/v4.0/integrations/events", json=event, timeout=TIMEOUTS_S, allow_redirects=False
        )
    except requests.RequestException as error:
        raise NotNowError(type(error).__name__) from error
    if answer.status_code in AGAIN or (not answer.ok and _code(answer) == BUSY):
        after = answer.headers.get("Retry-After", "")
        raise NotNowError(str(answer.status_code), after_s=float(after) if after.isdigit() else 0.0)
    if not answer.ok or answer.is_redirect:
        raise requests.HTTPError(str(answer.status_code))


def _code(answer: requests.Response) -> object:
    """Return Gameball's error code, if the answer has one."""
    try:
        body = answer.json()
    except requests.JSONDecodeError:
        return None
    return body.get("code") if isinstance(body, dict) else None


def _again(task: Any, event: dict[str, Any], error: NotNowError) -> None:
    backoff_s = random.uniform(0, min(CAP_S, BASE_S * 2 ** min(DOUBLINGS, task.request.retries)))  # noqa: S311 - spreads load
    wait_s = min(LONGEST_S, error.after_s + backoff_s)
    try:
        task.retry(exc=error, countdown=wait_s, max_retries=MOST_RETRIES)
    except Retry:
        raise
    except Reject as reject:
        # Celery drops a message whose retry it cannot publish; this one goes back to the queue instead.
        raise Reject(reject.reason, requeue=True) from error
    except (NotNowError, MaxRetriesExceededError):
        _bury(event, error)


def _bury(event: dict[str, Any], error: Exception) -> None:
    """Keep a dead letter; where Redis does not take it, the message goes back to the queue."""
    try:
        with Redis.from_url(
            os.environ["PEER_REDIS_URL"], socket_timeout=2, socket_connect_timeout=2
        ) as redis:
            redis.rpush(DEAD, json.dumps(event))
    except RedisError as refused:
        raise Reject(refused, requeue=True) from error


@setup_logging.connect  # type: ignore[untyped-decorator]
def _log_as_json(**_: Any) -> None:
    """Log lines that the campaigns can read; how is no part of the comparison."""
    configure_logs("json", level=logging.INFO)
    for chatty in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


if url := os.environ.get("PEER_REDIS_URL"):  # in a worker; the shop makes an app of its own
    app = make_app(url, WORKER_SOCKETS)
    app.task(ship, name=SHIP, bind=True)
