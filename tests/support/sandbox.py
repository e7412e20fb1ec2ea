"""Run a sandbox as a process of its own: on loopback, on a port that it keeps, and leave none behind."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import requests

from tests.support import reaper
from tests.support.servers import HOST, _free_port

ROOT: Final = Path(__file__).parents[2]
START_SECONDS: Final = 20
STOP_SECONDS: Final = 10
ANSWER_SECONDS: Final = 10
WAIT_SECONDS: Final = 30
LOOK_SECONDS: Final = 0.01
PAGE_LINES: Final = 10_000

Json = dict[str, Any]


class Sandbox:
    """Start, kill and restart one sandbox; what it accepted stays in `folder`, and so does its port.

    `options` are those of the command by their Python names (`latency_ms=20`), without limits unless
    given; `plan` is the content of a plan's file.
    """

    def __init__(
        self,
        folder: Path,
        *,
        plan: Json | None = None,
        api_key: str = "",
        secret_key: str = "",
        **options: int,
    ) -> None:
        self.folder = folder
        self.log_path = folder / "accepted.jsonl"
        self.port = 0
        self.ready_line = ""
        self._options = {"per_second": 0, "per_30_seconds": 0, "seed": 1, **options}
        self._environment = {"SANDBOX_API_KEY": api_key, "SANDBOX_SECRET_KEY": secret_key}
        self._plan = plan
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the sandbox does not run"
        return self._process.pid

    @property
    def errors(self) -> str:
        return (self.folder / "sandbox.log").read_text(errors="replace")

    def start(self) -> None:
        """Start and wait until it is ready. Somebody may be quicker to take a first port: try others."""
        assert self._process is None, "the sandbox runs already"
        for port in [self.port] if self.port else [_free_port() for _ in range(5)]:
            self.port = port
            if self._start_on_port():
                return
        raise RuntimeError(f"the sandbox did not start:\n{self.errors[-2000:]}")

    def stop(self) -> int:
        """End it as an operator would (SIGTERM), and return its exit code."""
        return self._end(signal.SIGTERM)

    def interrupt(self) -> int:
        """End it as Ctrl-C would, and return its exit code."""
        return self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it with SIGKILL. Without a running sandbox nothing happens."""
        if self._process is not None:
            self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it if it runs, and start it with the same port, log and options."""
        if self._process is not None:
            self.stop()
        self.start()

    def freeze(self) -> None:
        """Make it hang with its connections open (SIGSTOP) until `thaw`."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def track(
        self,
        customer_id: str = "c-1",
        events: Json | None = None,
        *,
        version: str = "v4.0",
        timeout_s: float = ANSWER_SECONDS,
        **more: object,
    ) -> requests.Response:
        """Send events as a plain client would, with both keys."""
        body = {
            "customerId": customer_id,
            "events": {"write_review": {}} if events is None else events,
            **more,
        }
        return self.post(json.dumps(body), version=version, timeout_s=timeout_s)

    @contextmanager
    def unanswered(self, customer_id: str) -> Iterator[socket.socket]:
        """Send a call, and hang up at the end of the block: until then its client waits without a limit."""
        body = json.dumps({"customerId": customer_id, "events": {"write_review": {}}})
        head = (
            "POST /api/v4.0/integrations/events HTTP/1.1\r\nHost: sandbox\r\nAPIKey: key\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection((HOST, self.port), timeout=ANSWER_SECONDS) as connection:
            connection.sendall(f"{head}{body}".encode())
            yield connection

    def post(
        self,
        body: str | bytes,
        *,
        version: str = "v4.0",
        headers: Mapping[str, str] | None = None,
        timeout_s: float = ANSWER_SECONDS,
    ) -> requests.Response:
        """Send a body as it is; `headers` replace those that a good call has."""
        sent = {"APIKey": "key", "SecretKey": "secret"} if headers is None else headers
        return self.ask(
            "POST",
            f"/api/{version}/integrations/events",
            data=body,
            headers={"Content-Type": "application/json", **sent},
            timeout_s=timeout_s,
        )

    def add_fault(self, do: Json, match: Json | None = None) -> int:
        """Put a fault in, and return its number."""
        answer = self.ask("POST", "/admin/faults", json={"match": match or {}, "do": do})
        assert answer.status_code == 201, answer.text
        number: int = answer.json()["id"]
        return number

    def faults(self) -> list[Json]:
        found: list[Json] = self._json("/admin/faults")
        return found

    def remove_fault(self, number: int) -> None:
        assert self.ask("DELETE", f"/admin/faults/{number}").status_code == 204

    def clear_faults(self) -> None:
        assert self.ask("DELETE", "/admin/faults").status_code == 204

    def accepted(self, after: int = 0) -> list[Json]:
        """Return every accepted call behind line `after`."""
        found: list[Json] = []
        while lines := self._lines(after + len(found)):
            found += lines
        return found

    def ledger(self) -> dict[str, Json]:
        found: dict[str, Json] = self._json("/admin/ledger")
        return found

    def stats(self) -> Json:
        found: Json = self._json("/admin/stats")
        return found

    def reset(self) -> None:
        assert self.ask("POST", "/admin/reset").status_code == 204

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Wait until the condition holds; fail if that takes unreasonably long."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"not so after {WAIT_SECONDS} s"
            time.sleep(LOOK_SECONDS)

    def ask(
        self, method: str, path: str, *, timeout_s: float = ANSWER_SECONDS, **more: Any
    ) -> requests.Response:
        """Ask over a connection of its own, past any proxy."""
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, f"{self.url}{path}", timeout=timeout_s, **more)

    def _json(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def _lines(self, after: int) -> list[Json]:
        answer = self.ask("GET", "/admin/accepted", params={"after": after, "limit": PAGE_LINES})
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.content.splitlines()]

    def _start_on_port(self) -> bool:
        self._process = self._spawn()
        reaper.watch(self._process.pid)
        try:
            self.ready_line = self._read_ready_line()
        except BaseException:
            self.kill()
            raise
        if not self.ready_line:
            self.kill()
        return bool(self.ready_line)

    def _spawn(self) -> subprocess.Popen[str]:
        with (self.folder / "sandbox.log").open("ab") as errors:
            # A session of its own: Ctrl-C is for pytest, which then ends its servers in order.
            return subprocess.Popen(
                [sys.executable, "-m", "shipper.sandbox", *self._arguments()],
                cwd=ROOT,
                env={**os.environ, **{name: key for name, key in self._environment.items() if key}},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )

    def _arguments(self) -> list[str]:
        given = {"port": self.port, "log": self.log_path, **self._options}
        if self._plan is not None:
            given["plan"] = self.folder / "plan.json"
            (self.folder / "plan.json").write_text(json.dumps(self._plan))
        return [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]

    def _read_ready_line(self) -> str:
        """Return the line that says it is ready, or nothing if it ended instead."""
        assert self._process is not None
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], START_SECONDS)[0]:
            raise TimeoutError(f"the sandbox is not ready after {START_SECONDS} s:\n{self.errors[-2000:]}")
        return self._process.stdout.readline()

    def _end(self, by: signal.Signals) -> int:
        assert self._process is not None, "the sandbox does not run"
        process, self._process = self._process, None
        process.send_signal(by)
        process.send_signal(signal.SIGCONT)  # a frozen one takes no SIGTERM
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            reaper.forget(process.pid)
            assert process.stdout is not None
            process.stdout.close()


def has_something(connection: socket.socket) -> bool:
    """Tell whether something can be read from a connection, its end included."""
    return bool(select.select([connection], [], [], 0)[0])
