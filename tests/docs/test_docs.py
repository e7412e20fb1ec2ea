"""The pages' commands and programs run as they stand: in a fresh folder, on a real Redis and sandbox."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import Block, Chain, Command, blocks_of, chains_of, commands_of, matches
from tests.support import reaper
from tests.support.sandbox import Sandbox
from tests.support.servers import StartServer
from tests.support.waiting import until

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
FOLDERS: Final = ("deploy", "examples")
"""What a page may name by its path in the repository."""
COMMAND_SECONDS: Final = 90
KEEPS_ALL: Final = {"appendonly": "yes", "appendfsync": "always"}

CHAINS: Final = [chain for page in PAGES for chain in chains_of(blocks_of(ROOT, page))]
EXCERPTS: Final = [block for page in PAGES for block in blocks_of(ROOT, page) if block.note == "from"]


class Desk:
    """A folder in which blocks run one after the other, and what they left running."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self._environment = environment
        self._exports: list[str] = []
        self._running: list[subprocess.Popen[bytes]] = []

    def run(self, block: Block) -> None:
        if block.note == "file":
            (self.folder / block.told).write_text(block.text)
        elif block.language == "python":
            self._finish(block, [sys.executable, "-W", "error", "-c", block.text], Command(line="python"))
        else:
            commands = commands_of(block)
            last = commands.pop() if block.note == "keeps running" else None
            for command in commands:
                self._run(block, command)
            if last:
                self._leave_running(block, last)

    def close(self) -> None:
        for process in self._running:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            reaper.forget(process.pid)

    def _run(self, block: Block, command: Command) -> None:
        if command.line.startswith("export "):
            self._exports.append(command.line)
        self._finish(block, self._shell(command), command)

    def _finish(self, block: Block, arguments: list[str], command: Command) -> None:
        ended = subprocess.run(
            arguments,
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        said = f"{block.place} {command.line}: exit code {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
        assert ended.returncode == 0, said
        assert matches(command.shown, ended.stdout), said

    def _leave_running(self, block: Block, command: Command) -> None:
        path = self.folder / f"{block.line}.log"
        with path.open("wb") as log:
            process = subprocess.Popen(
                self._shell(command),
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._running.append(process)
        reaper.watch(process.pid)

        def has_said_it() -> bool:
            said = path.read_text(errors="replace")
            assert process.poll() is None, f"{block.place} {command.line} ended:\n{said}"
            return matches(command.shown, said)

        until(
            has_said_it,
            within_s=COMMAND_SECONDS,
            why=lambda: f"{block.place} {command.line} said\n{path.read_text()}",
        )

    def _shell(self, command: Command) -> list[str]:
        return ["bash", "-euc", "\n".join([*self._exports, command.line])]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("gameball")) as started:
        yield started


@pytest.fixture
def desk(private_server: StartServer, sandbox: Sandbox, tmp_path: Path) -> Iterator[Desk]:
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    sandbox.reset()
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "COLUMNS": "120",
        "SHIPPER_REDIS_URL": private_server(options=KEEPS_ALL).url,
        "GAMEBALL_BASE_URL": sandbox.url,
        "GAMEBALL_API_KEY": "key-for-the-pages",
    }
    made = Desk(tmp_path, environment)
    yield made
    made.close()


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: chain.place)
def test_what_a_page_says_to_run_runs(chain: Chain, desk: Desk) -> None:
    for block in chain.blocks:
        desk.run(block)


@pytest.mark.parametrize("block", EXCERPTS, ids=lambda block: block.place)
def test_what_a_page_shows_of_a_file_is_in_the_file(block: Block) -> None:
    assert block.text in (ROOT / block.told).read_text()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_links_to_what_is_there(page: str) -> None:
    text = (ROOT / page).read_text()

    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text)

    assert [target for target in targets if not (ROOT / page).parent.joinpath(target).exists()] == []
