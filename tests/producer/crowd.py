"""Enqueue from many threads of many forked processes, and say in JSON lines what came of each event.

`python -m tests.producer.crowd URL FOLDER PROCESSES THREADS EVENTS_A_THREAD` writes one file a process.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import Any, Final
from urllib.parse import urlsplit

import shipper
from shipper.errors import EnqueueUnclearError, LedgerUnavailableError
from shipper.settings import Settings

PATIENCE_S: Final = 60
"""How long Redis may be away; then nobody will start it again, and a crowd would spin for ever."""


def main(url: str, folder: str, processes: str, threads: str, share: str) -> None:
    # One event before the fork, so that there is a connection that no child may use.
    shipper.configure(Settings(redis_url=url, enqueue_budget_ms=2000))
    shipper.enqueue_event({"customerId": "parent", "events": {"started": {}}})
    children = []
    for process in range(int(processes)):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                run_process(Path(folder), url, process, int(threads), int(share))
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    ended = [os.waitpid(child, 0)[1] for child in children]
    shipper.enqueue_event({"customerId": "parent", "events": {"ended": {}}})
    sys.exit(any(ended))


def run_process(folder: Path, url: str, process: int, threads: int, share: int) -> None:
    said: list[list[dict[str, Any]]] = [[] for _ in range(threads)]
    running = [
        Thread(target=run_thread, args=(said[i], url, f"p{process}-t{i}", share)) for i in range(threads)
    ]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    lines = [json.dumps(line) for lines in said for line in lines]
    (folder / f"process-{process}.jsonl").write_text("\n".join(lines))


def run_thread(said: list[dict[str, Any]], url: str, name: str, share: int) -> None:
    for number in range(share):
        customer = f"{name}-{number}"
        said.append({"customer": customer, **enqueue(url, customer)})


def enqueue(url: str, customer: str) -> dict[str, Any]:
    """Enqueue one event. An unclear one is asked for again under its id until Redis says."""
    event_id, unclear = None, 0
    while True:
        try:
            receipt = shipper.enqueue_event(
                {"customerId": customer, "events": {"visit": {"reference": customer}}}, event_id=event_id
            )
        except EnqueueUnclearError as error:
            event_id, unclear = error.event_id, unclear + 1
        except LedgerUnavailableError as error:
            await_redis(url)
            return {"refused": type(error).__name__, "unclear": unclear}
        else:
            return {"accepted": receipt.event_id, "unclear": unclear, "duplicate": receipt.duplicate}
        await_redis(url)


def await_redis(url: str) -> None:
    """Return when something listens there again: else an outage would burn all events in a moment."""
    place, deadline = urlsplit(url), time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection((place.hostname or "", place.port or 0), timeout=1).close()
        except OSError:
            Flag().wait(0.005)
        else:
            return
    os._exit(1)  # from a thread: the others wait as well


if __name__ == "__main__":
    main(*sys.argv[1:])
