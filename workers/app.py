"""App: `celery -A workers worker`, with Celery's settings as they were measured, and the Dispatchers."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Sequence
from functools import cache
from threading import Event as Flag
from threading import Timer
from typing import Any, ClassVar, Final

from celery import Celery, bootsteps
from celery.bin.celery import celery as celery_command
from celery.signals import setup_logging, worker_process_shutdown, worker_shutdown, worker_shutting_down
from celery.worker import state
from kombu.entity import Queue

from shipper.errors import LedgerUnavailableError, SettingsError
from shipper.ledger.durability import Durability
from shipper.logs import configure_logs, get_logger
from shipper.settings import Settings, load_settings
from workers.broker import Messenger
from workers.collector import flush_traces
from workers.dispatcher import Desk, Dispatcher
from workers.tasks import COMPLETE, DELIVER, complete, deliver, limits_of_complete
from workers.wiring import Works, check_keys, check_redis, import_hooks, stop_claiming, works

log: Final = get_logger(__name__)

DELIVER_QUEUE: Final = "shipper.deliver"
HOOKS_QUEUE: Final = "shipper.hooks"
QUEUES: Final = {DELIVER: DELIVER_QUEUE, COMPLETE: HOOKS_QUEUE}
SLOTS: Final = 8
"""Pool slots of a plain worker: pumps, and beside them tellers."""
REDIS_AGAIN_S: Final = 1
BROKERS_OF_OTHERS: Final = ("CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL")
"""Celery heeds these above its app's own setting, and beside another Celery app they are often set."""
LINGERING: Final = {"celery.concurrency.thread", "celery.concurrency.gevent"}
"""Pools in which the tasks run in the process of the Dispatcher, beside each other."""
LAST_WORD_S: Final = 10
"""How long a worker that gives up may take to end in order, beyond the longest call."""


def _configure(app: Celery, settings: Settings) -> None:
    app.conf.update(
        broker_url=settings.broker_url or settings.redis_url,
        broker_transport="workers.broker:Transport",
        broker_transport_options={
            "ack_emulation": False,
            "priority_steps": [0],
            "socket_timeout": 5,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "health_check_interval": 25,
        },
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,  # a Redis that refuses for a while would end the worker
        broker_pool_acquire_timeout=1.0,
        task_publish_retry=False,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        result_backend=None,
        task_queues=[
            Queue(DELIVER_QUEUE, routing_key=DELIVER_QUEUE),
            Queue(HOOKS_QUEUE, routing_key=HOOKS_QUEUE),
        ],
        task_default_queue=DELIVER_QUEUE,
        task_routes={task: {"queue": queue} for task, queue in QUEUES.items()},
        task_create_missing_queues=False,
        worker_pool=pool_of(sys.argv),
        worker_concurrency=SLOTS,
        worker_prefetch_multiplier=1,
        worker_consumer="workers.broker:Consumer",
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
    )


def pool_of(argv: Sequence[str]) -> str:
    """Return the pool to be had unless the command line names one: threads.

    Celery cannot tell `-P prefork` from its own default, and would take ours instead.
    """
    asked = re.search(r"(?:^| )(?:-P ?|--pool[ =])prefork(?: |$)", " ".join(argv))
    return "prefork" if asked else "threads"


def _only_ours(app: Celery) -> None:
    """Forget the tasks that Celery brings along: a forged message could start them."""
    app.finalize()
    for name in [name for name in app.tasks if not name.startswith("shipper.")]:
        app.tasks.unregister(name)


