"""A Redis for one measurement: on a free loopback port, in a folder of its own, ended afterwards."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from shipper.local.port import HOST, free_port
from shipper.local.program import find_program


@contextmanager
def own_redis(*options: str) -> Iterator[str]:
    """Start a server with these options and give its URL."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        place = ["--port", str(port), "--bind", HOST, "--dir", folder, "--save", ""]
        process = subprocess.Popen(  # noqa: S603 - our own server
            [str(find_program().path), *place, *options], stdout=subprocess.DEVNULL
        )
        client = redis.Redis(port=port)
        try:
            while not _answers(client):
                time.sleep(0.01)
            yield f"redis://{HOST}:{port}/0"
        finally:
            client.close()
            process.terminate()
            process.wait()


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def pid_of(url: str) -> int:
    """Return the process of a server."""
    with redis.Redis.from_url(url) as client:
        return int(client.info("server")["process_id"])
