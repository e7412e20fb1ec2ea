"""Stack: Redis, sandbox and workers of one machine, started in this order, ended in the other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from shipper.errors import ShipperError
from shipper.local.child import Role, Tell
from shipper.local.ending import Ending
from shipper.local.folder import held_folder, keep_port, last_port
from shipper.local.port import HOST
from shipper.local.program import Program, find_program
from shipper.local.server import server_role, url_of
from shipper.local.supervisor import Supervisor
from shipper.local.surroundings import python, surroundings, without_ours

SANDBOX_RANK: Final = 2
WORKER_RANK: Final = 3
SETTLE_MS: Final = 5000
"""What a worker may take to end, beyond the longest call."""
HOOKS_GRACE_MS: Final = 5000
"""A hook that is cut short is told again; billiard's own end takes half a minute at times."""
READY: Final = re.compile(r'"event": ?"\S+@\S+ ready\."')
"""What Celery logs when a worker consumes."""


class NoSandboxError(ShipperError):
    """Say that the sandbox cannot run here, and what to install."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What to start, and with what.

    `environ` is what every process gets, without the addresses that are known only when all runs.
    """

    folder: Path
    environ: Mapping[str, str]
    redis_url: str = ""
    """A server that runs already; empty: one is started, its data in `folder`."""
    sandbox: Sequence[str] | None = ()
    """The sandbox's options; None: the workers call whatever the environment says."""
    accounts: Sequence[str] = ("default",)
    workers: int = 2
    timeout_ms: int = 15_000
    """The longest call, which a worker's end waits for."""


class Stack:
    """Hold what runs; as a context manager, end it."""

    def __init__(self, layout: Layout, *, tell: Tell, ending: Ending) -> None:
        self.redis_url = layout.redis_url
        self.sandbox_url = ""
        self.program: Program | None = None
        """The server that was started; None where one was given."""
        self.supervisor = Supervisor(tell, ending)
        self._layout = layout
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        try:
            lock = self._exit.enter_context(held_folder(self._layout.folder))
            self._exit.enter_context(self.supervisor)
            if not self.redis_url:
                self._start_server(lock)
            if self._layout.sandbox is not None:
                self._start_sandbox(self._layout.sandbox)
            self.supervisor.start(*self._worker_roles())
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    def _start_server(self, lock: int) -> None:
        program, folder = find_program(self._layout.environ.get("PATH")), self._layout.folder
        port = self.supervisor.start_server(
            lambda port: server_role(
                program, folder=folder, port=port, environ=without_ours(self._layout.environ), holds=(lock,)
            ),
            preferred=last_port(folder),
        )
        keep_port(folder, port)
        self.program, self.redis_url = program, url_of(port)

    def _start_sandbox(self, options: Sequence[str]) -> None:
        if any(find_spec(name) is None for name in ("starlette", "uvicorn")):
            raise NoSandboxError(
                "the sandbox needs more than is installed: pip install 'gameball-shipper[web]'"
            )
        port = self.supervisor.start_server(lambda port: self._sandbox_role(port, options))
        self.sandbox_url = f"http://{HOST}:{port}"

    def _sandbox_role(self, port: int, options: Sequence[str]) -> Role:
        return Role(
            name="sandbox",
            command=python("shipper.sandbox", f"--port={port}", *options),
            # Without the account's keys, which are the workers' alone, and without anybody's SANDBOX_*.
            environ=surroundings(without_ours(self._layout.environ)),
            is_ready=lambda _, said: any(line.startswith("sandbox ready") for line in said),
            rank=SANDBOX_RANK,
        )

    def _worker_roles(self) -> list[Role]:
        names = [f"worker-{number}" for number in range(1, self._layout.workers + 1)]
        workers = [
            self._worker_role(name, "shipper.deliver", grace_ms=self._layout.timeout_ms + SETTLE_MS)
            for name in names
        ]
        hooks = self._worker_role(
            "hooks", "shipper.hooks", "--pool=prefork", "--concurrency=2", grace_ms=HOOKS_GRACE_MS
        )
        return [*workers, hooks]

    def _worker_role(self, name: str, queue: str, *options: str, grace_ms: int) -> Role:
        given = (f"--queues={queue}", "--loglevel=info", f"--hostname={name}@%h", *options)
        return Role(
            name=name,
            command=python("shipper", "worker", *given),
            environ=surroundings(self._layout.environ, **self._addresses()),
            is_ready=lambda _, said: any(READY.search(line) for line in said),
            rank=WORKER_RANK,
            grace_ms=grace_ms,
        )

    def _addresses(self) -> dict[str, str]:
        """Return where workers find the ledger and Gameball, or what stands in for it."""
        found = {"SHIPPER_REDIS_URL": self.redis_url, "SHIPPER_LOG": "json"}
        if not self._layout.redis_url:
            found["SHIPPER_BROKER_URL"] = ""
        if self.sandbox_url:
            for account in self._layout.accounts:
                found |= sandbox_account(account, self.sandbox_url)
        return found


def sandbox_account(alias: str, url: str) -> dict[str, str]:
    """Return the variables that make an account of Gameball one of the sandbox's; any key will do there."""
    prefix = "GAMEBALL_" if alias == "default" else f"GAMEBALL_{alias.upper().replace('-', '_')}_"
    keys = {f"{prefix}API_KEY": "sandbox-key", f"{prefix}SECRET_KEY": "sandbox-secret"}
    emptied = {f"{prefix}API_KEY_FILE": "", f"{prefix}SECRET_KEY_FILE": "", f"{prefix}PROXY": ""}
    return {f"{prefix}BASE_URL": url, **keys, **emptied}