class Dispatching(bootsteps.StartStopStep):
    """Run a Dispatcher for each account in the worker's main process."""

    requires: ClassVar = {"celery.worker.components:Pool"}

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self.dispatchers: list[Dispatcher] = []

    def start(self, worker: Any) -> None:
        """Check what this worker stands on, and begin to look."""
        here = works()
        served = worker.app.amqp.queues.consume_from
        delivers, here.serves_hooks = DELIVER_QUEUE in served, HOOKS_QUEUE in served
        if delivers:
            _check_keys(here)
        durability = _await_redis(here)
        desk = Desk(
            start_pump=lambda account, ticket: _publish(worker.app, DELIVER, account, ticket),
            start_teller=lambda account, ticket: _publish(worker.app, COMPLETE, account, ticket),
            run_here=here.run_pump,
            tell_here=here.tell_here,
            wake=here.wake,
            give_up=_give_up,
            hanging_hooks=here.hanging_hooks,
        )
        # Elsewhere than in threads, or where slots are few, a pump that lingers would hold up hooks.
        here.hears_bell = (
            worker.pool_cls.__module__ in LINGERING
            and worker.concurrency > here.settings.pumps * len(here.accounts)
        )
        for account in here.accounts:
            dispatcher = Dispatcher(
                here.ledger(account),
                here.settings,
                desk,
                worker=here.worker if delivers else "",
                hold_ms=0 if durability.keeps_all else here.settings.lease_ms,
                leaving=here.stopping,
            )
            dispatcher.start()
            self.dispatchers.append(dispatcher)

    def close(self, _worker: Any) -> None:
        """Claim no more. Celery then waits for the pumps, which wait for the calls under way."""
        stop_claiming()
        for dispatcher in self.dispatchers:
            dispatcher.stop()
        for dispatcher in self.dispatchers:
            dispatcher.join()
        works().join_tellers()

    def stop(self, _worker: Any) -> None:
        """Do nothing more: everything ended in `close`."""


def _check_keys(here: Works) -> None:
    try:
        check_keys(here)
    except SettingsError as error:
        raise _bad_settings(error) from None


def _await_redis(here: Works) -> Durability:
    """Wait for Redis as Celery waits for its broker, unless the worker is told to end meanwhile."""
    while True:
        try:
            return check_redis(here)
        except LedgerUnavailableError as error:
            log.warning("ledger.unavailable", error=str(error))
            state.maybe_shutdown()
            Flag().wait(REDIS_AGAIN_S)
        except SettingsError as error:
            raise _bad_settings(error) from None


def _publish(app: Celery, task: str, account: str, ticket: str) -> None:
    _messenger(app.conf.broker_url).send(task, QUEUES[task], account, ticket)


@cache
def _messenger(broker_url: str) -> Messenger:
    return Messenger(broker_url)


def _give_up(why: str) -> None:
    """End this worker with an error, its calls landed. One too deaf to hear even that is cut off."""
    if state.should_stop:
        return
    log.error("worker.gives_up", why=why)
    state.should_stop = 1  # the exit code; `should_terminate` would lose it, and cut calls off
    stop_claiming()
    last_word = Timer(works().settings.timeout_ms / 1000 + LAST_WORD_S, os._exit, args=(1,))
    last_word.daemon = True
    last_word.start()


@worker_shutting_down.connect
def _claim_no_more(**_: Any) -> None:
    """Stop claiming with the signal: Celery's loop may take a second to hear of it."""
    stop_claiming()


@worker_shutdown.connect
@worker_process_shutdown.connect
def _flush_traces(**_: Any) -> None:
    """Let the last spans go: every call has landed by now, in this process."""
    flush_traces()


@setup_logging.connect
def _set_up_logging(loglevel: int = logging.INFO, **_: Any) -> None:
    """Log as the whole project does; `SHIPPER_LOG` chooses json, human or auto."""
    configure_logs(os.environ.get("SHIPPER_LOG", "auto"), level=loglevel)
    # Two lines for each wake-up would hide the one that each call has.
    for chatty in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(chatty).setLevel(max(loglevel, logging.WARNING))


def _make_app() -> Celery:
    settings = load_settings()
    for name in BROKERS_OF_OTHERS:
        os.environ.pop(name, None)
    made = Celery("shipper", set_as_current=False)
    _configure(made, settings)
    made.task(deliver, name=DELIVER)
    made.task(complete, name=COMPLETE, **limits_of_complete(settings))
    made.steps["worker"].add(Dispatching)
    _only_ours(made)
    import_hooks(settings)
    works()  # so that bad accounts are told now, and not by the first pump
    return made


def _bad_settings(error: SettingsError) -> SystemExit:
    """Name every problem, without a traceback; return what ends the worker."""
    for problem in error.problems:
        sys.stderr.write(f"shipper: {problem}\n")
    return SystemExit(1)


def main(argv: Sequence[str]) -> int:
    """Run Celery's own command line for this app; return its exit code, which `worker_main` drops."""
    celery_command.params[0].default = app
    return int(celery_command.main(args=list(argv), standalone_mode=False) or 0)


try:
    app = _make_app()
except SettingsError as error:
    raise _bad_settings(error) from None
