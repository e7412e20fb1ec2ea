"""Run real Redis and Valkey servers for tests: on loopback, in a folder each, and leave none behind.

A server's port is fixed when it first starts and kept over kills and restarts. Whatever ends the test
process, `kill -9` included, the reaper notices it and kills what was left.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import cycle, islice
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from tests.support import reaper
from tests.support.programs import Program

HOST: Final = "127.0.0.1"
START_SECONDS: Final = 20
STOP_SECONDS: Final = 10
LOOK_SECONDS: Final = 0.01

PORTS: Final = range(20_000, 32_000)
"""Below the ports that Linux and macOS give to outgoing connections. A port from there (binding port 0 gives
one) can be taken by any connection while its server is down, even by a client that connects to itself."""

NO_OPTIONS: Final[Mapping[str, str]] = MappingProxyType({})


class StartServer(Protocol):
    """Start a server of one's own: on Redis if it is here and else on Valkey, unless told which."""

    def __call__(
        self,
        *,
        on: str | None = None,
        options: Mapping[str, str] = NO_OPTIONS,
        username: str = "",
        password: str = "",
    ) -> RedisServer: ...


class RedisServer:
    """Run one server that a test may start, stop, kill, freeze and restart; its data stays in `folder`.

    `options` are directives of redis.conf. Without any it keeps nothing on disk. A password is set for the
    default user; with a `username` both must be in the `aclfile` of the options, allowed PING and INFO.
    `environment` is added to ours.
    """

    def __init__(
        self,
        program: Program,
        folder: Path,
        options: Mapping[str, str] = NO_OPTIONS,
        *,
        username: str = "",
        password: str = "",
        environment: Mapping[str, str] = NO_OPTIONS,
    ) -> None:
        self.program = program
        self.folder = folder
        self.options = dict(options)
        self.username = username
        self.password = password
        self.environment = dict(environment)
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server does not run"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def url(self) -> str:
        secret = f"{self.username}:{self.password}@" if self.password else ""
        return f"redis://{secret}{HOST}:{self.port}/0"

    @property
    def log(self) -> str:
        path = self.folder / "server.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def client(self, *, timeout_s: float = 5.0) -> Redis:
        """Make a client that fails at once instead of trying again in secret."""
        return Redis.from_url(
            self.url,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
        )

    def start(self) -> None:
        """Start and wait until it answers. Somebody may be quicker to take a first port: try others."""
        assert not self.running, "the server runs already"
        ports = [self.port] if self.port else [_free_port() for _ in range(5)]
        for port in ports:
            self.port = port
            if self._start_on_port():
                return
        raise RuntimeError(f"{self.program.path} did not start on {ports}:\n{self.log[-2000:]}")

    def stop(self) -> None:
        """End it as an operator would (SIGTERM), so that it may save."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as the out-of-memory killer would (SIGKILL). Without a running server nothing happens."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it if it runs, and start it with the same port, folder and options."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Make it hang with its connections open (SIGSTOP) until `thaw`."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def _start_on_port(self) -> bool:
        self._process = self._spawn()
        reaper.watch(self._process.pid)
        try:
            if not self._await(self._answers):
                return False
            if self.options.get("cluster-enabled") == "yes":
                self._own_all_slots()
        except BaseException:
            self.kill()
            raise
        return True

    def _spawn(self) -> subprocess.Popen[bytes]:
        directives = {
            "port": str(self.port),
            "bind": HOST,
            "dir": str(self.folder),
            "save": "",
            "appendonly": "no",
            **self.options,
        }
        if self.password and not self.username:
            directives["requirepass"] = self.password
        if directives.get("cluster-enabled") == "yes":
            directives.setdefault("cluster-port", str(_free_port()))
        arguments = [part for name, value in directives.items() for part in (f"--{name}", value)]
        with (self.folder / "server.log").open("ab") as log:
            # A session of its own: Ctrl-C is for pytest, which then ends its servers in order.
            return subprocess.Popen(
                [f"{self.program.name}-server", *arguments],
                executable=self.program.path,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )

    def _await(self, condition: Callable[[], bool]) -> bool:
        """Wait until the condition holds; answer False if the server ends first, as on a port in use."""
        deadline = time.monotonic() + START_SECONDS
        while self.running:
            if condition():
                return True
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{self.program.path} is not ready after {START_SECONDS} s:\n{self.log[-2000:]}"
                )
            time.sleep(LOOK_SECONDS)
        return False

    def _answers(self) -> bool:
        """Tell whether our process, and not another's server on this port, has loaded its data."""
        with self.client(timeout_s=1.0) as client, suppress(RedisError):
            client.ping()
            return int(client.info("server")["process_id"]) == self.pid
        return False

    def _own_all_slots(self) -> None:
        with self.client() as client:
            if client.execute_command("CLUSTER INFO")["cluster_slots_assigned"] == "0":
                client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
            if not self._await(lambda: client.execute_command("CLUSTER INFO")["cluster_state"] == "ok"):
                raise RuntimeError(f"the cluster node ended:\n{self.log[-2000:]}")

    def _end(self, by: signal.Signals) -> None:
        if self._process is None:
            return
        if self.running:
            self._process.send_signal(by)
            self._process.send_signal(signal.SIGCONT)  # a frozen server takes no SIGTERM
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            reaper.forget(self._process.pid)
            self._process = None


def _shuffled_ports() -> Iterator[int]:
    """Yield for ever the ports that this process of pytest-xdist gives out: each once, then all again.

    A port that was given out is soon bound, or bound again after a kill: nobody else may have it meanwhile.
    """
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ours = PORTS[number :: int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))]
    # Not the shared generator, which hypothesis seeds alike for every run.
    return cycle(random.SystemRandom().sample(ours, len(ours)))


_shuffled: Final = _shuffled_ports()


def _free_port() -> int:
    for port in islice(_shuffled, 200):
        with socket.socket() as probe, suppress(OSError):
            probe.bind((HOST, port))
            return port
    raise RuntimeError(f"no free port in {PORTS}")
